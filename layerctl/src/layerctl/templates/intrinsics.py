"""CloudFormation's intrinsic functions over nodes, evaluated as far as a template alone decides them.

Long and short forms alike (AWS CloudFormation template reference, "Intrinsic function reference"). What only a
deployment knows becomes a hole; where a condition or a region decides, all values are given.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import yaml

from layerctl.templates.spans import SpannedString, concatenate, part_of
from layerctl.templates.yaml import get, pairs, scalar, spanned_scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["KNOWN_TAGS", "Expressions", "intrinsic"]

Node = yaml.Node

KNOWN_TAGS = frozenset(
    {"!And", "!Base64", "!Cidr", "!Condition", "!Equals", "!FindInMap", "!GetAtt", "!GetAZs", "!If", "!ImportValue"}
    | {"!Join", "!Not", "!Or", "!Ref", "!Select", "!Split", "!Sub", "!Transform", "!GetStackOutput", "!Length"}
    | {"!ToJsonString", "!ForEach", "!Contains", "!EachMemberEquals", "!EachMemberIn", "!RefAll", "!ValueOf"}
)
_PLACEHOLDER = re.compile(r"\$\{(!?)([^{}]*)\}")
# Parameters whose value is looked up in Parameter Store at deployment: their default is a name.
_LOOKED_UP = "AWS::SSM::Parameter::Value"
_MAX_NESTING = 40
_MAX_ALLOWED = 12
# References that lead to references, ten times ten times ten: beyond this, values count as open.
_MAX_EVALUATIONS = 200_000


def intrinsic(node: Node) -> tuple[str, Node] | None:
    """The function's short name and its argument, or None for a plain value."""
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


