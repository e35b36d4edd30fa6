"""A rule and its documentation, in one place: the module that applies it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from layerctl.core.diagnostics import Finding, Severity

__all__ = ["Location", "Rule"]


class Location(Protocol):
    """Where something stands: a file, a 1-based line and a 1-based column."""

    @property
    def path(self) -> str:
        """The file."""

    @property
    def line(self) -> int | None:
        """The line."""

    @property
    def column(self) -> int | None:
        """The column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule.

    Attributes:
        id: stable, in kebab-case, unique over all commands.
        commands: which commands apply it, e.g. ``verify`` or ``pins check``.
        summary: what holds where there is no finding, or what a finding says, in one sentence.
        looks_at: what is read to judge it.
        example: something that it finds.
        fix: what to do about a finding.
        severity: how bad a finding usually is.
        since: the release of layerctl that brought it.
    """

    id: str
    commands: tuple[str, ...]
    summary: str
    looks_at: str
    example: str
    fix: str
    severity: Severity = Severity.ERROR
    since: str = "1.0.0"

    def finding(
        self,
        path: str,
        message: str,
        hint: str,
        severity: Severity | None = None,
        *,
        line: int | None = None,
        column: int | None = None,
    ) -> Finding:
        """Return a finding of this rule, of the usual severity unless another is given."""
        return Finding(self.id, path, message, hint, severity or self.severity, line, column)

    def at(self, place: Location, message: str, hint: str, severity: Severity | None = None) -> Finding:
        """Return a finding of this rule about a place in a file."""
        return self.finding(place.path, message, hint, severity, line=place.line, column=place.column)
