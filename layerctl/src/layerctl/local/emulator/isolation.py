"""What this machine lets us do for a function: layers at /opt, and code that cannot be written, as in Lambda."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["OPT", "Isolation", "isolation"]

OPT = Path("/opt")
_SCRIPT = Path(__file__).with_name("mounts.py")


@dataclass(frozen=True, slots=True)
class Isolation:
    """What was tried, and worked.

    Attributes:
        opt: whether layers can lie at /opt.
        code: whether code can be read-only.
        problem: what does not work and why, in one line, or None.
    """

    opt: bool
    code: bool
    problem: str | None = None

    def command(self, layers: Sequence[Path], code: Path | None) -> list[str]:
        """The beginning of a command line that runs the rest of it on these layers and with that code read-only."""
        folders = ":".join(map(str, layers)) if self.opt else ""
        protected = str(code) if code and self.code else ""
        return [sys.executable, "-I", "-S", str(_SCRIPT), folders, protected] if folders or protected else []

    def covers(self, layers: Sequence[Path]) -> bool:
        """Whether these layers can lie at /opt: what is below it already cannot be laid over it, nor can odd names."""
        return self.opt and not any(":" in str(layer) or layer.is_relative_to(OPT) for layer in layers)


@cache
def isolation() -> Isolation:
    """Try it, once."""
    both = _refusal(opt=True)
    if both is None:
        return Isolation(opt=True, code=True)
    if _refusal(opt=False) is None:
        return Isolation(
            opt=False, code=True, problem=f"layers do not lie at /opt, only on sys.path, PATH and the like: {both}"
        )
    what = "layers do not lie at /opt, only on sys.path, PATH and the like, and functions can write to their code"
    return Isolation(opt=False, code=False, problem=f"{what}: this machine allows no mount namespaces ({both})")


def _refusal(*, opt: bool) -> str | None:
    """Why it does not work; None where it does."""
    with tempfile.TemporaryDirectory(prefix="layerctl-try-") as folder:
        command = Isolation(opt=opt, code=True).command([Path(folder)], Path(folder))
        try:
            tried = subprocess.run(
                [*command, "/bin/sh", "-c", ":"], capture_output=True, text=True, timeout=20, check=False
            )
        except (OSError, subprocess.SubprocessError) as error:
            return str(error)
    return None if tried.returncode == 0 else " ".join(tried.stderr.split()) or f"exit code {tried.returncode}"
