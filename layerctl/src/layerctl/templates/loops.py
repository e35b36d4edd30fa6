"""`Fn::ForEach` (CloudFormation's AWS::LanguageExtensions): loops become the entries that they stand for.

Resources, their properties, conditions and outputs may have loops, and loops may hold loops. What a loop makes keeps
its place: a node of the body stands where the body is, and a text is made of the body's and the item's characters.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from layerctl.templates.intrinsics import intrinsic
from layerctl.templates.spans import SpannedString
from layerctl.templates.yaml import SpannedScalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from layerctl.templates.expressions import Expressions

__all__ = ["expand_loops"]

Node = yaml.Node

_MAX_NODES = 200_000
_MAX_DEPTH = 200


def expand_loops(expressions: Expressions) -> tuple[Node, list[tuple[Node, str]]]:
    """Write a template's loops out.

    Args:
        expressions: works out what loops go over.

    Returns:
        The template, and the loops over what is not known: each with its place and why. Such a loop's body is there
        once, its variable left open.
    """
    expander = _Expander(expressions)
    return expander.expand(expressions.root, {}, 0), expander.open


class _Expander:
    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions
        self._left = _MAX_NODES
        self.open: list[tuple[Node, str]] = []

    def expand(self, node: Node, loop: Mapping[str, SpannedString], depth: int) -> Node:
        """The same node, or where loops concern it one in its place."""
        self._left -= 1
        if depth > _MAX_DEPTH or self._left < 0:
            return node
        call = intrinsic(node)
        if call is not None and call[0] == "Ref" and isinstance(call[1], yaml.ScalarNode) and call[1].value in loop:
            return SpannedScalar(node, loop[call[1].value], tag="")
        if isinstance(node, yaml.ScalarNode):
            return self._filled(node, loop)
        if isinstance(node, yaml.SequenceNode):
            items = [self.expand(item, loop, depth + 1) for item in node.value]
            same = all(new is old for new, old in zip(items, node.value, strict=True))
            return node if same else yaml.SequenceNode(node.tag, items, node.start_mark, node.end_mark)
        entries = list(self._entries(node, loop, depth))
        same = len(entries) == len(node.value) and all(
            new[0] is old[0] and new[1] is old[1] for new, old in zip(entries, node.value, strict=True)
        )
        return node if same else yaml.MappingNode(node.tag, entries, node.start_mark, node.end_mark)

    def _entries(self, node: Node, loop: Mapping[str, SpannedString], depth: int) -> Iterator[tuple[Node, Node]]:
        for key, value in node.value:
            if str(key.value).startswith("Fn::ForEach") and isinstance(value, yaml.SequenceNode):
                if len(value.value) == 3:
                    yield from self._loop(*value.value, loop=loop, depth=depth)
                else:
                    self.open.append((key, "Fn::ForEach takes a name, a list and a body"))
            else:
                yield self.expand(key, loop, depth + 1), self.expand(value, loop, depth + 1)

    def _loop(
        self, name: Node, collection: Node, body: Node, *, loop: Mapping[str, SpannedString], depth: int
    ) -> Iterator[tuple[Node, Node]]:
        variable = str(name.value)
        items = self._expressions.items(self.expand(collection, loop, depth + 1))
        values = [value for _, alternatives in items for value in alternatives]
        if any(value.text is None for value in values):
            self.open.append((collection, f"Fn::ForEach over {', '.join(value.shown for value in values)}"))
            values = [SpannedString.unknown(variable)]
        for value in values:
            made = self.expand(body, {**loop, variable: value}, depth + 1)
            yield from made.value if isinstance(made, yaml.MappingNode) else ()

    def _filled(self, node: yaml.ScalarNode, loop: Mapping[str, SpannedString]) -> Node:
        """A text with the loops' variables: ``${Name}`` as it is, ``&{Name}`` its letters and digits only."""
        if not any(f"{{{name}}}" in node.value for name in loop):
            return node
        (value,) = self._expressions.plain(node, 0)[:1]
        for name, item in loop.items():
            plain = SpannedString.literal(re.sub(r"[^A-Za-z0-9]", "", item.text), None) if item.text else item
            for mark, text in ((f"${{{name}}}", item), (f"&{{{name}}}", plain)):
                first, *rest = value.split(mark)
                for part in rest:
                    first = first + text + part
                value = first
        return SpannedScalar(node, value, tag=node.tag)
