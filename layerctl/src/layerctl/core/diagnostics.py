"""What a check found: one record per finding, and the one policy of exit codes.

A checker collects every finding before it fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Finding", "Severity", "exit_code"]


class Severity(StrEnum):
    """How bad it is. The names are SARIF's levels and GitHub's annotation kinds alike, but for `note`."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule found.

    Attributes:
        rule: the stable id of the rule, in kebab-case (``layout-root``, ``pin-yanked``).
        path: the file it is about, with forward slashes; within `artifact`, if there is one.
        message: what is wrong, with the offending value.
        hint: what to do about it.
        line: 1-based line in `path`, where there is one.
        column: 1-based column, where there is one.
        artifact: the archive or folder that holds `path`, as it was named.
    """

    rule: str
    path: str
    message: str
    hint: str
    severity: Severity = Severity.ERROR
    line: int | None = None
    column: int | None = None
    artifact: str | None = None

    @property
    def place(self) -> str:
        """``path:line:column``, as editors and terminals link it; an artifact's name comes first."""
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)
        return place if self.artifact in (None, self.path) else f"{self.artifact}: {place}"


def exit_code(findings: Iterable[Finding], *, strict: bool = False, complete: bool = True) -> int:
    """Return the exit code of every command that finds something.

    0: nothing, or warnings and notes only. 1: an error, with `strict` a warning too. 2: not everything could be looked
    at, so that nothing may rest on the result.
    """
    if not complete:
        return 2
    bad = (Severity.ERROR, Severity.WARNING) if strict else (Severity.ERROR,)
    return int(any(finding.severity in bad for finding in findings))
