"""Layers as Lambda lays them into /opt, one on top of the other, later ones winning."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from layerctl.core.errors import LayerctlError
from layerctl.core.runtimes import MAX_LAYERS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["check_layers", "merge_layers"]


def check_layers(layers: Sequence[Path]) -> None:
    """Make sure that there are layers where they are said to be.

    Raises:
        LayerctlError: one is not there, or there are more than Lambda allows.
    """
    if len(layers) > MAX_LAYERS:
        raise LayerctlError(f"{len(layers)} layers", hint=f"Lambda allows {MAX_LAYERS} for a function")
    for layer in layers:
        if not layer.is_dir():
            raise LayerctlError(f"the layer {layer} is not a folder", hint="build it first")


def merge_layers(layers: Sequence[Path], opt: Path) -> Path:
    """Return one folder with the content of all layers.

    Args:
        layers: unpacked layers, in the function's order.
        opt: where to lay them; must not exist. Files are copies: what a function writes there reaches no layer.

    Raises:
        LayerctlError: one is not there, or there are more than Lambda allows.
    """
    check_layers(layers)
    for layer in layers:
        shutil.copytree(layer, opt, copy_function=_copy, dirs_exist_ok=True)
    return opt


def _copy(source: str, target: str) -> None:
    Path(target).unlink(missing_ok=True)  # an earlier layer's may be read-only
    shutil.copy2(source, target)