class Expressions:
    """Evaluates the values of one template.

    Args:
        text: the text that the nodes were parsed from.
        root: the template's top node.
        given: values for parameters that someone else sets (a samconfig.toml, a parent stack).
        origin: the name of the file that `text` is, where it is not the file at hand.
    """

    def __init__(
        self, text: str, root: Node, given: dict[str, list[SpannedString]] | None = None, origin: str = ""
    ) -> None:
        self.text = text
        self.root = root
        self._given = given or {}
        self._origin = origin
        self._budget = _MAX_EVALUATIONS
        self._evaluated: dict[int, list[SpannedString]] = {}  # by the node's identity: the tree lives as long as we do
        self._parameters = dict(pairs(get(root, "Parameters")))
        self._mappings = dict(pairs(get(root, "Mappings")))

    def evaluate(self, node: Node | None, depth: int = 0) -> list[SpannedString]:
        """Every value that the node can have; for a list, the values of its items."""
        if node is None or depth > _MAX_NESTING:
            return [SpannedString.unknown("...")]
        known = self._evaluated.get(id(node))
        if known is None:
            self._budget -= 1
            known = [SpannedString.unknown("...")] if self._budget < 0 else self._work_out(node, depth)
            self._evaluated[id(node)] = known
        return known

    def _work_out(self, node: Node, depth: int) -> list[SpannedString]:
        call = intrinsic(node)
        if call is not None:
            return self._call(*call, depth=depth + 1)
        if isinstance(node, yaml.ScalarNode):
            return self.plain(node, depth + 1)
        if isinstance(node, yaml.SequenceNode):
            return [value for item in node.value for value in self.evaluate(item, depth + 1)]
        return [SpannedString.unknown("...")]

    def plain(self, node: yaml.ScalarNode, depth: int) -> list[SpannedString]:
        """A scalar outside of any function."""
        del depth
        value = spanned_scalar(self.text, node)
        if self._origin:
            value = replace(value, spans=tuple(span._replace(origin=self._origin) for span in value.spans))
        return [value]

    def one_text(self, node: Node | None) -> str | None:
        """The node's text if it has one value, parameters having their defaults, and that is known."""
        plain = scalar(node)
        if node is None or (plain is not None and "$" not in plain):
            return plain
        texts = {value.text for value in self.evaluate(node) if self._by_default(value)}
        return texts.pop() if len(texts) == 1 else None

    def _by_default(self, value: SpannedString) -> bool:
        return all(
            name not in self._parameters or scalar(get(self._parameters[name], "Default")) == assumed
            for name, assumed in value.assumed
        )

    def _call(self, name: str, argument: Node, depth: int) -> list[SpannedString]:
        items = argument.value if isinstance(argument, yaml.SequenceNode) else []
        match name:
            case "Ref" if isinstance(argument, yaml.ScalarNode):
                return self.reference(argument.value, depth)
            case "Sub" if items:
                variables = dict(pairs(items[1])) if len(items) > 1 else {}
                return self._sub(items[0], variables, depth)
            case "Sub" if isinstance(argument, yaml.ScalarNode):
                return self._sub(argument, {}, depth)
            case "Join" if len(items) == 2 and isinstance(items[1], yaml.SequenceNode):
                return self._join(items[0].value, items[1].value, depth)
            case "FindInMap" if len(items) >= 3:
                return self._find_in_map(items, depth)
            case "If" if len(items) == 3:
                return self.evaluate(items[1], depth) + self.evaluate(items[2], depth)
            case "Split" if len(items) == 2:
                return self.evaluate(items[1], depth)
            case "Select" if len(items) == 2:
                return self._select(items, depth)
            case _:
                label = argument.value if isinstance(argument, yaml.ScalarNode) else ""
                if name == "GetAtt" and items:
                    label = ".".join(str(item.value) for item in items if isinstance(item, yaml.ScalarNode))
                return [SpannedString.unknown(label or name)]

    def reference(self, name: str, depth: int) -> list[SpannedString]:
        """What `Ref` gives: a parameter's value, else a hole of that name."""
        if name == "AWS::NoValue":
            return [SpannedString()]
        if name in self._given:
            return [value.through(name) for value in self._given[name]]
        parameter = self._parameters.get(name)
        default = get(parameter, "Default")
        if default is None or (scalar(get(parameter, "Type")) or "").startswith(_LOOKED_UP):
            return [SpannedString.unknown(name)]
        text = scalar(default)
        values = [value.through(name) for value in self.evaluate(default, depth)]
        return values if text is None else [value.assuming(name, text) for value in values]

    def _allowed(self, name: str) -> list[SpannedString]:
        """The other values that a parameter may be given. They stand for themselves only: no version is read there."""
        if name in self._given or name not in self._parameters:
            return []
        default = scalar(get(self._parameters[name], "Default"))
        allowed = get(self._parameters[name], "AllowedValues")
        texts = [scalar(item) for item in allowed.value] if isinstance(allowed, yaml.SequenceNode) else []
        return [
            SpannedString.literal(text, None).assuming(name, text)
            for text in texts[:_MAX_ALLOWED]
            if text is not None and text != default
        ]

    def _sub(self, template: Node, variables: dict[str, Node], depth: int) -> list[SpannedString]:
        values = self.plain(template, depth) if isinstance(template, yaml.ScalarNode) else []
        return [done for value in values for done in self._substitute(value, variables, depth)]

    def _substitute(self, value: SpannedString, variables: dict[str, Node], depth: int) -> list[SpannedString]:
        parts: list[list[SpannedString]] = [[replace(value, spans=())]]
        for span in value.spans:
            at = 0
            for match in _PLACEHOLDER.finditer(span.text) if not span.hole else ():
                parts.append([part_of(span, at, match.start())])
                at = match.end()
                name = match[2].strip()
                if match[1]:
                    parts.append([SpannedString.literal(f"${{{name}}}", None)])
                elif name in variables:
                    parts.append(self.evaluate(variables[name], depth))
                else:
                    parts.append(self.reference(name, depth) + self._allowed(name))
            parts.append([part_of(span, at, len(span.text))])
        return concatenate(parts)

    def _join(self, delimiter: str, items: list[Node], depth: int) -> list[SpannedString]:
        parts: list[list[SpannedString]] = []
        for index, item in enumerate(items):
            if index:
                parts.append([SpannedString.literal(str(delimiter), None)])
            parts.append(self.evaluate(item, depth))
        return concatenate(parts)

    def _select(self, items: list[Node], depth: int) -> list[SpannedString]:
        index = scalar(items[0])
        if (
            isinstance(items[1], yaml.SequenceNode)
            and intrinsic(items[1]) is None
            and index is not None
            and index.isdecimal()
        ):
            chosen = items[1].value[int(index) : int(index) + 1]
            return self.evaluate(chosen[0], depth) if chosen else [SpannedString.unknown("Select")]
        return self.evaluate(items[1], depth)

    def _find_in_map(self, items: list[Node], depth: int) -> list[SpannedString]:
        """Look a mapping up; a key that is open gives the values of all keys, with what each assumes."""
        name = self.one_text(items[0]) or ""
        found: list[SpannedString] = []
        for first, inner, assumed in self._choose(self._mappings.get(name), items[1], depth):
            for second, value, more in self._choose(inner, items[2], depth):
                for one in self.evaluate(value, depth):
                    traced = one.through(name)
                    for subject, key in ((assumed, first), (more, second)):
                        traced = traced.assuming(subject, key) if subject else traced
                    found.append(traced)
        if len(items) > 3:
            found += self.evaluate(get(items[3], "DefaultValue"), depth)
        return found or [SpannedString.unknown("FindInMap")]

    def _choose(self, table: Node | None, key: Node, depth: int) -> Iterator[tuple[str, Node, str | None]]:
        """The entries that a key can mean, and what decides between them; the default's entry comes first."""
        entries = list(pairs(table))
        call = intrinsic(key)
        name = str(call[1].value) if call is not None and call[0] == "Ref" else None
        keys = {value.text for value in self.evaluate(key, depth)}
        if name in self._given or (name not in self._parameters and None not in keys):
            yield from ((entry, value, None) for entry, value in entries if entry in keys)
        else:
            entries.sort(key=lambda entry: entry[0] not in keys)
            yield from ((entry, value, name) for entry, value in entries)
