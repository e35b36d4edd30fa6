"""Our own distribution's wheel, with PyPA build and the backend of this environment."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from layerctl.core.errors import LayerctlError
from layerctl.python.interpreters import clean_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["build_wheel"]

# 1980-01-01T00:00:00Z, the earliest date of a zip. Backends stamp it on the wheel's entries.
_SOURCE_DATE_EPOCH = "315532800"


def build_wheel(sources: Path, target: Path) -> Path:
    """Build the wheel of a source tree, as ``python -m build --wheel --no-isolation`` does.

    No isolation: the backend comes from the locked environment, since its version is part of what it writes.

    Args:
        sources: a clean export; the backend may write into it.
        target: the folder for the wheel.

    Raises:
        LayerctlError: there is no pyproject.toml, the backend is missing or fails.
    """
    from build import BuildBackendException, BuildException, ProjectBuilder

    if not (sources / "pyproject.toml").is_file():
        raise LayerctlError(
            "the layer's own distribution has no pyproject.toml at the repository's root",
            hint="add one, or leave layer.distribution out of layer.toml",
        )
    try:
        builder = ProjectBuilder(sources, sys.executable, runner=_run)
        missing = sorted({" -> ".join(chain) for chain in builder.check_dependencies("wheel")})
        if missing:
            backends = [chain.split(" -> ")[-1] for chain in missing]
            raise LayerctlError(
                f"the build backend needs {', '.join(missing)}, which layerctl's environment lacks",
                hint="install it there: " + shlex.join([sys.executable, "-m", "pip", "install", *backends]),
            )
        return Path(builder.build("wheel", target))
    except (BuildException, BuildBackendException) as error:
        reason = " ".join(_reason(error).split())
        raise LayerctlError(f"the wheel can't be built: {reason}", hint="check pyproject.toml and src/") from None


def _reason(error: Exception) -> str:
    """The last line that the backend printed, if it ran at all: it names the error behind its traceback."""
    failed = getattr(error, "exception", None)
    if isinstance(failed, subprocess.CalledProcessError):
        lines = [line for line in (failed.output or "").splitlines() if line.strip()]
        return lines[-1] if lines else str(failed)
    return str(error)


def _run(cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None) -> None:
    """Run a hook of the backend in an environment that gives the same wheel to everyone."""
    fixed = {
        "SOURCE_DATE_EPOCH": _SOURCE_DATE_EPOCH,
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }
    environ = clean_environment(os.environ) | fixed | dict(extra_environ or {})
    subprocess.run(
        cmd,
        cwd=cwd,
        env=environ,
        umask=0o022,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
