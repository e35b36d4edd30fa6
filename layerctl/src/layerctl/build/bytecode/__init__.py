"""Bytecode that stays valid on Lambda, and that is the same whoever compiles it.

`/opt` is read-only and the zip's dates are normalised, so a ``.pyc`` that is checked by time is always stale there.
Ours are of the unchecked-hash kind (PEP 552): valid as long as they lie beside their source.

Marshal writes what the interpreter happens to have interned and referenced, so one source can give different bytes.
They are equal when each file is compiled in a fork of a process that has imported `py_compile` and nothing else.
"""

from __future__ import annotations

from layerctl.build.bytecode.cache import BytecodeCache
from layerctl.build.bytecode.compile import CompileFailure, compile_tree, pyc_path

__all__ = ["BytecodeCache", "CompileFailure", "compile_tree", "pyc_path"]
