"""Sizes, ages and lists of names in the form in which people read and write them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["count_text", "parse_age", "size_text", "some"]

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def size_text(size: int) -> str:
    """Return bytes as ``9.7 MB``, ``812.0 kB`` or ``17 B`` (decimal, as Lambda's limits are)."""
    for unit, scale in (("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:,.1f} {unit}"
    return f"{size} B"


def count_text(number: int, noun: str) -> str:
    """Return ``1 error``, ``2 errors``, ``1,234 errors``."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def parse_age(text: str) -> timedelta:
    """Read ``90d``, ``12w`` or ``36h``.

    Raises:
        LayerctlError: it is none of these.
    """
    match = re.fullmatch(r"(\d{1,5})([hdw])", text.strip())
    if match is None:
        raise LayerctlError(f"{text!r} is no age", hint="write e.g. 90d, 12w or 36h")
    return int(match[1]) * _UNITS[match[2]]


def some(names: Iterable[str], limit: int = 3) -> str:
    """Return a few of the names, and how many more there are."""
    names = sorted(names)
    shown = ", ".join(names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown
