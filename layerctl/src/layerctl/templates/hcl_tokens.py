"""The words of Terraform's language: tokens with their places, and where strings and interpolations end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Token", "interpolation_end", "tokens"]


class Token(NamedTuple):
    """A word and its place."""

    kind: str  # name, number, string, heredoc, newline, end, or the punctuation itself
    text: str
    start: int
    end: int


_TOKEN = re.compile(
    r"(?P<blank>[ \t\r]+|#[^\n]*|//[^\n]*|/\*.*?(?:\*/|\Z))"
    r"|(?P<newline>\n)"
    r"|(?P<name>[^\W\d][\w-]*)"
    r"|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<heredoc><<-?(?P<tag>[A-Za-z_]\w*)[ \t]*\r?\n)"
    r'|(?P<quote>")'
    r"|(?P<mark>&&|\|\||==|!=|<=|>=|=>|\.\.\.|[^\s])",
    re.DOTALL,
)


# In place of a count of open braces: inside of a string, outside of its interpolations.
_STRING = 0
_NOTABLE = re.compile(r'[\\"{}\n]|[$%]\{')


def tokens(text: str, at: int, end: int) -> Iterator[Token]:
    """The tokens between two offsets, blanks and comments left out; the last is of kind ``end``."""
    while at < end:
        match = _TOKEN.match(text, at, end)
        if match is None:
            break
        kind = match.lastgroup
        at = match.end()
        if kind == "blank":
            continue
        if kind == "quote":
            at = _string_end(text, match.end(), end)
            yield Token("string", text[match.start() : at], match.start(), at)
        elif match["heredoc"]:
            closing = re.compile(rf"^[ \t]*{match['tag']}[ \t]*\r?$", re.MULTILINE).search(text, at, end)
            stop = closing.start() if closing else end
            yield Token("heredoc", "", match.end(), stop)
            at = closing.end() if closing else end
        elif kind == "mark":
            yield Token(match[0], match[0], match.start(), at)
        else:
            yield Token(kind or "", match[0], match.start(), at)
    yield Token("end", "", end, end)


def _string_end(text: str, at: int, end: int) -> int:
    """Where a quoted template ends: behind its quote, which interpolations may hold more of."""
    return _end(text, at, end, [_STRING])


def interpolation_end(text: str, at: int, end: int) -> int:
    """Where an interpolation ends that begins before `at`: behind its closing brace."""
    return _end(text, at, end, [1])


def _end(text: str, at: int, end: int, inside: list[int]) -> int:
    """Where the innermost of what is open ends, and all that is opened meanwhile.

    Args:
        text: the file's text.
        at: where to begin.
        end: where to stop.
        inside: what is open: strings (`_STRING`), and interpolations with the number of their open braces.
    """
    while (match := _NOTABLE.search(text, at, end)) is not None:
        at = match.end()
        mark = match[0]
        if inside[-1] == _STRING:
            if mark == "\\":
                at += 1
            elif len(mark) == 2:
                inside.append(1)
            elif mark in {'"', "\n"}:
                inside.pop()
                if not inside:
                    return at if mark == '"' else match.start()
        elif mark == '"':
            inside.append(_STRING)
        elif mark[-1] == "{":
            inside[-1] += 1
        elif mark == "}":
            inside[-1] -= 1
            if inside[-1] == 0:
                inside.pop()
                if not inside:
                    return at
    return end
