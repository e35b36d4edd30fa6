"""Compiled files kept from build to build, by interpreter, source and name."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from layerctl.core.files.cache import BYTECODE, cache_root

if TYPE_CHECKING:
    from layerctl.python.interpreters import Interpreter

__all__ = ["BytecodeCache"]

# Part of every key: another recipe (worker, flags) must not meet the files of an older one.
_RECIPE = "unchecked-hash, fork per file, -I -S, 1"


class BytecodeCache:
    """A folder of ``.pyc`` files. Safe to share: files appear whole, and carry a digest that is checked on reading.

    Args:
        folder: default: ``bytecode`` in the user's cache folder (see `layerctl.core.files.cache`).
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_root() / BYTECODE

    def get(self, interpreter: Interpreter, source: bytes, name: str) -> bytes | None:
        """The compiled file, if it is there and undamaged."""
        try:
            stored = self._place(interpreter, source, name).read_bytes()
        except OSError:
            return None
        digest, compiled = stored[:32], stored[32:]
        return compiled if hashlib.sha256(compiled).digest() == digest else None

    def put(self, interpreter: Interpreter, source: bytes, name: str, compiled: bytes) -> None:
        """Keep a compiled file. A cache that can't be written is only slower."""
        place = self._place(interpreter, source, name)
        with contextlib.suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, scratch = tempfile.mkstemp(dir=place.parent, prefix=".new-")
            try:
                with os.fdopen(handle, "wb") as out:
                    out.write(hashlib.sha256(compiled).digest() + compiled)
                Path(scratch).replace(place)
            except OSError:
                Path(scratch).unlink(missing_ok=True)

    def _place(self, interpreter: Interpreter, source: bytes, name: str) -> Path:
        key = hashlib.sha256()
        for part in (_RECIPE.encode(), interpreter.build.encode(), interpreter.magic.encode(), name.encode(), source):
            key.update(len(part).to_bytes(8, "little") + part)
        text = key.hexdigest()
        return self.folder / interpreter.tag / text[:2] / text[2:]
