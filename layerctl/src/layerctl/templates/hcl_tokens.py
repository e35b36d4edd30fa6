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
    depth = 0
    while at < end:
        character = text[at]
        if character == "\\" and depth == 0:
            at += 2
            continue
        if text.startswith(("${", "%{"), at):
            depth += 1
            at += 2
            continue
        if depth and character == "{":
            depth += 1
        elif depth and character == "}":
            depth -= 1
        elif depth and character == '"':
            at = _string_end(text, at + 1, end)
            continue
        elif depth == 0 and character == '"':
            return at + 1
        elif depth == 0 and character == "\n":
            return at
        at += 1
    return end


def interpolation_end(text: str, at: int, end: int) -> int:
    """Where an interpolation ends that begins before `at`: behind its closing brace."""
    depth = 1
    while at < end:
        character = text[at]
        if character == '"':
            at = _string_end(text, at + 1, end)
            continue
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return end
