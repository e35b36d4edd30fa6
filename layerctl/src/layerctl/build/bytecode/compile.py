"""Compiling every module of a tree for one interpreter."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from layerctl.core.errors import LayerctlError
from layerctl.python.interpreters import clean_environment

if TYPE_CHECKING:
    from layerctl.build.bytecode.cache import BytecodeCache
    from layerctl.python.interpreters import Interpreter

__all__ = ["CompileFailure", "compile_tree", "pyc_path"]

_WORKER = Path(__file__).with_name("worker.py")
# The folder of a layer's modules at run time; it is what tracebacks show.
_PREFIX = "/opt/"


@dataclass(frozen=True, slots=True)
class CompileFailure:
    """A source that an interpreter does not take, e.g. because its syntax is newer.

    Attributes:
        path: as in the zip.
        runtime: the interpreter's runtime.
        message: the compiler's words.
    """

    path: str
    runtime: str
    message: str


def pyc_path(path: str, tag: str) -> str:
    """Where Python looks for a module's bytecode (PEP 3147): ``a/b.py`` -> ``a/__pycache__/b.cpython-313.pyc``."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}__pycache__/{name.removesuffix('.py')}.{tag}.pyc"


def compile_tree(
    root: Path, paths: list[str], interpreter: Interpreter, cache: BytecodeCache | None
) -> list[CompileFailure]:
    """Write the bytecode of some modules beside them.

    Args:
        root: the folder that holds ``python/``.
        paths: the modules, as in the zip (``python/a/b.py``).
        interpreter: whose bytecode.
        cache: where compiled files are kept; None compiles everything anew.

    Raises:
        LayerctlError: the interpreter can't be run.
    """
    missing: list[str] = []
    for path in paths:
        found = cache.get(interpreter, (root / path).read_bytes(), _PREFIX + path) if cache else None
        if found is None:
            missing.append(path)
        else:
            _write(root / pyc_path(path, interpreter.tag), found)
    if not missing:
        return []
    failures = []
    with tempfile.TemporaryDirectory(prefix="layerctl-bytecode-") as scratch:
        _run(interpreter, root, missing, Path(scratch))
        for at, path in enumerate(missing):
            compiled = Path(scratch, f"{at}.pyc")
            if compiled.exists():
                data = compiled.read_bytes()
                _write(root / pyc_path(path, interpreter.tag), data)
                if cache:
                    cache.put(interpreter, (root / path).read_bytes(), _PREFIX + path, data)
                continue
            error = Path(scratch, f"{at}.pyc.error")
            message = error.read_text("utf-8") if error.exists() else "the compiler died"
            failures.append(CompileFailure(path, interpreter.runtime, message))
    return failures


def _run(interpreter: Interpreter, root: Path, paths: list[str], scratch: Path) -> None:
    jobs = scratch / "jobs"
    lines = [f"{root / path}\n{scratch / f'{at}.pyc'}\n{_PREFIX}{path}\n" for at, path in enumerate(paths)]
    jobs.write_text("".join(lines), "utf-8")
    result = subprocess.run(
        [interpreter.path, "-I", "-S", "-W", "ignore", _WORKER, jobs, str(os.cpu_count() or 1)],
        env=clean_environment() | {"LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if result.returncode:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise LayerctlError(f"{interpreter.path} could not compile the layer's bytecode: {last}")


def _write(place: Path, data: bytes) -> None:
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(data)
