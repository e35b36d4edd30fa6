"""In which line of a TOML file a value stands; `tomllib` tells no places."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Keys", "TomlLines"]

Keys = tuple[str | int, ...]

# Strings, comments, brackets and ends of lines (https://toml.io/en/v1.0.0): what divides a text into statements.
_TOKEN = re.compile(r"""(?s:"{3}(?:\\.|[^\\])*?"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|\#[^\n]*|[][{}\n])""")
_MOST_NESTED = 4  # lists within lists that are closed to look into them


class _TomlStatement(NamedTuple):
    """A header, or a key with its value.

    Attributes:
        line: where it begins.
        text: as it is written.
        header: that of its table; its own for a header.
        data: what header and statement say.
        places: arrays of tables, by their keys, to the number of the table that the statement is in.
    """

    line: int
    text: str
    header: str
    data: dict[str, Any]
    places: dict[tuple[str, ...], int]


class TomlLines:
    """The lines of a text that `tomllib` takes."""

    def __init__(self, text: str) -> None:
        self._statements = list(_statements(text))

    def of(self, keys: Keys) -> int:
        """The line in which a value or an item begins; that of the nearest table above for what is not there.

        Args:
            keys: from the top; whole numbers count the items of lists and of arrays of tables.
        """
        best, depth = None, 0
        for statement in self._statements:
            found = _depth(statement.data, keys, statement.places)
            if found > depth:
                best, depth = statement, found
        return _within(best, keys, depth) if best else 1


def _statements(text: str) -> Iterator[_TomlStatement]:
    header, line = "", 1
    places: dict[tuple[str, ...], int] = {}
    for statement in _split(text):
        begins = line + statement[: len(statement) - len(statement.lstrip())].count("\n")
        line += statement.count("\n")
        if not statement.strip() or statement.lstrip().startswith("#"):
            continue
        if statement.lstrip().startswith("["):
            header = statement
            places = _entered(places, statement)
            yield _TomlStatement(begins, statement, header, tomllib.loads(statement), places)
        else:
            yield _TomlStatement(begins, statement, header, tomllib.loads(f"{header}\n{statement}"), places)


def _split(text: str) -> Iterator[str]:
    """Cut a text at the ends of lines that are in no string and no bracket."""
    depth = start = 0
    for token in _TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
        elif token[0] == "\n" and not depth:
            yield text[start : token.end()]
            start = token.end()
    yield text[start:]


def _entered(places: dict[tuple[str, ...], int], header: str) -> dict[tuple[str, ...], int]:
    """The places after a header: of one more table of an array, whose own arrays begin anew."""
    if not header.lstrip().startswith("[["):
        return places
    names: list[str] = []
    data: Any = tomllib.loads(header)
    while data and data != [{}]:
        data = data[0] if isinstance(data, list) else data
        ((name, data),) = data.items()
        names.append(name)
    path = tuple(names)
    kept = {known: number for known, number in places.items() if known[: len(path)] != path}
    return kept | {path: places.get(path, -1) + 1}


def _depth(data: Any, keys: Keys, places: dict[tuple[str, ...], int]) -> int:
    """How many of the keys lead into what a statement says, one below the other."""
    path: tuple[str, ...] = ()
    for depth, key in enumerate(keys):
        if isinstance(key, int):
            if path in places:
                if places[path] != key:
                    return depth
                data = data[0] if isinstance(data, list) else data  # a table below it is not in a list here
            elif isinstance(data, list) and key < len(data):
                data = data[key]
            else:
                return depth
        elif isinstance(data, dict) and key in data:
            data = data[key]
            path = (*path, key)
        else:
            return depth
    return len(keys)


def _within(statement: _TomlStatement, keys: Keys, depth: int) -> int:
    """The first line of a statement with which it says as much of the keys as with all of them, once it is closed."""
    lines = statement.text.lstrip().split("\n")
    header = "" if statement.text is statement.header else f"{statement.header}\n"

    def reaches(count: int) -> bool:
        for upto in range(count, len(lines)):  # one that ends in a string cannot be closed
            for brackets in range(_MOST_NESTED + 1):
                try:
                    data = tomllib.loads(header + "\n".join(lines[:upto]) + "\n" + "]" * brackets)
                except tomllib.TOMLDecodeError:
                    continue
                return _depth(data, keys, statement.places) >= depth
        return True

    low, high = 1, len(lines)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle + 1, high)
    return statement.line + low - 1
