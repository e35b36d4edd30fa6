"""Importing the layer's modules as a function would. This runs the layer's code: for our own builds only."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import platform
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from layerctl.artifact import unpack
from layerctl.core.diagnostics import Severity
from layerctl.core.errors import LayerctlError
from layerctl.core.runtimes import ARCHITECTURES, PROVIDED_OTHER, PROVIDED_SDK
from layerctl.python.interpreters import choose, find_interpreters
from layerctl.rules import Rule
from layerctl.verify.rules.untried import NOT_TRIED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.core.diagnostics import Finding
    from layerctl.python.interpreters import Interpreter
    from layerctl.verify.case import ArtifactCase

__all__ = ["check_imports"]

IMPORT_FAILED = Rule(
    id="import-failed",
    commands=("verify",),
    summary="Every module of ours and every top-level package can be imported.",
    looks_at="With --import: each module in a process of its own on each interpreter found, with the layer, the "
    "standard library and what the runtime provides on its path. This runs the layer's code.",
    example="A module that needs a distribution which is not in the layer.",
    fix="Mend the module, or add the distribution that it needs (`layerctl add`).",
)

_WORKER = Path(__file__).parents[1] / "import_worker.py"
_SECONDS = 20  # of processor time for one module
_MEMORY = 4 * 2**30  # bytes of address space for one module
_PATIENCE = 300  # seconds for all modules of one interpreter


def check_imports(case: ArtifactCase) -> Iterator[Finding]:
    """Every module of ours and every top-level package, on each interpreter that is found.

    On the path: the layer, the standard library, and of what the runtime provides whatever this environment has.
    """
    if not case.options.imports or case.artifact.problems or case.damaged:
        return  # not asked for; or not fit to be unpacked, which is told already
    here = next((name for name, machine in ARCHITECTURES.items() if machine == platform.machine()), "")
    if case.built_for and here not in case.built_for:
        foreign = " and ".join(sorted(case.built_for))
        message = f"its shared libraries are for {foreign}, this machine is {platform.machine()}: no import was tried"
        hint = f"run it with --import on a machine of {foreign}"
        yield NOT_TRIED.finding(case.artifact.path.name, message, hint, Severity.WARNING)
        return
    named = {runtime.name: "" for runtime in case.runtimes}
    if case.config:
        named |= case.config.runtimes
    found = find_interpreters(named)
    modules = _modules(case)
    with tempfile.TemporaryDirectory(prefix="layerctl-import-") as scratch:
        content = unpack(case.artifact.path, Path(scratch, "opt"))
        provided = _provided(case, Path(scratch, "runtime"))
        home = Path(scratch, "home")
        home.mkdir()
        for runtime, exact in named.items():
            interpreter = choose(runtime, exact, found)
            if interpreter is None:
                message = f"imports on {runtime} were not tried: no interpreter of {runtime} is here"
                yield NOT_TRIED.finding(case.artifact.path.name, message, f"install {runtime}")
                continue
            folders = [content / f"python/lib/{runtime}/site-packages", content / "python", provided]
            yield from _try(interpreter, modules, [str(folder) for folder in folders if folder.is_dir()], home)


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
        hint = "mend the module, or add the distribution that it needs (`layerctl add`)"
        what = f"import {module} fails on {interpreter.runtime} ({interpreter.version}): {message}"
        yield IMPORT_FAILED.finding(modules[module], what, hint)


def _modules(case: ArtifactCase) -> dict[str, str]:
    """Module -> file: what is top-level, and everything of our own distribution."""
    own = {path for distribution in case.distributions if distribution.name == case.own for path in distribution.files}
    modules: dict[str, str] = {}
    for entry in case.artifact.entries:
        parts = entry.path.removeprefix("python/").split("/")
        if not entry.path.startswith("python/") or not parts[-1].endswith((".py", ".so")):
            continue
        parts[-1] = parts[-1].split(".", 1)[0]
        if parts[-1] == "__init__":
            parts.pop()
        if not parts or not all(part.isidentifier() for part in parts) or parts[-1] == "__main__":
            continue
        name = ".".join(parts)
        test_only = case.config.test_only if case.config else ()
        if (len(parts) == 1 or entry.path in own) and not any(
            f"{name}.".startswith(f"{module}.") for module in test_only
        ):
            modules.setdefault(name, entry.path)
    return dict(sorted(modules.items()))


def _provided(case: ArtifactCase, folder: Path) -> Path:
    """A folder like the runtime's site-packages: links to those of its distributions that this environment has."""
    folder.mkdir()
    names = PROVIDED_SDK | PROVIDED_OTHER | (case.config.provided if case.config else frozenset())
    here = {distribution.name for distribution in case.distributions}
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
