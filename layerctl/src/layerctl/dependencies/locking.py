"""Making a lock with uv: for every runtime at once, with hashes, wheels only, and without an index's address."""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from layerctl.build.lock import parse_lock
from layerctl.core.errors import LayerctlError
from layerctl.core.files.read import read_text, read_toml
from layerctl.core.runtimes import sorted_pythons
from layerctl.python.uv import run_uv

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from layerctl.build.lock import LockedRequirement
    from layerctl.config import LayerConfig

__all__ = ["Job", "ask_uv", "changes", "job_of", "make_lock", "oldest_python"]


@dataclass(frozen=True, slots=True)
class Job:
    """A lock to make.

    Attributes:
        source: a requirements file, a pyproject.toml or a uv.lock.
        lock: the file to write.
        python: the oldest Python that it is for (``3.11``).
    """

    source: Path
    lock: Path
    python: str

    @property
    def kind(self) -> str:
        """``requirements``, ``pyproject.toml`` or ``uv.lock``."""
        return self.source.name if self.source.name in ("pyproject.toml", "uv.lock") else "requirements"


def job_of(config: LayerConfig) -> Job:
    """Return what the lock of a layer is made from: what layer.toml says, else what is there.

    Raises:
        LayerctlError: there is nothing.
    """
    beside = config.requirements.with_suffix(".in")
    places = (
        [config.lock_from] if config.lock_from else [beside, config.root / "uv.lock", config.root / "pyproject.toml"]
    )
    source = next((place for place in places if place.is_file()), None)
    if source is None:
        raise LayerctlError(
            f"there is nothing to lock: no {' and no '.join(str(place) for place in places)}",
            hint=f"write what the layer needs into {places[0].name}, or name layer.lock-from in {config.path}",
        )
    return Job(source.resolve(), config.requirements, oldest_python(config))


def oldest_python(config: LayerConfig) -> str:
    """Return the oldest Python that a layer is for, which its lock has to suit: ``3.11``."""
    return sorted_pythons(config.runtimes)[0].removeprefix("python")


def make_lock(
    job: Job,
    *,
    upgrade: bool = False,
    packages: Sequence[str] = (),
    instead: str | None = None,
    more: Mapping[str, str] | None = None,
) -> str:
    """Resolve what the source asks for. Nothing is written.

    Args:
        job: what to lock. The versions of the lock that is there are kept where they fit.
        upgrade: take the newest of everything.
        packages: take the newest of these.
        instead: what a requirements file is to say; it is locked as if it said it already.
        more: canonical name -> requirement that a project is to have besides, or in place of its own of that name.

    Returns:
        the lock's text.

    Raises:
        LayerctlError: it has no solution, no wheels, or the index can't be reached.
    """
    if not job.source.is_file():
        raise LayerctlError(
            f"{job.source} does not exist", hint="name a requirements file, a pyproject.toml or a uv.lock"
        )
    if job.kind == "uv.lock" and (upgrade or packages):
        raise LayerctlError(f"{job.source} decides the versions", hint="run `uv lock --upgrade`, then `layerctl lock`")
    if job.kind == "uv.lock" and not more:
        text = _export(job)
    else:
        text = _compile(job, upgrade=upgrade, packages=packages, instead=instead, more=more or {})
    text = _relative(text, job.source.parent, job.lock.parent)
    text = f"# Made by `layerctl lock` from {os.path.relpath(job.source, job.lock.parent)}; not to be edited.\n{text}"
    parse_lock(text, job.lock)
    return text


def _compile(job: Job, *, upgrade: bool, packages: Sequence[str], instead: str | None, more: Mapping[str, str]) -> str:
    with tempfile.TemporaryDirectory(prefix="layerctl-lock-") as scratch:
        out = Path(scratch) / "requirements.txt"
        if job.lock.is_file():  # what is there already stays as it is
            out.write_text(_relative(read_text(job.lock), job.lock.parent, job.source.parent), "utf-8")
        wanted = ["--upgrade"] if upgrade else [f"--upgrade-package={name}" for name in packages]
        command = ["pip", "compile", "--quiet", "--universal", "--python-version", job.python, "--only-binary", ":all:"]
        command += ["--generate-hashes", "--no-emit-index-url", "--no-header", "--output-file", str(out), *wanted]
        name = "pyproject.toml" if job.kind == "uv.lock" else job.source.name
        # `-` is standard input, whose paths are seen from the folder that uv is run in
        sources = ["-"] if instead is not None else [name, "-"] if more else [name]
        given = "\n".join(more.values()) if instead is None else instead
        if replaced := [more[name] for name in more.keys() & _asked(job.source.with_name("pyproject.toml"))]:
            overrides = Path(scratch) / "overrides.txt"
            overrides.write_text("\n".join(replaced), "utf-8")
            command += ["--overrides", str(overrides)]
        ask_uv([*command, *sources], job.source.parent, f"{job.source} can't be locked", given)
        return re.sub(r"(?<= -r )-$", job.source.name, out.read_text("utf-8"), flags=re.MULTILINE)


def _asked(project: Path) -> set[str]:
    """The canonical names that a project's table asks for itself; what is no requirement uv will tell."""
    try:
        asked = read_toml(project).get("project", {}).get("dependencies", [])
        return {canonicalize_name(Requirement(text).name) for text in asked}
    except (LayerctlError, ValueError, TypeError, AttributeError):
        return set()


def _export(job: Job) -> str:
    command = ["export", "--quiet", "--locked", "--no-dev", "--no-emit-local", "--no-header", "--format"]
    return ask_uv([*command, "requirements.txt"], job.source.parent, f"{job.source} can't be exported")


def ask_uv(arguments: Sequence[str], folder: Path, failure: str, given: str = "") -> str:
    """Run uv in a folder, with `given` as its standard input, and return its standard output.

    Raises:
        LayerctlError: `failure`, with what uv says.
    """
    answer = run_uv(arguments, folder=folder, retries=1, given=given)
    if answer.failure:
        raise LayerctlError(
            f"{failure}: {answer.failure}",
            hint="check names and versions; if the index can't be reached: the network and UV_DEFAULT_INDEX",
        )
    return answer.output


def _relative(text: str, old: Path, new: Path) -> str:
    """The same requirements where they name wheels by files, seen from another folder."""
    if old.resolve() == new.resolve():
        return text

    def moved(match: re.Match[str]) -> str:
        path = os.path.relpath((old / match[0]).resolve(), new.resolve())
        return path if path.startswith("..") else f"./{path}"

    return re.sub(r"^\.{1,2}/\S+\.whl(?=\s)", moved, text, flags=re.MULTILINE)


def changes(job: Job, text: str) -> list[str]:
    """Return what a new lock changes, one line for each distribution."""
    old: dict[str, set[str]] = {}
    if job.lock.is_file():
        with suppress(LayerctlError):  # no lock of ours: everything in the new one is new
            old = _versions(parse_lock(read_text(job.lock), job.lock))
    new = _versions(parse_lock(text, job.lock))
    lines = []
    for name in sorted(old.keys() | new.keys()):
        before, after = (", ".join(sorted(versions.get(name, ()))) for versions in (old, new))
        if before != after:
            lines.append(
                f"{name} {before} -> {after}" if before and after else f"{name} {after or before + ' is gone'}"
            )
    return lines


def _versions(locked: Iterable[LockedRequirement]) -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for requirement in locked:
        versions.setdefault(requirement.name, set()).add(requirement.version)
    return versions
