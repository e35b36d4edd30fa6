"""Replaces a file's content in one step, so that nobody ever reads half of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from layerctl.core.errors import LayerctlError

__all__ = ["ChangedMeanwhileError", "replace_bytes", "write_bytes"]


class ChangedMeanwhileError(Exception):
    """The file no longer holds what it held when it was read; it was left alone."""


def replace_bytes(path: Path, data: bytes, *, expected: bytes | None) -> None:
    """Write `data` in place of `expected`; None where no file is there yet.

    The file that a link leads to is replaced, not the link; mode and, where permitted, owner are kept. The new
    content is written beside the file first, and takes its place only if the file still holds `expected`.

    Raises:
        ChangedMeanwhileError: it holds something else by now.
        OSError: it cannot be read or written; then it is as it was.
    """
    target = Path(os.path.realpath(path))
    info = target.stat() if expected is not None else None
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if info is None:
            temporary.chmod(0o666 & ~_umask())
        else:
            shutil.copymode(target, temporary)
            _keep_owner(info, temporary)
        if (target.read_bytes() if target.exists() else None) != expected:
            raise ChangedMeanwhileError(str(path))
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes, *, hint: str | None = None) -> None:
    """Write a file in one step, whatever it holds, and the folders above it; one that holds `data` is left alone.

    Args:
        path: the file.
        data: its content.
        hint: what to do where it cannot be written.

    Raises:
        LayerctlError: it cannot be written, or another program wrote it in the same moment; it is not half-written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        old = path.read_bytes() if path.exists() else None
        if old != data:
            replace_bytes(path, data, expected=old)
    except ChangedMeanwhileError:
        raise LayerctlError(f"{path} was changed meanwhile", hint="run it again") from None
    except OSError as error:
        raise LayerctlError(f"{path} cannot be written: {error.strerror or error}", hint=hint) from None


def _keep_owner(info: os.stat_result, temporary: Path) -> None:
    made = temporary.stat()
    if hasattr(os, "chown") and (info.st_uid, info.st_gid) != (made.st_uid, made.st_gid):
        with contextlib.suppress(PermissionError):
            os.chown(temporary, info.st_uid, info.st_gid)


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
