"""Where the content of a pinned layer is on this machine: the layer that a template's ARN would bring, as a folder."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from layerctl.artifact import unpack
from layerctl.core.errors import LayerctlError
from layerctl.core.files.cache import cached_folder
from layerctl.core.files.read import read_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from layerctl.templates.sam import SamLayerReference

__all__ = ["LayerSources", "layer_content", "layer_root", "newest_artifact"]


class LayerSources:
    """Finds layers: those named on the command line, those of the same template, the newest ones in ``dist/``.

    Args:
        named: layer name, ARN or logical id -> zip or folder.
        dist: folders to look for ``NAME-VERSION.zip`` in, the first that has one wins.
    """

    def __init__(self, named: Mapping[str, Path], dist: Sequence[Path]) -> None:
        self._named = named
        self._dist = dist
        self.unused = set(named)

    def find(self, layer: SamLayerReference, whose: str) -> tuple[Path, Path]:
        """Return where a layer was found (zip or folder), and the folder that would be unpacked into /opt.

        Raises:
            LayerctlError: it is nowhere, not built, or not a layer.
        """
        for key in (layer.text, layer.name):
            if key in self._named:
                self.unused.discard(key)
                return self._named[key], layer_content(self._named[key])
        if layer.content is not None:
            return layer.content, _built_content(layer, whose)
        found = next((path for path in (newest_artifact(layer.name, folder) for folder in self._dist) if path), None)
        if found is None:
            looked = ", ".join(str(folder) for folder in self._dist)
            raise LayerctlError(
                f"{whose}: nothing on this machine stands for the layer {layer.text!r} (looked in {looked})",
                hint=f"run `layerctl build`, or say where it is with --layer {layer.name}=ZIP_OR_FOLDER",
            )
        return found, layer_content(found)


def newest_artifact(name: str, folder: Path) -> Path | None:
    """The artifact ``NAME-VERSION.zip`` of the highest version in a folder, or None."""
    versions: list[tuple[Version, Path]] = []
    for path in folder.glob("*.zip"):
        if path.name.startswith(f"{name}-"):
            try:
                versions.append((Version(path.name.removeprefix(f"{name}-").removesuffix(".zip")), path))
            except InvalidVersion:  # another layer whose name begins alike
                continue
    return max(versions)[1] if versions else None


def layer_root(path: Path) -> Path:
    """The folder that would be unpacked into /opt, where `path` is the ``python`` in it; else `path`."""
    inside = path.is_dir() and path.name == "python" and not (path / "python").is_dir()
    return path.parent if inside else path


def layer_content(path: Path) -> Path:
    """The folder of an artifact; a zip is unpacked once, into the cache, under its hash.

    Raises:
        LayerctlError: it cannot be read, or is not a layer.
    """
    if path.is_dir():
        folder = layer_root(path)
        if not (folder / "python").is_dir():
            raise LayerctlError(f"{path} is not a layer: it has no python/ in it", hint="name the folder above python/")
        return folder
    digest = hashlib.sha256(read_bytes(path)).hexdigest()
    return cached_folder(f"layers/{digest[:32]}", lambda folder: unpack(path, folder))


def _built_content(layer: SamLayerReference, whose: str) -> Path:
    folder = layer.content
    assert folder is not None
    if folder.is_file():
        return layer_content(folder)
    python = folder / "python"
    if not python.is_dir() or not any(not entry.name.startswith(".") for entry in python.iterdir()):
        raise LayerctlError(
            f"{whose}: the layer {layer.name} is not built ({python} is missing or empty)",
            hint="run `sam build` and name .aws-sam/build/template.yaml",
        )
    return folder
