"""Layers as Lambda lays them into /opt: one on top of the other, later ones winning."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from layerctl.core.errors import LayerctlError
from layerctl.core.runtimes import MAX_LAYERS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["merge_layers"]


def merge_layers(layers: Sequence[Path], opt: Path) -> Path | None:
    """Return one folder with the content of all layers; for a single layer that is the layer itself.

    Args:
        layers: unpacked layers, in the function's order.
        opt: where to merge several; must not exist. Files are hard links where that is possible.

    Raises:
        LayerctlError: one is not there, or there are more than Lambda allows.
    """
    if len(layers) > MAX_LAYERS:
        raise LayerctlError(f"{len(layers)} layers", remedy=f"Lambda allows {MAX_LAYERS} for a function")
    for layer in layers:
        if not layer.is_dir():
            raise LayerctlError(f"the layer {layer} is not a folder", remedy="build it first")
    if len(layers) < 2:
        return layers[0] if layers else None
    for layer in layers:
        shutil.copytree(layer, opt, copy_function=_link, dirs_exist_ok=True)
    return opt


def _link(source: str, target: str) -> None:
    if os.path.lexists(target):
        os.unlink(target)  # noqa: PTH108
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copy2(source, target)
