"""What a search could not tell, as findings: versions that are decided elsewhere, and what was not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerctl.core.diagnostics import Finding, Severity
from layerctl.pins.rules import PIN_UNRESOLVED
from layerctl.rules.shared import TEMPLATE_INVALID, TEMPLATE_UNREAD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from layerctl.scan.model import FileReport

__all__ = ["in_order", "what_is_open"]


def what_is_open(report: FileReport) -> Iterator[Finding]:
    """Warnings for what may be a pin and was not checked; an error for a template that was named and is broken."""
    for reference in report.unresolved:
        message = f"the version of {reference.written} is decided elsewhere and was not checked"
        hint = "pin a version here, check it where it is decided, or ignore this line with a reason"
        yield PIN_UNRESOLVED.at(reference, message, hint)
    for part in report.unread:
        yield TEMPLATE_UNREAD.at(part, part.message, part.hint, Severity.WARNING)
    for problem in report.problems:
        severity = Severity.ERROR if problem.named else Severity.WARNING
        hint = problem.hint if problem.named else f"{problem.hint}, or leave it out with --exclude"
        yield TEMPLATE_INVALID.at(problem, problem.message, hint, severity)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once, by place."""
    return sorted(
        dict.fromkeys(findings),
        key=lambda finding: (finding.path, finding.line or 0, finding.column or 0, finding.rule),
    )
