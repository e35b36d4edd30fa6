"""What Lambda's runtime is made of, found or installed on this machine.

The emulator comes in the SAM CLI's wheel. The runtime interface client and the SDK, which functions find in the
runtime, are installed once per interpreter from a hashed lock into the user's cache folder; never into a layer.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from itertools import product
from pathlib import Path

from layerctl.core.errors import LayerctlError
from layerctl.core.files.cache import cached_folder
from layerctl.core.runtimes import RUNTIMES, python_version
from layerctl.python.interpreters import Interpreter, choose, find_interpreters
from layerctl.python.uv import run_uv

__all__ = [
    "emulator_binary",
    "find_interpreter",
    "nearest_interpreter",
    "own_interpreter",
    "runtime_packages",
    "why_none",
]

_LOCK = Path(__file__).with_name("runtime-requirements.txt")
# awslambdaric and boto3 of that lock have wheels for this version of Python and newer ones.
_OLDEST = (3, 10)
_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


def emulator_binary() -> Path:
    """Find the Runtime Interface Emulator of this machine's architecture.

    ``$LAYERCTL_RIE``, else in the SAM CLI that is installed beside layerctl, in ``.venv-sam`` of the current folder,
    one above it or beside layerctl's environment, or with the ``sam`` on PATH.

    Raises:
        LayerctlError: there is none, or this is not Linux.
    """
    if sys.platform != "linux":
        raise LayerctlError(
            f"AWS's Runtime Interface Emulator runs on Linux (and WSL) only, this is {sys.platform}",
            hint="unit tests work everywhere",
        )
    if chosen := os.environ.get("LAYERCTL_RIE"):
        if not os.access(chosen, os.X_OK) or Path(chosen).is_dir():
            raise LayerctlError(f"LAYERCTL_RIE={chosen} is not a program that can be run")
        return Path(chosen).absolute()
    name = f"aws-lambda-rie-{_MACHINES.get(platform.machine().lower(), platform.machine())}"
    # a Python environment, and AWS's own installer
    for root, packages in product(_sam_environments(), ("lib/python3*/site-packages", "dist/_internal")):
        for found in sorted(root.glob(f"{packages}/samcli/local/rapid/{name}")):
            if os.access(found, os.X_OK):
                return found
    raise LayerctlError(
        f"AWS's Runtime Interface Emulator ({name}) was not found; it comes with the SAM CLI's Python package",
        hint="install that beside layerctl (the extra `local`, or `pip install aws-sam-cli`), put a `sam` on PATH, or "
        "name the program in LAYERCTL_RIE",
    )


def _sam_environments() -> list[Path]:
    """The roots of the environments that may hold the SAM CLI, the nearest first."""
    roots = []
    own = find_spec("samcli")
    if own is not None and own.origin:
        roots.append(Path(own.origin).parents[4])
    here = Path.cwd()
    roots += [folder / ".venv-sam" for folder in (here, *here.parents, Path(sys.prefix).parent)]
    if sam := shutil.which("sam"):
        roots.append(Path(sam).resolve().parent.parent)
        first_line = Path(sam).read_bytes()[:256].split(b"\n", 1)[0].decode("utf-8", "replace")
        if first_line.startswith("#!/"):  # pipx and the like: the script lies elsewhere than its environment
            roots.append(Path(first_line[2:].split()[0]).parent.parent)
    return roots


def runtime_packages(interpreter: Interpreter) -> Path:
    """Return the folder with what the runtime provides for this interpreter, installed on first use.

    Raises:
        LayerctlError: it could not be installed (no network, no wheel for this interpreter).
    """
    digest = sha256(_LOCK.read_bytes()).hexdigest()[:16]
    machine = platform.machine().lower()

    def install(folder: Path) -> None:
        _run_installer(folder, interpreter)
        # Lambda's runtime has its bytecode too; -B functions would otherwise compile the SDK at every cold start.
        compile_all = [str(interpreter.path), "-I", "-S", "-m", "compileall", "-qq", "--invalidation-mode"]
        subprocess.run([*compile_all, "unchecked-hash", str(folder)], check=False, capture_output=True)

    return cached_folder(f"runtime/{interpreter.runtime}-{machine}-{digest}", install)


def _run_installer(folder: Path, interpreter: Interpreter) -> None:
    command = ["pip", "install", "--quiet", "--python", str(interpreter.path), "--target", str(folder)]
    failure = run_uv([*command, "--only-binary", ":all:", "--require-hashes", "-r", str(_LOCK)]).failure
    if failure:
        raise LayerctlError(
            f"what Lambda's {interpreter.runtime} provides (awslambdaric, boto3) could not be installed: "
            f"{failure[:400]}",
            hint="it is needed once, from a package index; check the network and try again",
        )


def find_interpreter(runtime: str, exact: str = "") -> Interpreter | None:
    """Find an interpreter for a runtime identifier (``python3.13``) that Lambda's runtime client runs on, or None.

    Args:
        runtime: as templates write it.
        exact: a version that is preferred (``3.13.0``); else the newest.
    """
    if (python_version(runtime) or _OLDEST) < _OLDEST:
        return None
    found = choose(runtime, exact, find_interpreters([runtime]))
    if found is None:
        return None
    # A pyenv shim is a script that needs its caller's environment, which a function does not get.
    answer = _ask(found.path, "sys.executable")
    return replace(found, path=Path(answer)) if answer else found


def nearest_interpreter(runtime: str) -> Interpreter:
    """The interpreter to take where there is none for a runtime: the next newer version, else the next older one."""
    wanted = python_version(runtime) or _OLDEST
    known = {version: name for name in RUNTIMES if (version := python_version(name)) and version >= _OLDEST}
    newer = sorted(version for version in known if version > wanted)
    older = sorted((version for version in known if version < wanted), reverse=True)
    for version in [*newer, *older]:
        if found := find_interpreter(known[version]):
            return found
    return own_interpreter()


def why_none(runtime: str) -> str:
    """Why there is no interpreter for a runtime, and what to do about it where something can be done."""
    if (python_version(runtime) or _OLDEST) < _OLDEST:
        return f"Lambda's runtime client is no longer made for {runtime}"
    hint = f"install it, e.g. with `uv python install {runtime.removeprefix('python')}`"
    return f"no interpreter for {runtime} is on this machine ({hint})"


@cache
def own_interpreter() -> Interpreter:
    """The interpreter under this program, without its virtual environment."""
    runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base = Path(sys.base_prefix) / "bin"
    environ = {**os.environ, "PATH": f"{base}{os.pathsep}{Path(sys.executable).parent}"}
    found = choose(runtime, platform.python_version(), find_interpreters([runtime], environ))
    if found is None:
        raise LayerctlError(f"the Python under this program ({sys.executable}) cannot be run on its own")
    return found


def _ask(python: Path, expression: str) -> str:
    """What an expression over `sys` comes to in another interpreter; empty when that cannot be had."""
    command = [str(python), "-I", "-S", "-c", f"import sys; print({expression})"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()
