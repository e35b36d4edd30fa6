"""Replaces a file's content in one step, so that nobody ever reads half of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

__all__ = ["ChangedMeanwhileError", "replace_bytes"]


class ChangedMeanwhileError(Exception):
    """The file no longer holds what it held when it was read; it was left alone."""


def replace_bytes(path: Path, data: bytes, *, expected: bytes) -> None:
    """Write `data` in place of `expected`.

    The file that a link leads to is replaced, not the link; mode and, where permitted, owner are kept. The new
    content is written beside the file first, and takes its place only if the file still holds `expected`.

    Raises:
        ChangedMeanwhileError: it holds something else by now.
        OSError: it cannot be read or written; then it is as it was.
    """
    target = Path(os.path.realpath(path))
    info = target.stat()
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(target, temporary)
        if hasattr(os, "chown") and (info.st_uid, info.st_gid) != (temporary.stat().st_uid, temporary.stat().st_gid):
            with contextlib.suppress(PermissionError):
                os.chown(temporary, info.st_uid, info.st_gid)
        if target.read_bytes() != expected:
            raise ChangedMeanwhileError(str(path))
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
