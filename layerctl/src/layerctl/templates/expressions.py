"""The values of a template's expressions, CloudFormation's intrinsic functions among them.

They are worked out as far as the template alone decides them. What only a deployment knows becomes a hole, or what a
caller has stand in for it; where an undecided condition or a region decides, all values are given.
"""

from __future__ import annotations

import base64
import copy
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from layerctl.templates.conditions import MAX_NESTING, WORDS, Conditions
from layerctl.templates.intrinsics import KNOWN_TAGS, intrinsic
from layerctl.templates.spans import SpannedString, concatenate, filled
from layerctl.templates.yaml import SpannedScalar, get, pairs, scalar, spanned_scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from layerctl.templates.spans import Span

__all__ = ["Expressions", "StandIn"]

Node = yaml.Node

_PLACEHOLDER = re.compile(r"\$\{[^{}]*\}")
# Parameters whose value is looked up in Parameter Store at deployment: their default is a name.
_LOOKED_UP = "AWS::SSM::Parameter::Value"
_MAX_ALLOWED = 12
# References that lead to references, ten times ten times ten: beyond this, values count as open.
_MAX_EVALUATIONS = 200_000


class StandIn(NamedTuple):
    """A text in place of what only a deployment knows; `guess`: whether the real one will be another."""

    text: str
    guess: bool = False


