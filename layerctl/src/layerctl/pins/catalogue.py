"""Puts the sources of versions together: indexes, then Parameter Store, then Lambda itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from layerctl.pins.index_source import load_index
from layerctl.pins.versions import Catalogue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from layerctl.pins.versions import VersionSource

__all__ = ["catalogue_of"]


def catalogue_of(indexes: Sequence[str]) -> Catalogue:
    """The sources that a command was given.

    Args:
        indexes: files or addresses of indexes; none: `LAYERCTL_INDEX`, else `layers.json` here if there is one.

    Raises:
        LayerctlError: an index cannot be read.
    """
    named = list(indexes) or os.environ.get("LAYERCTL_INDEX", "").split()
    if not named and Path("layers.json").is_file():
        named = ["layers.json"]
    sources: list[VersionSource] = [load_index(one) for one in named]
    return Catalogue(sources)
