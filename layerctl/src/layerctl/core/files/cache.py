"""What is kept between runs, in the user's cache folder: unpacked layers, the runtime's packages, fetched layers.

Each entry is a folder that is filled once, under a lock, and appears whole or not at all, so that any number of
processes may ask for it at once and a crash in between leaves nothing half-written behind.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BYTECODE", "Cleaned", "cache_root", "cached_folder", "clean_cache"]


BYTECODE = "bytecode"  # the folder of compiled files, which appear one by one, without a lock


def cache_root() -> Path:
    """The folder of all entries.

    ``$LAYERCTL_CACHE_DIR``, else where the operating system keeps such things: on Linux ``$XDG_CACHE_HOME/layerctl``
    or ``~/.cache/layerctl`` (XDG Base Directory Specification).
    """
    chosen = os.environ.get("LAYERCTL_CACHE_DIR")
    return Path(chosen) if chosen else user_cache_path("layerctl", appauthor=False)


def cached_folder(key: str, fill: Callable[[Path], object]) -> Path:
    """Return the entry `key`, filled on first use.

    Args:
        key: the entry's name, a relative path that identifies its content (so: a version or digest in it).
        fill: writes the content into the empty folder that it is given; what it raises is passed on.

    Raises:
        LayerctlError: the cache folder cannot be written.
    """
    entry = cache_root() / key
    if entry.is_dir():
        return entry
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(entry.with_name(f"{entry.name}.lock")):
            if entry.is_dir():  # somebody else was faster
                return entry
            scratch = Path(tempfile.mkdtemp(prefix=f"{entry.name}.", suffix=".part", dir=entry.parent))
            try:
                fill(scratch)
                scratch.chmod(0o755)  # mkdtemp's 0700 is for secrets
                scratch.rename(entry)
            except BaseException:
                shutil.rmtree(scratch, ignore_errors=True)
                raise
    except OSError as error:
        raise LayerctlError(
            f"the cache folder {cache_root()} cannot be used: {error}",
            hint="set LAYERCTL_CACHE_DIR to a folder that can be written",
        ) from None
    return entry


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was deleted: how many entries, how many bytes; and what was left, with the reason."""

    entries: int
    size: int
    left: tuple[tuple[Path, str], ...]


def clean_cache(*, dry_run: bool = False) -> Cleaned:
    """Delete every entry. One that another process is filling is left, and named.

    Only what layerctl makes is touched: `LAYERCTL_CACHE_DIR` may name a folder that holds other things too.
    """
    entries = size = 0
    left: list[tuple[Path, str]] = []
    root = cache_root()
    for path in [root / BYTECODE, *sorted(root.rglob("*.lock"))]:
        entry = path.with_suffix("")
        try:
            with FileLock(path, timeout=0) if path != entry else nullcontext():
                if entry.is_dir():
                    entries += 1
                    size += sum(file.lstat().st_size for file in entry.rglob("*") if not file.is_dir())
                    if not dry_run:
                        shutil.rmtree(entry)
                if path != entry and not dry_run:
                    path.unlink(missing_ok=True)
        except Timeout:
            left.append((entry, "another process is filling it"))
        except OSError as error:
            left.append((entry, error.strerror or str(error)))
    return Cleaned(entries, size, tuple(left))
