"""Installing wheels into a folder with uv, for a runtime that need not be the one of this machine."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from layerctl.core.errors import LayerctlError
from layerctl.core.runtimes import ARCHITECTURES, runtime_of
from layerctl.python.uv import run_uv

if TYPE_CHECKING:
    from layerctl.build.lock import LockedRequirement
    from layerctl.config import LayerConfig

__all__ = ["InstallTarget", "install_locked", "install_wheel", "targets_of"]

_NETWORK = re.compile(r"sending request|dns error|network|timed out|connect|offline|unreachable", re.IGNORECASE)
# uv knows these glibc levels; a wheel for the level below also runs on a newer one.
_MANYLINUX = ((2, 17), (2, 28), (2, 31), (2, 34))


@dataclass(frozen=True, slots=True)
class InstallTarget:
    """One runtime on one architecture."""

    runtime: str
    architecture: str

    def __str__(self) -> str:
        return f"{self.runtime} on {self.architecture}"

    @property
    def python(self) -> str:
        """``3.13``."""
        return self.runtime.removeprefix("python")

    @property
    def platform(self) -> str:
        """Uv's name of the newest platform whose wheels run there (``aarch64-manylinux_2_34``)."""
        runtime = runtime_of(self.runtime)
        # a runtime that is too new for our table has at least the glibc of the newest one in it
        glibc = runtime.glibc if runtime else (2, 34)
        level = max(level for level in _MANYLINUX if level <= glibc)
        return f"{ARCHITECTURES[self.architecture]}-manylinux_{level[0]}_{level[1]}"


def targets_of(config: LayerConfig) -> list[InstallTarget]:
    """Every runtime and architecture of the layer, in a fixed order."""
    return [
        InstallTarget(runtime, architecture) for runtime in config.runtimes for architecture in config.architectures
    ]


def install_locked(
    locked: list[LockedRequirement], target: InstallTarget, folder: Path, *, lock: Path, offline: bool = False
) -> bool:
    """Install a part of the lock for a target: wheels only, hashes required, nothing that is not in the lock.

    Args:
        locked: the part.
        target: runtime and architecture, which need not be this machine's.
        folder: where to; it must not exist.
        lock: the file, for errors.
        offline: take everything from uv's cache; don't try the index.

    Returns:
        whether the index could not be reached, and uv's cache held everything.

    Raises:
        LayerctlError: no wheel fits, a hash differs, or the index can't be reached and uv's cache lacks something.
    """
    folder.mkdir(parents=True)
    requirements = folder.with_name(folder.name + ".txt")
    requirements.write_text("".join(f"{requirement.text}\n" for requirement in locked), "utf-8")
    command = [
        *("--python-version", target.python, "--python-platform", target.platform),
        *("--require-hashes", "--only-binary", ":all:", "--no-deps", "-r", str(requirements)),
    ]
    failure = _uv_install(folder, *(["--offline"] if offline else []), *command)
    if failure is None:
        return offline
    if _NETWORK.search(failure) and not offline and _uv_install(folder, "--offline", *command) is None:
        return True
    if re.search(r"hash", failure, re.IGNORECASE):
        raise LayerctlError(f"{lock} does not match what the index serves: {failure}", hint="run `layerctl lock`")
    if _NETWORK.search(failure):
        raise LayerctlError(
            f"the dependencies of {lock} can't be downloaded, and uv's cache does not hold them all: {failure}",
            hint="check the network, the proxy and the index (UV_DEFAULT_INDEX), then build again",
        )
    raise LayerctlError(
        f"{lock} can't be installed for {target}: {failure}",
        hint="take versions that have wheels for every runtime and architecture of layer.toml",
    )


def install_wheel(wheel: Path, name: str, target: InstallTarget, folder: Path) -> None:
    """Install one wheel by its project's name, so that no trace of its path gets in.

    Raises:
        LayerctlError: the wheel is of another project, or does not fit the target.
    """
    folder.mkdir(parents=True)
    failure = _uv_install(
        folder,
        *("--python-version", target.python, "--python-platform", target.platform, "--no-cache"),
        *("--no-index", "--find-links", str(wheel.parent), "--no-deps", name),
    )
    if failure:
        raise LayerctlError(
            f"{wheel.name} can't be installed as {name} for {target}: {failure}",
            hint="compare layer.distribution in layer.toml with [project] in pyproject.toml",
        )


def _uv_install(folder: Path, *arguments: str) -> str | None:
    """Run ``uv pip install --target``; None when it worked, else its message in one line."""
    command = ["pip", "install", "--quiet", "--link-mode", "copy", "--python", sys.executable, "--target", str(folder)]
    return run_uv([*command, *arguments], folder=folder.parent, retries=1).failure
