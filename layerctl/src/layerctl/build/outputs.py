"""Putting a finished build where others read it: all of it or nothing, and one build at a time."""

from __future__ import annotations

import fcntl
import filecmp
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["locked", "normalize_modes", "replace_files", "replace_folder", "scratch_folder"]


@contextmanager
def scratch_folder(root: Path) -> Iterator[Path]:
    """A folder of this build's own in the repository's ``build/``: on the same disk as what it will replace."""
    try:
        (root / "build").mkdir(exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix="layer-", dir=root / "build"))
    except OSError as error:
        raise LayerctlError(f"{root / 'build'} cannot be written: {error.strerror}") from None
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Wait until no other build of this repository is putting its results in place."""
    with (root / "build" / ".lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def normalize_modes(root: Path) -> None:
    """Give files 0o644, what its owner may execute and folders 0o755, whatever the umask: Lambda is another user."""
    for folder, folders, files in os.walk(root):
        for name in folders:
            Path(folder, name).chmod(0o755)
        for name in files:
            place = Path(folder, name)
            place.chmod(0o755 if place.stat().st_mode & 0o100 else 0o644)
    root.chmod(0o755)


def replace_folder(content: Path, target: Path, *, keep: Iterable[str] = ()) -> None:
    """Make `target` equal to `content`. When it is already, nothing is touched, so that readers notice nothing.

    Args:
        content: a folder; it is copied, not moved.
        target: the folder to replace.
        keep: files of the old folder that stay, such as ``.gitkeep``.
    """
    if target.is_dir() and _equal(content, target, frozenset(keep)):
        return
    parent = target.parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        same_disk = content.stat().st_dev == parent.stat().st_dev
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=content.parent if same_disk else parent))
    except OSError as error:
        raise LayerctlError(f"{error.filename or parent} cannot be written: {error.strerror}") from None
    new, old = scratch / "new", scratch / "old"
    try:
        shutil.copytree(content, new)
        for name in keep:
            if (target / name).is_file():
                shutil.copyfile(target / name, new / name)
        if target.exists():
            target.rename(old)
        try:
            new.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
    except OSError as error:
        raise LayerctlError(f"{error.filename or target} cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def replace_files(files: Iterable[Path], folder: Path) -> None:
    """Put files into a folder, each appearing whole under its name, in the given order."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            handle, scratch = tempfile.mkstemp(prefix=f".{file.name}-", dir=folder)
            try:
                with os.fdopen(handle, "wb") as out, file.open("rb") as data:
                    shutil.copyfileobj(data, out)
                Path(scratch).chmod(0o644)
                Path(scratch).replace(folder / file.name)
            except BaseException:
                Path(scratch).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise LayerctlError(f"{error.filename or folder} cannot be written: {error.strerror}") from None


def _equal(left: Path, right: Path, ignored: frozenset[str]) -> bool:
    def files(root: Path) -> dict[str, tuple[int, int]]:
        found = {}
        for path in root.rglob("*"):
            name = path.relative_to(root).as_posix()
            if name not in ignored:
                status = path.lstat()
                found[name] = (status.st_mode, 0 if path.is_dir() else status.st_size)
        return found

    mine = files(left)
    if mine != files(right):
        return False
    return all(filecmp.cmp(left / name, right / name, shallow=False) for name in mine if (left / name).is_file())