class Expressions(Conditions):
    """Evaluates the values of one template.

    Args:
        text: the text that the nodes were parsed from.
        root: the template's top node.
        given: values for parameters that someone else sets (a samconfig.toml, a parent stack).

    Attributes:
        stand_in: gives a text in place of what only a deployment knows, by the function (``Ref``, ``GetAtt``,
            ``ImportValue``) and what it asks for; None where there is no such thing. Parameters have their defaults
            then, so that every value is one.
    """

    def __init__(self, text: str, root: Node, given: Mapping[str, list[SpannedString]] | None = None) -> None:
        super().__init__(dict(pairs(get(root, "Conditions"))))
        self.text = text
        self.root = root
        self._given = given or {}
        self.stand_in: Callable[[str, str], StandIn | None] | None = None
        self._budget = _MAX_EVALUATIONS
        self._evaluated: dict[Node, list[SpannedString]] = {}  # by identity; loops make nodes that nobody else holds
        self._arguments: dict[Node, Node] = {}
        self._parameters = dict(pairs(get(root, "Parameters")))
        self._mappings = dict(pairs(get(root, "Mappings")))

    # --- what a value can be ------------------------------------------------------------------------------

    def evaluate(self, node: Node | None, depth: int = 0) -> list[SpannedString]:
        """Every value that the node can have; for a list, the values of its items."""
        if node is None or depth > MAX_NESTING:
            return [SpannedString.unknown("...", "it is nested too deep, or leads back to itself")]
        known = self._evaluated.get(node)
        if known is None:
            self._budget -= 1
            too_many = [SpannedString.unknown("...", "the template has too many references to references")]
            known = too_many if self._budget < 0 else self._work_out(node, depth)
            self._evaluated[node] = known
        return known

    def forget(self) -> None:
        """Work out anew what has been worked out."""
        super().forget()
        self._evaluated = {}

    def _work_out(self, node: Node, depth: int) -> list[SpannedString]:
        call = intrinsic(node)
        if call is not None:
            return self._call(*call, depth=depth + 1)
        if node.tag.startswith("!"):
            return [SpannedString.unknown("...", f"Fn::{node.tag[1:]} cannot be worked out")]
        if isinstance(node, yaml.ScalarNode):
            return self.plain(node, depth + 1)
        if isinstance(node, yaml.SequenceNode):
            return [value for item in node.value for value in self.evaluate(item, depth + 1)]
        return [SpannedString.unknown("...", "it is not text")]

    def plain(self, node: yaml.ScalarNode, depth: int) -> list[SpannedString]:
        """A scalar outside of any function."""
        del depth
        if isinstance(node, SpannedScalar):
            return [node.spanned]
        if not node.style and len(node.value) < 6 and (word := WORDS.get(node.value.lower())) is not None:
            return [SpannedString.literal(word, None)]
        text, origin = self.home_of(node)
        value = spanned_scalar(text, node)
        return [value.standing_in(origin) if origin else value]

    def home_of(self, node: Node) -> tuple[str, str]:
        """The text that a node was parsed from, and the name of its file where that is not the file at hand."""
        del node
        return self.text, ""

    def one_text(self, node: Node | None) -> str | None:
        """The node's text if it has one value, parameters having their defaults, and that is known."""
        plain = scalar(node)
        if plain is not None and "$" not in plain and plain.lower() not in WORDS:  # as mostly
            return plain
        value = self.one_value(node)
        return value.text if value is not None else None

    def one_value(self, node: Node | None) -> SpannedString | None:
        """The node's one value, parameters having their defaults; None where it has several, or there is no node."""
        if node is None:
            return None
        values = {value.shown: value for value in self.evaluate(node) if self._by_default(value)}
        return next(iter(values.values())) if len(values) == 1 else None

    def texts(self, node: Node | None) -> tuple[str, ...]:
        """A list of texts; empty where any of them is open."""
        texts = [value.text for value in self.evaluate(node)] if node is not None else []
        return tuple(text for text in texts if text) if None not in texts else ()

    def items(self, node: Node | None, depth: int = 0) -> list[tuple[Node, list[SpannedString]]]:
        """A list's items, each with its node and the values that it can have.

        A list that a function makes has that function's node for all its items.
        """
        node = self.choose(node)
        if node is None or (isinstance(node, yaml.ScalarNode) and not (node.value or node.tag)):
            return []
        call = intrinsic(node)
        if call is None and isinstance(node, yaml.SequenceNode):
            chosen = [kept for item in node.value if (kept := self.choose(item)) is not None]
            return [(item, self.evaluate(item, depth + 1)) for item in chosen]
        values = self.evaluate(node, depth + 1)
        if len({value.assumed for value in values}) > 1:  # what a region or a parameter decides between
            return [(node, values)]
        if len(values) == 1 and (
            call is None or call[0] in {"Ref", "FindInMap"}
        ):  # such as a parameter of a list's type
            values = [part.strip() for part in values[0].split(",")]
        return [(node, [value]) for value in values]

    def _by_default(self, value: SpannedString) -> bool:
        return all(
            name not in self._parameters or scalar(get(self._parameters[name], "Default")) == assumed
            for name, assumed in value.assumed
        )

    # --- functions ----------------------------------------------------------------------------------------

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
            case "Join" if len(items) == 2:
                return self._join(items[0].value, items[1], depth)
            case "FindInMap" if len(items) >= 3:
                return self._find_in_map(items, depth)
            case "If" if len(items) == 3:
                return self._if(str(items[0].value), items[1], items[2], depth)
            case "Split" if len(items) == 2:
                return [part for value in self.evaluate(items[1], depth) for part in value.split(str(items[0].value))]
            case "Select" if len(items) == 2:
                return self._select(items, depth)
            case "GetAtt":
                parts = [self.one_text(item) or "" for item in items] if items else [str(argument.value)]
                return self.ask("GetAtt", ".".join(parts))
            case "ImportValue":
                return self.ask(name, self.one_text(self._bare(argument)) or name)
            case "Base64" | "Length" | "ToJsonString" | "GetAZs":
                return self._computed(name, self._bare(argument), depth)
            case _:
                label = argument.value if isinstance(argument, yaml.ScalarNode) else ""
                return [SpannedString.unknown(label or name, f"Fn::{name} cannot be worked out")]

    def _bare(self, argument: Node) -> Node:
        """The argument of a short form, which is the same node, without the function's tag."""
        if argument.tag not in KNOWN_TAGS:
            return argument
        bare = self._arguments.get(argument)
        if bare is None:
            bare = copy.copy(argument)
            bare.tag = ""
            self._arguments[argument] = bare
        return bare

    def _if(self, name: str, yes: Node, no: Node, depth: int) -> list[SpannedString]:
        holds = self.condition(name)
        if holds is not None:
            return self.evaluate(yes if holds else no, depth)
        if self.stand_in is not None:
            return [SpannedString.unknown("If", self.undecided(name))]
        return self.evaluate(yes, depth) + self.evaluate(no, depth)

    def ask(self, function: str, what: str) -> list[SpannedString]:
        """What only a deployment knows: a hole, or what stands in for it."""
        if self.stand_in is None:
            return [SpannedString.unknown(what)]
        found = self.stand_in(function, what)
        if found is None:
            kind = "neither a parameter nor a resource" if function == "Ref" else "not a resource"
            called = "Ref to" if function == "Ref" else f"Fn::{function} of"
            return [SpannedString.unknown(what, f"{called} {what.partition('.')[0]!r}, which is {kind}")]
        value = SpannedString.literal(found.text, None)
        return [replace(value, spans=(value.spans[0]._replace(guess=found.guess, via=what),))]

    def reference(self, name: str, depth: int) -> list[SpannedString]:
        """What `Ref` gives: a parameter's value, else a hole of that name."""
        if name == "AWS::NoValue":
            return [SpannedString()]
        if name in self._given:
            return [value.through(name) for value in self._given[name]]
        parameter = self._parameters.get(name)
        default = get(parameter, "Default")
        if default is None or (scalar(get(parameter, "Type")) or "").startswith(_LOOKED_UP):
            return self.ask("Ref" if "." not in name else "GetAtt", name)
        text = scalar(default)
        values = [value.through(name) for value in self.evaluate(default, depth)]
        return values if text is None or self.stand_in else [value.assuming(name, text) for value in values]

    def _allowed(self, name: str) -> list[SpannedString]:
        """The other values that a parameter may be given. They stand for themselves only: no version is read there."""
        if self.stand_in is not None or name in self._given or name not in self._parameters:
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
        def meaning(span: Span, start: int, end: int) -> list[SpannedString]:
            name = span.text[start + 2 : end - 1]
            if name.startswith("!"):
                return [SpannedString.literal(f"${{{name[1:].strip()}}}", None)]
            name = name.strip()
            if name in variables:
                return self.evaluate(variables[name], depth)
            return self.reference(name, depth) + self._allowed(name)

        return filled(value, _placeholders, meaning)

    def _join(self, delimiter: str, items: Node, depth: int) -> list[SpannedString]:
        parts: list[list[SpannedString]] = []
        for _, values in self.items(items, depth):
            if parts:
                parts.append([SpannedString.literal(str(delimiter), None)])
            parts.append(values)
        return concatenate(parts)

    def _select(self, items: list[Node], depth: int) -> list[SpannedString]:
        index = self.one_text(items[0])
        listed = self.items(items[1], depth)
        literal = isinstance(items[1], yaml.SequenceNode) and intrinsic(items[1]) is None
        known = literal or all(value.text is not None for _, values in listed for value in values)
        if index is None or not index.isdecimal() or not known:
            return [value for _, values in listed for value in values]
        if int(index) < len(listed):
            return listed[int(index)][1]
        return [SpannedString.unknown("Select", f"Fn::Select cannot be worked out: no item {index} of {len(listed)}")]

    def _find_in_map(self, items: list[Node], depth: int) -> list[SpannedString]:
        """Look a mapping up; a key that is open gives the values of all keys, with what each assumes."""
        name = self.one_text(items[0]) or ""
        found: list[SpannedString] = []
        for first, inner, assumed in self._entries(self._mappings.get(name), items[1], depth):
            for second, value, more in self._entries(inner, items[2], depth):
                for choice in self.evaluate(value, depth):
                    traced = choice.through(name)
                    for subject, key in ((assumed, first), (more, second)):
                        traced = traced.assuming(subject, key) if subject else traced
                    found.append(traced)
        default = get(items[3], "DefaultValue") if len(items) > 3 else None
        if default is not None and not (found and self.stand_in):
            found += self.evaluate(default, depth)
        path = ".".join([name, *(self.one_text(item) or "?" for item in items[1:3])])
        return found or [SpannedString.unknown("FindInMap", f"Fn::FindInMap: {path} is not in Mappings")]

    def _entries(self, table: Node | None, key: Node, depth: int) -> Iterator[tuple[str, Node, str | None]]:
        """The entries that a key can mean, and what decides between them; the default's entry comes first."""
        entries = list(pairs(table))
        call = intrinsic(key)
        name = str(call[1].value) if call is not None and call[0] == "Ref" else None
        keys = {value.text for value in self.evaluate(key, depth)}
        if self.stand_in is not None or name in self._given or (name not in self._parameters and None not in keys):
            yield from ((entry, value, None) for entry, value in entries if entry in keys)
        else:
            entries.sort(key=lambda entry: entry[0] not in keys)
            yield from ((entry, value, name) for entry, value in entries)

    def _computed(self, name: str, argument: Node, depth: int) -> list[SpannedString]:
        """Functions that make another text: known if what they are given is."""
        if name == "GetAZs":
            region = self.one_text(argument) or self.reference("AWS::Region", depth)[0].text
            return [SpannedString.literal(f"{region}{zone}", None) for zone in "abc"] if region else self.ask(name, "")
        if name == "Length":
            return [SpannedString.literal(str(len(self.items(argument, depth))), None)]
        text = self.one_text(argument) if name == "Base64" else self._json(argument)
        if text is None:
            return [SpannedString.unknown(name, f"Fn::{name} is given what is not known")]
        return [SpannedString.literal(base64.b64encode(text.encode()).decode() if name == "Base64" else text, None)]

    def _json(self, node: Node) -> str | None:
        """The JSON text of a value; None where a part of it is open."""

        def data(node: Node) -> Any:
            node = self.choose(node) or node
            if intrinsic(node) is None and isinstance(node, yaml.MappingNode):
                return {key: data(value) for key, value in pairs(node)}
            if intrinsic(node) is None and isinstance(node, yaml.SequenceNode):
                return [data(item) for item in node.value]
            text = self.one_text(node)
            if text is None:
                raise LookupError
            return text

        try:
            return json.dumps(data(node), separators=(",", ":"))
        except (LookupError, RecursionError):
            return None


def _placeholders(text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in _PLACEHOLDER.finditer(text))
