"""CloudFormation's intrinsic functions, in their long and short forms (template reference, "Intrinsic functions")."""

from __future__ import annotations

import yaml

__all__ = ["KNOWN_TAGS", "intrinsic"]

Node = yaml.Node

KNOWN_TAGS = frozenset(
    {"!And", "!Base64", "!Cidr", "!Condition", "!Equals", "!FindInMap", "!GetAtt", "!GetAZs", "!If", "!ImportValue"}
    | {"!Join", "!Not", "!Or", "!Ref", "!Select", "!Split", "!Sub", "!Transform", "!GetStackOutput", "!Length"}
    | {"!ToJsonString", "!ForEach", "!Contains", "!EachMemberEquals", "!EachMemberIn", "!RefAll", "!ValueOf"}
)


def intrinsic(node: Node | None) -> tuple[str, Node] | None:
    """The function's short name and its argument, or None for a plain value."""
    if node is None:
        return None
    if node.tag in KNOWN_TAGS:
        return node.tag[1:], node
    if isinstance(node, yaml.MappingNode) and len(node.value) == 1:
        key = node.value[0][0].value
        if isinstance(key, str):
            if key.startswith("Fn::"):
                return key[4:], node.value[0][1]
            if key in {"Ref", "Condition"}:
                return key, node.value[0][1]
    return None
