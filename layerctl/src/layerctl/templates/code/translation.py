"""From the nodes of a syntax tree to expressions, names and scopes: what Python and TypeScript have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from layerctl.templates.code.syntax import Call, Expression, Path, Text, Unknown, string_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tree_sitter import Node

    from layerctl.templates.code.syntax import TextPart

__all__ = ["Binding", "Translator"]

_MAX_DEPTH = 60
_MAX_LABEL = 60
# Functions that give back what they are given, as text or as a number.
_PASSING = frozenset({"str", "String", "int", "Number", "toString", "asString", "as_string"})
_FOLLOWED = _PASSING | {"format", "join", "concat", "formatArn", "format_arn"}
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\n": "", "\r\n": ""}


class Binding(NamedTuple):
    """A name that is given a value, or something that is not followed (a loop's variable, an imported name).

    Attributes:
        name: the name, or a field's name.
        value: the node of what it is given.
        field: whether it is a field of the object or class at hand: ``self.name = ...``.
        anywhere: whether it may be the name of an outer scope.
    """

    name: str
    value: Node | None = None
    field: bool = False
    anywhere: bool = False


class Translator(ABC):
    """Translates the nodes of one file.

    Attributes:
        composing, scopes, classes: the nodes that may put something together, in which names hold, that are classes.
        own: the names of the object or class at hand.
        member_of: the node of ``object.name``, and its field with the name.
        targets: the nodes of names that are given a value.
        patterns: those of several at once, and the field that holds them; none: all that is in it.
        seen: the nodes that became part of an expression, by id.
    """

    composing: ClassVar[frozenset[str]]
    scopes: ClassVar[frozenset[str]]
    classes: ClassVar[frozenset[str]]
    own: ClassVar[frozenset[str]]
    member_of: ClassVar[tuple[str, str]]
    targets: ClassVar[frozenset[str]]
    patterns: ClassVar[Mapping[str, str | None]]

    def __init__(self, text: str) -> None:
        self.text = text
        self.seen: set[int] = set()
        self._order: list[int] = []

    @abstractmethod
    def bindings(self, node: Node) -> Iterator[Binding]:
        """The names that a node, for itself, gives values to."""

    @abstractmethod
    def known(self, node: Node, depth: int) -> Expression | None:
        """The expression that a node is, or None if that is not followed."""

    def expression(self, node: Node | None, depth: int = 0) -> Expression:
        """The expression that a node is."""
        if node is None:
            return Unknown("...", 0)
        before = len(self._order)
        found = self.known(node, depth + 1) if depth < _MAX_DEPTH else None
        if found is None:  # what is in it is none of it, then
            self.seen.difference_update(self._order[before:])
            del self._order[before:]
            return Unknown(self.label(node), node.start_byte)
        self._see(node)
        return found

    def _see(self, node: Node) -> None:
        self.seen.add(node.id)
        self._order.append(node.id)

    def of(self, node: Node | None) -> str:
        """A node's text."""
        return self.text[node.start_byte : node.end_byte] if node is not None else ""

    def label(self, node: Node) -> str:
        """A node's text as it is shown to people."""
        return " ".join(self.text[node.start_byte : min(node.end_byte, node.start_byte + _MAX_LABEL)].split())

    def all(self, nodes: Iterable[Node], depth: int) -> tuple[Expression, ...]:
        """The expressions that nodes are, without comments."""
        return tuple(self.expression(node, depth) for node in nodes if node.type != "comment")

    def inner(self, node: Node, depth: int) -> Expression:
        """What stands in parentheses, or before a type."""
        return next(iter(self.all(node.named_children, depth)), Unknown("...", node.start_byte))

    def sum(self, node: Node, depth: int) -> Call:
        """The operands of plus signs, however many there are."""
        operands: list[Expression] = []
        left: Node | None = node
        while left is not None and left.type == node.type and self.of(left.child_by_field_name("operator")) == "+":
            self._see(left)
            operands.append(self.expression(left.child_by_field_name("right"), depth))
            left = left.child_by_field_name("left")
        operands.append(self.expression(left, depth))
        return Call("+", tuple(reversed(operands)), node.start_byte)

    def string(self, node: Node, depth: int, *, raw: bool = False) -> Text:
        """A string: what stands between its quotes, escapes, and what is interpolated."""
        children = node.children
        start = children[0].end_byte if children else node.start_byte
        closed = len(children) > 1 and (not children[-1].is_named or children[-1].type == "string_end")
        stop = children[-1].start_byte if closed else node.end_byte
        special = (
            (child.start_byte, child.end_byte, self._special(child, depth, raw=raw)) for child in _flat(children[1:])
        )
        return string_of(self.text, node.start_byte, start, stop, special)

    def _special(self, node: Node, depth: int, *, raw: bool) -> TextPart:
        """What an escape stands for, and what is interpolated."""
        if node.type == "escape_sequence":
            return (self.of(node), node.start_byte) if raw else (_unescaped(self.of(node)), None)
        if node.type == "escape_interpolation":
            return self.of(node)[:1], None
        if any(part.type in {"format_specifier", "type_conversion", "="} for part in node.children):
            return Unknown(self.label(node).strip("{}"), node.start_byte)
        return self.inner(node, depth)

    def member(self, node: Node) -> tuple[Node | None, str]:
        """Of ``object.name`` the object and the name; of a plain name none, and the name."""
        kind, name = self.member_of
        if node.type != kind:
            return None, self.of(node)
        return node.child_by_field_name("object"), self.of(node.child_by_field_name(name))

    def assigned(self, left: Node | None, value: Node | None) -> Iterator[Binding]:
        """The names that an assignment gives values to; what several get at once is not followed."""
        pending = [left]
        while pending:
            node = pending.pop()
            if node is None:
                continue
            if node.type in self.patterns:
                field = self.patterns[node.type]
                pending += node.named_children if field is None else [node.child_by_field_name(field)]
                continue
            owner, name = self.member(node)
            if node.type in self.targets or self.of(owner) in self.own:
                yield Binding(name, value if node is left else None, field=owner is not None)

    def into(self, node: Node, owner: Node | None, step: str | Expression, depth: int) -> Expression | None:
        """A member or an item of something."""
        value = self.expression(owner, depth)
        return Path((*value.steps, step), node.start_byte) if isinstance(value, Path) else None

    def follows(self, name: str) -> bool:
        """Whether calls of a function or method are followed; else its arguments are expressions of their own."""
        return name in _FOLLOWED

    def call(
        self, node: Node, owner: Node | None, name: str, arguments: list[Expression], depth: int
    ) -> Expression | None:
        """A call of what is followed."""
        at = node.start_byte
        if name in {"formatArn", "format_arn"} or (name == "format" and self.of(owner).endswith("Arn")):
            return Call("formatArn", tuple(arguments[:1]), at)
        receiver = self.expression(owner, depth) if owner is not None else None
        first = arguments[0] if arguments else None
        if name in _PASSING:
            return receiver if name == "toString" else first
        if receiver is None or first is None:
            return None
        match name:
            case "format":
                return Call("format", (receiver, *arguments), at)
            case "concat":
                return Text((receiver, *arguments), at)
            case _ if len(arguments) > 1:  # Fn.join(":", [...])
                return Call("join", tuple(arguments), at)
            case _ if isinstance(first, Text) and not isinstance(receiver, Text):  # [...].join(":")
                return Call("join", (first, receiver), at)
            case _:  # ":".join([...])
                return Call("join", (receiver, first), at)


def _flat(children: Iterable[Node]) -> Iterator[Node]:
    """What is special in a string, in its order."""
    for child in children:
        if child.type in {"escape_sequence", "escape_interpolation", "interpolation", "template_substitution"}:
            yield child
        elif child.type == "string_content":
            yield from _flat(child.children)


def _unescaped(written: str) -> str:
    """What an escape stands for."""
    body = written[1:]
    digits = body[1:].strip("{}")
    if body[:1] in {"x", "u", "U"} and digits:
        try:
            return chr(int(digits, 16))
        except (ValueError, OverflowError):
            return written
    return _ESCAPES.get(body, body)
