"""Versions that a program or script keeps in a variable: `VERSION = 12` above ``f"arn:...:layer:name:{VERSION}"``.

No language is understood here. A variable counts when the file assigns one number to its name, in one place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from layerctl.templates.spans import ComposedArn
from layerctl.templates.uses import Use

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from layerctl.templates.literals import TextArn

__all__ = ["variable_uses"]

_NAME = re.compile(r"[A-Za-z_]\w*")
_MAX_NAMES = 200  # each is looked for in the whole text
_SHELL_DEFAULT = re.compile(r"\$\{[A-Za-z_]\w*:?[-=](?P<value>\d+)\}")


def variable_uses(text: str, written: Iterable[TextArn]) -> Iterator[Use]:
    """The ARNs whose version is a variable that the same text sets.

    Args:
        text: the file's text.
        written: the ARNs in it, with their open parts.
    """
    known: dict[str, tuple[int, int] | None] = {}
    for arn in written:
        if arn.version is not None:
            continue
        where = _value(text, text[arn.start : arn.end], arn.start, known)
        if where is not None:
            name, start, end = where
            yield Use(
                ComposedArn(
                    arn.partition, arn.region, arn.account, arn.name, int(text[start:end]), arn.arn_start, "",
                    start, end, "", name, arn.written,
                ),
                arn.arn_start,
            )  # fmt: skip


def _value(
    text: str, reference: str, at: int, known: dict[str, tuple[int, int] | None]
) -> tuple[str | None, int, int] | None:
    """Name of the variable, and where its digits stand; `known` remembers what was looked for."""
    default = _SHELL_DEFAULT.fullmatch(reference)
    if default is not None:
        return None, at + default.start("value"), at + default.end("value")
    names = _NAME.findall(reference)
    if not names:
        return None
    name = names[-1]
    if name not in known and len(known) < _MAX_NAMES:
        known[name] = _assignment(text, name)
    place = known.get(name)
    return (name, *place) if place else None


def _assignment(text: str, name: str) -> tuple[int, int] | None:
    """Where the one number that the text assigns to a name stands."""
    assigned = re.compile(
        rf"(?<![\w.$-]){name}(?:\s*:\s*[\w<>\[\]|]+)?[\"']?\s*(?::=|\?=|=|:)\s*[\"'`]?(?P<value>\d{{1,9}})(?![\w.])"
    )
    found = {match.span("value") for match in assigned.finditer(text)}
    return found.pop() if len(found) == 1 else None
