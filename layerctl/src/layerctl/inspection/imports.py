"""Measures what importing costs, with the interpreter's own `-X importtime`. This runs the layer's code."""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from layerctl.artifact import unpack
from layerctl.core.errors import LayerctlError
from layerctl.core.runtimes import RUNTIMES
from layerctl.python.interpreters import clean_environment, find_interpreters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from layerctl.artifact import Artifact

__all__ = ["Imported", "Waterfall", "measure_imports", "parse_importtime", "public_modules"]

_LINE = re.compile(r"import time:\s+(?P<self>\d+) \|\s+(?P<cumulative>\d+) \| (?P<indent> *)(?P<name>\S+)")
_RUNS = 5
_TIMEOUT = 60  # seconds for one run


@dataclass(slots=True)
class Imported:
    """One import.

    Attributes:
        own, total: microseconds of the module itself, and with what it imports first.
        start: microseconds since the first import, when its imports begin one after the other.
        origin: ``own`` (the layer's own distribution), ``layer`` or ``python`` (the standard library).
    """

    name: str
    own: int
    total: int
    depth: int
    start: int = 0
    origin: str = "python"
    children: list[Imported] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The imports in the order in which they begin, as the fastest of several runs measured them.

    Attributes:
        skipped: public modules that need something which is not there, an extra of the package mostly; and what it is.
    """

    interpreter: str
    modules: tuple[str, ...]
    total: int
    imports: tuple[Imported, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    runs: int = _RUNS


def public_modules(artifact: Artifact, package: str) -> list[str]:
    """The package and its public modules, as functions import them: no `_private`, no tests."""
    prefix = f"python/{package}/"
    names = set()
    for entry in artifact.entries:
        if entry.path.startswith(prefix):
            first, _, rest = entry.path.removeprefix(prefix).partition("/")
            if (not rest and first.endswith(".py")) or rest == "__init__.py":
                names.add(first.removesuffix(".py"))
    public = sorted(name for name in names if not name.startswith("_") and name not in {"testing", "tests"})
    return [package, *(f"{package}.{name}" for name in public if name.isidentifier())]


def measure_imports(artifact: Artifact, package: str, runtimes: Iterable[str]) -> Waterfall:
    """Import the package's public modules in a clean interpreter, with nothing but the layer on its path.

    Args:
        artifact: a layer that holds `package`. Its code is run.
        package: the top-level package to import.
        runtimes: the newest of these that has an interpreter on this machine is taken; none: of all that Lambda has.

    Raises:
        LayerctlError: there is no interpreter, no such package, or the import fails.
    """
    modules = public_modules(artifact, package)
    if artifact.get(f"python/{package}/__init__.py") is None and artifact.get(f"python/{package}.py") is None:
        raise LayerctlError(f"{artifact.path} holds no package {package}", hint="name one with --imports-of")
    runtimes = list(runtimes) or [runtime.name for runtime in RUNTIMES.values() if runtime.python]
    found = find_interpreters(runtimes)
    if not found:
        raise LayerctlError(
            f"no interpreter of {', '.join(sorted(runtimes))} is on this machine", hint="leave out --imports"
        )
    interpreter = max(found, key=lambda known: tuple(int(part) for part in re.findall(r"\d+", known.version)))
    with tempfile.TemporaryDirectory(prefix="layerctl-inspect-") as scratch:
        layer = unpack(artifact.path, Path(scratch) / "layer")
        skipped = _skipped(interpreter.path, layer / "python", modules, Path(scratch))
        modules = [module for module in modules if module not in skipped]
        runs = [_run(interpreter.path, layer / "python", modules, Path(scratch)) for _ in range(_RUNS)]
        best = min(runs, key=lambda roots: sum(root.total for root in roots))
    top_level = {path.partition("/")[0].partition(".")[0] for path in _below_python(artifact)}
    imports = tuple(_in_order(best, package, top_level))
    total = sum(root.total for root in best)
    return Waterfall(interpreter.version, tuple(modules), total, imports, tuple(skipped.items()))


def _skipped(interpreter: Path, root: Path, modules: Sequence[str], home: Path) -> dict[str, str]:
    """Return the modules that lack something optional, with what they lack; the package itself must import.

    Each is tried in a process of its own: what one has imported must not help the next.
    """
    lacking: dict[str, str] = {}
    for module in modules:
        done = _python(interpreter, f"{_path(root)}import {module}", home)
        if done.returncode == 0:
            continue
        text = done.stderr.decode("utf-8", "replace").strip()
        last = text.splitlines()[-1] if text else f"exit code {done.returncode}"
        if module == modules[0] or not last.startswith(("ModuleNotFoundError", "ImportError")):
            raise LayerctlError(f"importing {module} fails: {last}", hint="`layerctl verify --import` tests it")
        lacking[module] = last.partition(": ")[2]
    return lacking


def _run(interpreter: Path, root: Path, modules: Sequence[str], home: Path) -> list[Imported]:
    # The marker divides what the interpreter itself imports at its start from what is measured.
    code = f"{_path(root)}sys.stderr.write('{_MARK}\\n'); import {', '.join(modules)}"
    text = _python(interpreter, code, home, "-X", "importtime").stderr.decode("utf-8", "replace")
    return parse_importtime(text.partition(f"{_MARK}\n")[2])


def _path(root: Path) -> str:
    return f"import sys; sys.path.insert(0, {str(root)!r}); "


def _python(interpreter: Path, code: str, home: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            [str(interpreter), "-I", "-S", "-B", *options, "-c", code],
            env=clean_environment() | {"HOME": str(home)},
            cwd=home,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LayerctlError(f"{interpreter} could not import it: {error}") from None


_MARK = "layerctl: from here"


def parse_importtime(text: str) -> list[Imported]:
    """Read what `-X importtime` writes: a module comes after what it imports, two spaces deeper for each level."""
    pending: dict[int, list[Imported]] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        depth = len(match["indent"]) // 2
        children = pending.pop(depth + 1, [])
        module = Imported(match["name"], int(match["self"]), int(match["cumulative"]), depth, children=children)
        pending.setdefault(depth, []).append(module)
    return pending.get(0, [])


def _in_order(roots: Sequence[Imported], package: str, in_layer: set[str]) -> Iterable[Imported]:
    start = 0
    for root in roots:
        pending = [(root, start)]
        while pending:
            module, begin = pending.pop()
            module.start = begin
            top = module.name.partition(".")[0]
            module.origin = "own" if top == package else "layer" if top in in_layer else "python"
            yield module
            at = begin
            below = []
            for child in module.children:
                below.append((child, at))
                at += child.total
            pending += reversed(below)
        start += root.total


def _below_python(artifact: Artifact) -> Iterable[str]:
    return (entry.path.removeprefix("python/") for entry in artifact.entries if entry.path.startswith("python/"))
