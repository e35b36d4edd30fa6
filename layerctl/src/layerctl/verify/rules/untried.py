"""What could not be tried on this machine, which is said rather than passed over."""

from __future__ import annotations

from layerctl.core.diagnostics import Severity
from layerctl.rules import Rule

__all__ = ["NOT_TRIED"]

NOT_TRIED = Rule(
    id="not-tried",
    commands=("verify",),
    summary="Everything that was asked for could be tried on this machine.",
    looks_at="Which interpreters are found, and this machine's architecture.",
    example="Bytecode for python3.14 on a machine without Python 3.14; --import of a layer for arm64 on x86_64.",
    fix="Install the interpreter (`uv python install 3.14`), or run it on a machine of that architecture.",
    severity=Severity.NOTE,
)
