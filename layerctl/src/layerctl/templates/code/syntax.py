"""What expressions of any language come down to, each with its place: the values that they put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Call",
    "Choice",
    "Expression",
    "Items",
    "Number",
    "Path",
    "Table",
    "Text",
    "TextPart",
    "Unknown",
    "string_of",
]


class Text(NamedTuple):
    """A string (in Terraform's language any literal): parts that are text with its offset, or expressions."""

    parts: tuple[TextPart, ...]
    at: int


class Number(NamedTuple):
    """A number: as text where text is put together, but no text to a plus sign."""

    digits: str
    at: int


class Path(NamedTuple):
    """A reference: ``var.name``, ``LAYERS["eu-west-1"]``. Steps are names, or expressions for indices."""

    steps: tuple[str | Expression, ...]
    at: int


class Call(NamedTuple):
    """A call of a function that is known; what a method is called on is the first argument."""

    name: str
    arguments: tuple[Expression, ...]
    at: int


class Items(NamedTuple):
    """A list, or whatever has several values one of which is meant."""

    items: tuple[Expression, ...]
    at: int


class Table(NamedTuple):
    """An object, a dictionary, or arguments with names."""

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


Expression = Text | Number | Path | Call | Items | Table | Choice | Unknown
TextPart = tuple[str, int | None] | Expression


def string_of(text: str, at: int, start: int, stop: int, special: Iterable[tuple[int, int, TextPart]]) -> Text:
    """A string: what stands between two offsets as it is, and what is special there.

    Args:
        text: the file's text.
        at: where the string begins, with its quote.
        start: the offset behind its quote.
        stop: the offset of its closing quote.
        special: in order, from where to where, and what stands for it.
    """
    parts: list[TextPart] = []
    for begin, end, part in special:
        parts += [(text[start:begin], start)] * (begin > start)
        parts.append(part)
        start = end
    parts += [(text[start:stop], start)] * (stop > start)
    return Text(tuple(parts), at)
