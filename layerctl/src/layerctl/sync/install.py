"""Unpacking layers below ``.layerctl/``, and what was unpacked, held against what is pinned."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from layerctl.artifact import open_artifact, unpack
from layerctl.build.layer_sources import layer_root
from layerctl.build.outputs import replace_folder
from layerctl.core.errors import LayerctlError
from layerctl.core.files.atomic import write_bytes
from layerctl.core.files.read import read_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from layerctl.check.fetch import Fetcher
    from layerctl.sync.wanted import Wanted

__all__ = ["Installed", "install", "installed", "search_path", "stale"]

_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Installed:
    """A layer that was unpacked.

    Attributes:
        name: the layer's name, and its folder's below ``layers/``.
        source: the ARN, or the path of what stands for it.
        content_digest: ``sha256:<hex>`` over its content.
    """

    name: str
    source: str
    content_digest: str

    def folder(self, root: Path) -> Path:
        """Where it lies; the same place for every version, so that nobody's settings change with a pin."""
        return root / "layers" / self.name


def install(wanted: Sequence[Wanted], root: Path, fetcher: Fetcher) -> list[Installed]:
    """Unpack layers below a folder, and note what they are. What is no longer wanted goes.

    Args:
        wanted: in the functions' order.
        root: the ``.layerctl`` folder.
        fetcher: gets versions from AWS, each once.

    Raises:
        LayerctlError: one is not to be had, or not safe to unpack (paths that lead out of it). Nothing is changed then.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        write_bytes(root / ".gitignore", b"*\n")
        with tempfile.TemporaryDirectory(prefix=".new-", dir=root) as scratch:
            done = []
            for layer in wanted:
                path = _content(layer, fetcher)
                folder = unpack(path, Path(scratch) / layer.name)
                if not (folder / "python").is_dir():
                    raise LayerctlError(
                        f"{layer.name} ({layer.source}) has no python/ in it", hint="name a Python layer"
                    )
                with open_artifact(folder) as artifact:
                    done.append(Installed(layer.name, layer.source, artifact.content_digest()))
            for unpacked in done:
                replace_folder(Path(scratch) / unpacked.name, unpacked.folder(root))
        noted = {"schema": _SCHEMA, "layers": [asdict(unpacked) for unpacked in done]}
        write_bytes(root / "layers.json", json.dumps(noted, indent=2).encode())
        for folder in (root / "layers").iterdir():
            if folder.name not in {unpacked.name for unpacked in done}:
                shutil.rmtree(folder)
    except OSError as error:
        raise LayerctlError(f"{error.filename or root} cannot be written: {error.strerror}") from None
    return done


def _content(layer: Wanted, fetcher: Fetcher) -> Path:
    if layer.path is not None:
        return layer_root(layer.path)
    assert layer.arn is not None
    try:
        return fetcher.version(layer.arn).path
    except LayerctlError as error:
        raise LayerctlError(f"{layer.place}: {layer.arn} can't be fetched: {error.what}", hint=error.hint) from None


def installed(root: Path) -> list[Installed]:
    """Return what a folder notes of what was unpacked in it; nothing where it notes nothing.

    Raises:
        LayerctlError: the note cannot be read.
    """
    path = root / "layers.json"
    hint = "delete it, and run `layerctl sync` again"
    data = read_json(path, hint=hint) if path.exists() else {"layers": []}
    try:
        return [Installed(**layer) for layer in data["layers"]]
    except (TypeError, KeyError) as error:
        raise LayerctlError(f"{path} cannot be read: {error}", hint=hint) from None


def stale(wanted: Sequence[Wanted], root: Path) -> list[str]:
    """Return in which way what is unpacked is not what is pinned, one line each."""
    here = {found.name: found for found in installed(root)}
    lines = []
    for layer in wanted:
        found = here.pop(layer.name, None)
        if found is None or not found.folder(root).is_dir():
            lines.append(f"{layer.place}: {layer.source} is not here")
        elif layer.arn is not None and found.source != layer.source:
            lines.append(f"{layer.place}: {layer.source} is pinned, {found.source} is here")
        elif found.content_digest != (digest := _digest(found.folder(root))):
            lines.append(f"{found.folder(root)} was changed: its content is {digest}, not {found.content_digest}")
        elif layer.path is not None and found.content_digest != _digest(layer_root(layer.path)):
            lines.append(f"{layer.path} has other content than what is here of {layer.name}")
    return [*lines, *(f"{found.folder(root)} is here, and nothing pins it" for found in here.values())]


def _digest(path: Path) -> str:
    with open_artifact(path, strict=False) as artifact:
        return artifact.content_digest()


def search_path(layers: Sequence[Installed], root: Path) -> list[Path]:
    """Return the folders that Python searches in Lambda, in its order: later layers lie over earlier ones."""
    folders: list[Path] = []
    for layer in reversed(layers):
        python = layer.folder(root) / "python"
        folders += [*sorted(python.glob("lib/python3.*/site-packages")), python]
    return folders
