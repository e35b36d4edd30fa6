"""Importing the layer's modules as a function would. This runs the layer's code: for our own builds only."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from layerctl.artifact import unpack
from layerctl.core.diagnostics import Finding
from layerctl.core.errors import LayerctlError
from layerctl.core.runtimes import PROVIDED_OTHER, PROVIDED_SDK
from layerctl.python.interpreters import choose, find_interpreters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.python.interpreters import Interpreter
    from layerctl.verify.case import Context

__all__ = ["check_imports"]

_WORKER = Path(__file__).parents[1] / "import_worker.py"
_SECONDS = 20  # of processor time for one module
_MEMORY = 4 * 2**30  # bytes of address space for one module
_PATIENCE = 300  # seconds for all modules of one interpreter


def check_imports(context: Context) -> Iterator[Finding]:
    """Every module of ours and every top-level package, on each interpreter that is found.

    On the path: the layer, the standard library, and of what the runtime provides whatever this environment has.
    """
    if context.artifact.problems or context.damaged:
        return  # not fit to be unpacked; that is told already
    named = {runtime.name: "" for runtime in context.runtimes}
    if context.config:
        named |= context.config.runtimes
    found = find_interpreters(named)
    modules = _modules(context)
    with tempfile.TemporaryDirectory(prefix="layerctl-import-") as scratch:
        content = unpack(context.artifact.path, Path(scratch, "opt"))
        provided = _provided(context, Path(scratch, "runtime"))
        home = Path(scratch, "home")
        home.mkdir()
        for runtime, exact in named.items():
            interpreter = choose(runtime, exact, found)
            if interpreter is not None:
                yield from _try(interpreter, modules, [str(content / "python"), str(provided)], home)


def _try(interpreter: Interpreter, modules: dict[str, str], path: list[str], home: Path) -> Iterator[Finding]:
    job = {"path": path, "modules": list(modules), "seconds": _SECONDS, "memory": _MEMORY}
    # nothing of the caller's environment: neither credentials nor what steers a Python
    environ = {"PATH": os.defpath, "HOME": str(home), "TMPDIR": str(home), "LANG": "C.UTF-8"}
    process = subprocess.Popen(
        [interpreter.path, "-I", "-S", "-B", _WORKER, json.dumps(job)],
        env=environ,
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        answers, _ = process.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        raise LayerctlError(
            f"importing the layer on {interpreter.runtime} took more than {_PATIENCE} seconds"
        ) from None
    finally:
        with contextlib.suppress(ProcessLookupError):  # whatever the modules may have started
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.returncode:
        raise LayerctlError(
            f"{interpreter.path} could not try the layer's imports (it ended with {process.returncode})"
        )
    for line in answers.splitlines():
        module, message = json.loads(line)
        remedy = "mend the module, or add the distribution that it needs to layer/requirements.in"
        what = f"import {module} fails on {interpreter.runtime} ({interpreter.version}): {message}"
        yield Finding("import-failed", modules[module], what, remedy)


def _modules(context: Context) -> dict[str, str]:
    """Module -> file: what is top-level, and everything of our own distribution."""
    own = {path for one in context.distributions if one.name == context.own for path in one.files}
    modules: dict[str, str] = {}
    for entry in context.artifact.entries:
        parts = entry.path.removeprefix("python/").split("/")
        if not entry.path.startswith("python/") or not parts[-1].endswith((".py", ".so")):
            continue
        parts[-1] = parts[-1].split(".", 1)[0]
        if parts[-1] == "__init__":
            parts.pop()
        if not parts or not all(part.isidentifier() for part in parts) or parts[-1] == "__main__":
            continue
        name = ".".join(parts)
        test_only = context.config.test_only if context.config else ()
        if (len(parts) == 1 or entry.path in own) and not any(f"{name}.".startswith(f"{one}.") for one in test_only):
            modules.setdefault(name, entry.path)
    return dict(sorted(modules.items()))


def _provided(context: Context, folder: Path) -> Path:
    """A folder like the runtime's site-packages: links to those of its distributions that this environment has."""
    folder.mkdir()
    names = PROVIDED_SDK | PROVIDED_OTHER | (context.config.provided if context.config else frozenset())
    here = {one.name for one in context.distributions}
    for name in sorted({canonicalize_name(name) for name in names} - here):
        try:
            files = importlib.metadata.files(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        if any(str(file).endswith(".so") for file in files):
            continue  # compiled for this interpreter only
        for top in {file.parts[0] for file in files if file.parts[0] != ".."}:
            source = Path(str(files[0].locate())).parents[len(files[0].parts) - 1] / top
            if source.exists() and not (folder / top).exists():
                (folder / top).symlink_to(source)
    return folder
