"""How commands that find something report it: the options they share, one form of output, one policy of exit codes."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from layerctl.cli.output import note
from layerctl.core.diagnostics import FORMATS, Severity, exit_code, render
from layerctl.core.text import count_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from layerctl.core.diagnostics import Finding

__all__ = ["Report", "findings_options"]

F = TypeVar("F", bound="Callable[..., Any]")


@dataclass(frozen=True, slots=True)
class Report:
    """How to report: what `findings_options` makes of a command line.

    Attributes:
        form: one of `FORMATS`.
        strict: a warning is as bad as an error.
    """

    form: str
    strict: bool

    @property
    def for_people(self) -> bool:
        """Whether tables and sums go with the findings."""
        return self.form == "text"

    def close(
        self, findings: Sequence[Finding], *, tool: str, rules: Mapping[str, str], looked_at: str, complete: bool = True
    ) -> int:
        """Write the findings and return the exit code.

        Args:
            findings: what was found.
            tool: the command's name.
            rules: every rule that was applied, id to description.
            looked_at: what was looked at, for the last line, e.g. ``3 pins``.
            complete: whether everything could be looked at; what could not has been named already.
        """
        text = render(findings, self.form, tool=tool, rules=dict(rules))
        if text:
            click.echo(text)
        if self.for_people:
            counts = [sum(one.severity is severity for one in findings) for severity in Severity]
            told = ", ".join(
                count_text(number, str(severity)) for number, severity in zip(counts, Severity, strict=True) if number
            )
            note(f"{looked_at}: {told or 'nothing found'}{'' if complete else ', but not everything could be checked'}")
        return exit_code(findings, strict=self.strict, complete=complete)


def findings_options(command: F) -> F:
    """Add the options of a command that finds something; the function gets them as `report`."""

    @functools.wraps(command)
    def with_report(*args: Any, form: str, as_json: bool, strict: bool, **rest: Any) -> Any:
        return command(*args, report=Report("json" if as_json else form, strict), **rest)

    wrapped: Any = with_report
    for option in (
        click.option("--strict", is_flag=True, help="Exit with 1 for warnings too."),
        click.option("--json", "as_json", is_flag=True, help="The same as --format json."),
        click.option(
            "--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="How to write it."
        ),
    ):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[no-any-return]
