"""CPython interpreters on this machine: on PATH, as pyenv and uv install them, under /opt, and the one that runs us."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Interpreter", "choose", "clean_environment", "find_interpreters"]

# Asked of each candidate: what is no Python, or a wrapper that finds none, fails here and is passed over.
_QUESTION = """\
import json, sys, _imp
print(json.dumps({"name": sys.implementation.name, "version": sys.version_info[:5], "tag": sys.implementation.cache_tag,
                  "flags": getattr(sys, "abiflags", ""), "build": sys.version,
                  "magic": __import__("importlib.util").util.MAGIC_NUMBER.hex()}))
"""

_OPT = Path("/opt")
_LEVELS = {"alpha": "a", "beta": "b", "candidate": "rc"}


@dataclass(frozen=True, slots=True)
class Interpreter:
    """One CPython.

    Attributes:
        path: the executable.
        version: in full (``3.13.0``, ``3.14.0rc2``).
        tag: the part of a ``.pyc`` file's name (``cpython-313``).
        magic: the first four bytes of its ``.pyc`` files, in hex.
        build: `sys.version`, which tells builds of one version apart.
    """

    path: Path
    version: str
    tag: str
    magic: str
    build: str

    @property
    def runtime(self) -> str:
        """The Lambda runtime that it matches (``python3.13``)."""
        return "python" + ".".join(self.version.split(".")[:2])


def clean_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without what would change how a Python behaves (``PYTHON*``, a virtual environment's marks)."""
    environ = os.environ if environ is None else environ
    marks = {"VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
    return {key: value for key, value in environ.items() if not key.startswith("PYTHON") and key not in marks}


def find_interpreters(runtimes: Iterable[str], environ: Mapping[str, str] | None = None) -> list[Interpreter]:
    """Find every release build of CPython for the given runtimes.

    The order of the search: PATH, pyenv, uv, below /opt, the interpreter that runs this program.

    Args:
        runtimes: ``python3.13`` and so on.
        environ: default: this process's.
    """
    environ = os.environ if environ is None else environ
    wanted = frozenset(runtimes)
    candidates: dict[Path, Path] = {}
    for path in _candidates(wanted, environ):
        if path.is_file() and os.access(path, os.X_OK):
            candidates.setdefault(path.resolve(), path)
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda path: _ask(path, path.stat().st_mtime_ns), candidates.values())
    return [found for found in answers if found is not None and found.runtime in wanted]


def choose(runtime: str, exact: str, interpreters: Iterable[Interpreter]) -> Interpreter | None:
    """Take the interpreter of exactly that version, else the newest of the runtime; the first found among equals."""
    fitting = [interpreter for interpreter in interpreters if interpreter.runtime == runtime]
    named = [interpreter for interpreter in fitting if interpreter.version == exact]
    newest_first = sorted(fitting, key=lambda found: _order(found.version), reverse=True)
    return next(iter(named or newest_first), None)


def _order(version: str) -> tuple[int, int, str, int]:
    """Sort key of 3.14.0rc2 below 3.14.0: a final release has the letter that sorts last."""
    match = re.fullmatch(r"3\.(\d+)\.(\d+)(?:([a-z]+)(\d+))?", version)
    assert match is not None  # written by _ask
    return int(match[1]), int(match[2]), match[3] or "z", int(match[4] or 0)


def _candidates(runtimes: frozenset[str], environ: Mapping[str, str]) -> Iterator[Path]:
    path = [Path(folder) for folder in environ.get("PATH", "").split(os.pathsep) if folder]
    pyenvs, uvs = _roots(environ, path)
    for folder in path:
        if folder.name != "shims":  # pyenv's: slow, and they only lead to its versions
            yield from (folder / name for name in [*sorted(runtimes), "python3", "python"])
    patterns = [(root, "*/bin") for root in (*(pyenv / "versions" for pyenv in pyenvs), *uvs)]
    # /opt/python3.14/bin, and /opt/python/cp314-cp314/bin as in the manylinux images
    patterns += [(_OPT, "python*/bin"), (_OPT, "python/*/bin"), (Path(sys.base_prefix), "bin")]
    for root, pattern in patterns:
        for place in sorted(root.glob(pattern)):
            yield from (place / name for name in sorted(runtimes))


def _roots(environ: Mapping[str, str], path: list[Path]) -> tuple[list[Path], list[Path]]:
    """Where pyenv and uv keep their interpreters.

    HOME may have been changed for the build, which must not change what is built. So the home folder of the user
    database counts too, and a pyenv whose shims are on PATH.
    """
    homes = [Path(environ.get("HOME") or Path.home())]
    with contextlib.suppress(KeyError):
        homes.append(Path(pwd.getpwuid(os.getuid()).pw_dir))
    named_pyenv = [Path(environ["PYENV_ROOT"])] if environ.get("PYENV_ROOT") else []
    named_uv = [Path(environ["UV_PYTHON_INSTALL_DIR"])] if environ.get("UV_PYTHON_INSTALL_DIR") else []
    data = [Path(environ["XDG_DATA_HOME"])] if environ.get("XDG_DATA_HOME") else []
    pyenvs = [*named_pyenv, *(folder.parent for folder in path if folder.name == "shims")]
    return (
        [*pyenvs, *(home / ".pyenv" for home in homes)],
        [*named_uv, *(folder / "uv/python" for folder in [*data, *(home / ".local/share" for home in homes)])],
    )


@lru_cache
def _ask(path: Path, changed: int) -> Interpreter | None:  # noqa: ARG001 - `changed` (mtime) is part of the key
    """What the executable says of itself; None when it is no CPython of the kind that Lambda runs."""
    try:
        answer = subprocess.run(
            [path, "-I", "-S", "-c", _QUESTION],
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            check=True,
        )
        facts = json.loads(answer.stdout)
        major, minor, micro, level, serial = facts["version"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None
    # free-threaded and debug builds (abiflags "t", "d") write other bytecode than Lambda's
    if facts["name"] != "cpython" or set(facts["flags"]) & {"t", "d"} or major != 3:
        return None
    suffix = "" if level == "final" else _LEVELS[level] + str(serial)
    return Interpreter(path, f"{major}.{minor}.{micro}{suffix}", facts["tag"], facts["magic"], facts["build"])
