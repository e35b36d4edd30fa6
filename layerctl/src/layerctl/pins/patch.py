"""A file's change as a unified diff, byte for byte what `git apply` and `patch` take."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from layerctl.templates.source import Source

__all__ = ["Edit", "patch"]

_CONTEXT = 3
_NO_NEWLINE = b"\n\\ No newline at end of file\n"
_ESCAPES = {"\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r"} | {
    '"': '\\"',
    "\\": "\\\\",
}


class Edit(NamedTuple):
    """Characters of a text, by offset, and what comes in their place."""

    start: int
    end: int
    text: str


class _Block(NamedTuple):
    """Neighbouring lines that change: their indices, and the lines that come in their place."""

    first: int
    stop: int
    lines: list[bytes]


def patch(path: Path, source: Source, edits: Sequence[Edit]) -> bytes:
    """Return the unified diff of some edits, in the file's own encoding.

    Lines end at a line feed and nowhere else, as for git: a form feed or a carriage return is part of its line. No
    difference is searched for: the edits tell it.

    Args:
        path: the file; within the current folder it is named relative to that.
        source: its text before.
        edits: sorted, none overlapping.
    """
    lines = _lines(source.encode())
    name = _name(path)
    parts = [f"--- {_quoted(f'a/{name}')}\n+++ {_quoted(f'b/{name}')}\n".encode("utf-8", "surrogateescape")]
    grown = 0
    for hunk in _hunks(_blocks(source, edits, lines)):
        first, stop = max(hunk[0].first - _CONTEXT, 0), min(hunk[-1].stop + _CONTEXT, len(lines))
        more = sum(len(block.lines) - (block.stop - block.first) for block in hunk)
        old, new = _range(first, stop - first), _range(first + grown, stop - first + more)
        parts.append(f"@@ -{old} +{new} @@\n".encode())
        at = first
        for block in hunk:
            parts += [_line(b" ", line) for line in lines[at : block.first]]
            parts += [_line(b"-", line) for line in lines[block.first : block.stop]]
            parts += [_line(b"+", line) for line in block.lines]
            at = block.stop
        parts += [_line(b" ", line) for line in lines[at:stop]]
        grown += more
    return b"".join(parts)


def _lines(data: bytes) -> list[bytes]:
    return re.findall(rb"[^\n]*\n|[^\n]+", data)


def _line(sign: bytes, line: bytes) -> bytes:
    return sign + line if line.endswith(b"\n") else sign + line + _NO_NEWLINE


def _range(before: int, count: int) -> str:
    """Lines as a hunk's head names them: the first of them, or the one before where there are none."""
    first = before + 1 if count else before
    return str(first) if count == 1 else f"{first},{count}"


def _blocks(source: Source, edits: Sequence[Edit], lines: list[bytes]) -> Iterator[_Block]:
    starts = [0, *accumulate(map(len, lines))]
    data = b"".join(lines)
    first = stop = 0
    pieces: list[bytes] = []
    done = 0  # in bytes: up to where `pieces` reach
    at, character = len(source.mark), 0  # one place, in bytes and in characters
    for edit in edits:
        begin = at + len(source.text[character : edit.start].encode(source.encoding))
        end = begin + len(source.text[edit.start : edit.end].encode(source.encoding))
        at, character = end, edit.end
        line = min(bisect_right(starts, begin), len(lines)) - 1
        if pieces and line > stop:
            yield _Block(first, stop, _lines(b"".join([*pieces, data[done : starts[stop]]])))
            pieces = []
        if not pieces:
            first, done = line, starts[line]
        stop = max(line, min(bisect_right(starts, max(end - 1, begin)), len(lines)) - 1) + 1
        pieces += [data[done:begin], edit.text.encode(source.encoding)]
        done = end
    if pieces:
        yield _Block(first, stop, _lines(b"".join([*pieces, data[done : starts[stop]]])))


def _hunks(blocks: Iterator[_Block]) -> Iterator[list[_Block]]:
    """Blocks, those together whose context would overlap."""
    hunk: list[_Block] = []
    for block in blocks:
        if hunk and block.first - hunk[-1].stop > 2 * _CONTEXT:
            yield hunk
            hunk = []
        hunk.append(block)
    if hunk:
        yield hunk


def _name(path: Path) -> str:
    try:
        return path.absolute().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix().lstrip("/")


def _quoted(name: str) -> str:
    """A name as git writes it: in quotes where it holds what could be taken for something else."""
    if any(character in _ESCAPES or ord(character) < 32 for character in name):
        escaped = (
            _ESCAPES.get(character, f"\\{ord(character):03o}" if ord(character) < 32 else character)
            for character in name
        )
        return f'"{"".join(escaped)}"'
    return f"{name}\t" if " " in name else name
