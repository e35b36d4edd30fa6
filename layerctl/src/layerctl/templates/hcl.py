"""Reads Terraform's language (HCL) as far as values go: blocks, attributes, expressions, each with its place.

After HashiCorp's "HCL Native Syntax Specification". Forgiving: what it does not understand becomes an unknown value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from layerctl.templates.hcl_tokens import interpolation_end, tokens

if TYPE_CHECKING:
    from layerctl.templates.hcl_tokens import Token

__all__ = ["Block", "Call", "Choice", "Expression", "Items", "Path", "Table", "Text", "Unknown", "parse"]


class Text(NamedTuple):
    """A string, number or boolean: parts that are text with its offset, or expressions."""

    parts: tuple[tuple[str, int] | Expression, ...]
    at: int


class Path(NamedTuple):
    """A reference: ``var.name``, ``local.layers["eu-west-1"]``. Steps are names, or expressions for indices."""

    steps: tuple[str | Expression, ...]
    at: int


class Call(NamedTuple):
    """A function call."""

    name: str
    arguments: tuple[Expression, ...]
    at: int


class Items(NamedTuple):
    """A list, or whatever has several values one of which is meant."""

    items: tuple[Expression, ...]
    at: int


class Table(NamedTuple):
    """An object."""

    entries: tuple[tuple[str, Expression], ...]
    at: int


class Choice(NamedTuple):
    """``condition ? yes : no``."""

    yes: Expression
    no: Expression
    at: int


class Unknown(NamedTuple):
    """Anything else."""

    label: str
    at: int


Expression = Text | Path | Call | Items | Table | Choice | Unknown


@dataclass(slots=True)
class Block:
    """A block with its labels: ``resource "aws_lambda_function" "todos" {...}``; the file is one of kind ``""``."""

    kind: str
    labels: tuple[str, ...] = ()
    attributes: dict[str, Expression] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)


_MAX_DEPTH = 60
_MAX_STEPS = 50


def parse(text: str) -> Block:
    """Read a file. Never raises for what is written in it."""
    return _Parser(text).file()


class _Parser:
    def __init__(self, text: str, begin: int = 0, end: int | None = None) -> None:
        self.text = text
        self.tokens = list(tokens(text, begin, len(text) if end is None else end))
        self.at = 0
        self.depth = 0

    # --- structure ----------------------------------------------------------------------------------------

    def file(self) -> Block:
        root = Block("")
        self._body(root)
        return root

    def _body(self, block: Block) -> None:
        self.depth += 1
        while (token := self._peek()).kind != "end":
            if token.kind == "}":
                break
            if token.kind not in {"name", "string"}:
                self.at += 1
                continue
            self._statement(block)
        self.depth -= 1

    def _statement(self, block: Block) -> None:
        name = self._next()
        key = name.text.strip('"')
        if self._peek().kind in {"=", ":"}:
            self.at += 1
            block.attributes[key] = self.expression()
            return
        labels = []
        while self._peek().kind in {"string", "name"}:
            labels.append(self._next().text.strip('"'))
        if self._peek().kind == "{" and self.depth < _MAX_DEPTH:
            self.at += 1
            inner = Block(key, tuple(labels))
            self._body(inner)
            block.blocks.append(inner)
            if self._peek().kind == "}":
                self.at += 1

    # --- expressions --------------------------------------------------------------------------------------

    def expression(self) -> Expression:
        """One expression, up to the end of its line, or the bracket or comma that ends it."""
        self.depth += 1
        try:
            if self.depth > _MAX_DEPTH:
                token = self._next()
                return Unknown("...", token.start)
            value = self._operand()
            operators = 0
            while True:
                kind = self._peek().kind
                if kind == "?":
                    self.at += 1
                    self._skip_newlines()
                    yes = self.expression()
                    self._skip_newlines()
                    if self._peek().kind == ":":
                        self.at += 1
                    self._skip_newlines()
                    return Choice(yes, self.expression(), value.at)
                if kind in _OPERATORS:
                    self.at += 1
                    self._skip_newlines()
                    self._operand()
                    operators += 1
                    continue
                return Unknown("...", value.at) if operators else value
        finally:
            self.depth -= 1

    def _operand(self) -> Expression:
        token = self._next()
        match token.kind:
            case "string":
                value: Expression = _template(self.text, token.start + 1, token.end - 1, self.depth)
            case "heredoc":
                value = _template(self.text, token.start, token.end, self.depth)
            case "number":
                value = Text(((token.text, token.start),), token.start)
            case "name" if self._peek().kind == "(":
                self.at += 1
                value = Call(token.text, tuple(self._list(")")), token.start)
            case "name" if token.text in {"true", "false", "null"}:
                value = (
                    Text(((token.text, token.start),), token.start) if token.text != "null" else Items((), token.start)
                )
            case "name":
                value = Path((token.text,), token.start)
            case "[":
                value = self._collection(token)
            case "{":
                value = self._object(token)
            case "(":
                self._skip_newlines()
                value = self.expression()
                self._skip_newlines()
                self._expect(")")
            case "!" | "-":
                while self._peek().kind in {"!", "-"}:
                    self.at += 1
                self._operand()
                value = Unknown("...", token.start)
            case _:
                return Unknown(token.text, token.start)
        return self._steps(value)

    def _steps(self, value: Expression) -> Expression:
        while True:
            kind = self._peek().kind
            if kind == ".":
                self.at += 1
                token = self._next()
                value = _step(value, token.text)
            elif kind == "[":
                self.at += 1
                self._skip_newlines()
                index: str | Expression = self.expression() if self._peek().kind != "*" else "*"
                if index == "*":
                    self.at += 1
                self._skip_newlines()
                self._expect("]")
                value = _step(value, index)
            else:
                return value

    def _collection(self, bracket: Token) -> Expression:
        self._skip_newlines()
        if self._peek().text == "for":
            source = self._comprehension()
            self._close("]")
            return Items((source,), bracket.start)
        return Items(tuple(self._list("]")), bracket.start)

    def _comprehension(self) -> Expression:
        """``for name in source : ...``: its source stands for it."""
        while self._peek().kind not in {"end", "]", "}"} and self._peek().text != "in":
            self.at += 1
        self.at += 1
        return self.expression()

    def _close(self, bracket: str) -> None:
        """Skip to the bracket that closes what is open."""
        depth = 0
        while (kind := self._next().kind) != "end":
            if kind in "([{":
                depth += 1
            elif kind in ")]}":
                if depth == 0 and kind == bracket:
                    return
                depth -= 1

    def _list(self, closing: str) -> list[Expression]:
        items: list[Expression] = []
        while True:
            self._skip_newlines()
            kind = self._peek().kind
            if kind in {closing, "end"}:
                self.at += 1
                return items
            if kind in {",", "..."}:
                self.at += 1
                continue
            before = self.at
            items.append(self.expression())
            if self.at == before:
                self.at += 1

    def _object(self, bracket: Token) -> Expression:
        entries: list[tuple[str, Expression]] = []
        while True:
            self._skip_newlines()
            token = self._peek()
            if token.kind in {"}", "end"}:
                self.at += 1
                return Table(tuple(entries), bracket.start)
            if token.kind == ",":
                self.at += 1
                continue
            if token.text == "for":
                source = self._comprehension()
                self._close("}")
                return Items((source,), bracket.start)
            key = self._operand()
            self._skip_newlines()
            if self._peek().kind in {"=", ":"}:
                self.at += 1
                self._skip_newlines()
                entries.append((_key(key), self.expression()))

    def _peek(self) -> Token:
        return self.tokens[min(self.at, len(self.tokens) - 1)]

    def _next(self) -> Token:
        token = self._peek()
        self.at += 1
        return token

    def _skip_newlines(self) -> None:
        while self._peek().kind == "newline":
            self.at += 1

    def _expect(self, kind: str) -> None:
        if self._peek().kind == kind:
            self.at += 1


_OPERATORS = frozenset({"==", "!=", "<=", ">=", "<", ">", "&&", "||", "+", "-", "*", "/", "%"})


def _step(value: Expression, step: str | Expression) -> Expression:
    if isinstance(value, Path) and len(value.steps) < _MAX_STEPS:
        return Path((*value.steps, step), value.at)
    return value if isinstance(value, (Call, Items, Table, Choice)) else Unknown("...", value.at)


def _key(expression: Expression) -> str:
    match expression:
        case Path((str(name),), _):
            return name
        case Text(parts, _):
            return "".join(part[0] for part in parts if not isinstance(part, Expression))
        case _:
            return "?"


def _template(text: str, start: int, end: int, depth: int) -> Text:
    """Split a template into text and interpolations."""
    parts: list[tuple[str, int] | Expression] = []
    at = begin = start
    while at < end:
        if text.startswith(("$${", "%%{"), at):
            at += 3
            continue
        if text.startswith(("${", "%{"), at):
            if at > begin:
                parts.append((text[begin:at], begin))
            stop = interpolation_end(text, at + 2, end)
            if text[at] == "$" and depth < _MAX_DEPTH:
                parser = _Parser(text, at + 2, stop - 1)
                parser.depth = depth + 1
                parts.append(parser.expression())
            else:
                parts.append(Unknown("...", at))
            at = begin = stop
            continue
        at += 1
    if end > begin:
        parts.append((text[begin:end], begin))
    return Text(tuple(parts), start)
