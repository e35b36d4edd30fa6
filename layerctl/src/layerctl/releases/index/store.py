"""The index file: changed under a lock and replaced in one step, so that nobody ever reads half of it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from layerctl.core.errors import LayerctlError
from layerctl.core.files.atomic import ChangedMeanwhileError, replace_bytes
from layerctl.releases.index.model import LayerIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["find", "update"]


def update(path: Path, layer: str, change: Callable[[LayerIndex], LayerIndex], *, dry_run: bool = False) -> LayerIndex:
    """Apply `change` to the index file and return what it then says.

    The file is read again under a lock that all layerctl processes of this machine share, changed, and replaced
    atomically; between machines, the repository that holds it decides. Equal content is not written again.

    Args:
        path: the file; a missing one counts as an empty index.
        layer: the layer's name; a file of another layer is refused.
        change: a pure function from the current index to the new one.
        dry_run: work the change out, and write nothing.

    Raises:
        LayerctlError: the file is broken, is another layer's, cannot be written, or `change` refused.
    """
    path = path.resolve()  # a link stays a link
    try:
        with contextlib.nullcontext() if dry_run else _locked(path.parent):
            before = path.read_bytes() if path.exists() else None
            index = LayerIndex(layer) if before is None else LayerIndex.load(path)
            changed = change(index.require_layer(layer, path))
            text = changed.dumps()
            LayerIndex.parse(text, str(path))  # what we write, we can read
            if not dry_run and before != text.encode():
                replace_bytes(path, text.encode(), expected=before)
    except ChangedMeanwhileError:
        raise LayerctlError(f"{path} was changed by another program", hint="run again") from None
    except OSError as error:
        raise LayerctlError(f"{path} cannot be written: {error.strerror or error}") from None
    return changed


def find(layer: str) -> Path | None:
    """The ``layers.json`` of a layer in the current folder, if it lies there.

    Raises:
        LayerctlError: the file there is no index.
    """
    path = Path("layers.json")
    return path if path.is_file() and LayerIndex.load(path).layer == layer else None


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock. The folder itself is locked: a lock file would be left in the repository."""
    try:
        import fcntl
    except ImportError:  # Windows: replacing is still atomic, but two publishers at once are not serialised
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
