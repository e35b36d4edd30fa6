"""Tells an index from the layers.json of other tools, by its first characters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["is_index", "looks_like_index"]

_BEGINNING = re.compile(r'\s*\{(?:\s*"\$schema"\s*:\s*"[^"]*"\s*,)?\s*"schema"\s*:\s*\d+\s*,\s*"layer"\s*:')


def is_index(path: Path) -> bool:
    """Whether a file begins as an index does. Other tools have a layers.json of their own."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            return looks_like_index(file.read(1000))
    except OSError:
        return False


def looks_like_index(text: str) -> bool:
    """Whether a text begins as `layerctl index write` begins an index."""
    return _BEGINNING.match(text) is not None
