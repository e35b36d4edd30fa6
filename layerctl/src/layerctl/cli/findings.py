"""How commands that find something report it: the options they share, one form of output, one policy of exit codes."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from layerctl.cli.output import detail, note
from layerctl.cli.rules import all_rules
from layerctl.core.diagnostics import Severity, exit_code
from layerctl.core.errors import LayerctlError
from layerctl.core.files.find import repository_root
from layerctl.core.text import count_text
from layerctl.rules.render import FORMATS, render
from layerctl.rules.selection import Selection
from layerctl.rules.suppressions import apply_suppressions, find_suppressions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from layerctl.core.diagnostics import Finding
    from layerctl.rules import Rule

__all__ = ["Report", "findings_options"]

F = TypeVar("F", bound="Callable[..., Any]")


@dataclass(frozen=True, slots=True)
class Report:
    """How to report: what `findings_options` makes of a command line.

    Attributes:
        form: one of `FORMATS`.
        selection: which rules to tell.
    """

    form: str
    selection: Selection

    @property
    def for_people(self) -> bool:
        """Whether tables and sums go with the findings."""
        return self.form == "text"

    def wanted(
        self, findings: Iterable[Finding], *, rules: Mapping[str, Rule], files: Iterable[str] = ()
    ) -> list[Finding]:
        """Take out what options, pyproject.toml and comments keep back, and say how much that was.

        Args:
            findings: what was found.
            rules: every rule that was applied.
            files: those that were looked at: their comments count.

        Raises:
            LayerctlError: a rule is named that does not exist.
        """
        if unknown := [name for name in self.selection.unknown(rules) if name in self.selection.unknown(all_rules())]:
            raise LayerctlError(f"there is no rule {unknown[0]!r}", hint="`layerctl rule` lists them")
        findings = list(findings)
        comments = [comment for path in dict.fromkeys(files) for comment in find_suppressions(path, _text(path))]
        told, suppressed = apply_suppressions(findings, comments, applied=rules, known=lambda: all_rules().keys())
        wanted = [finding for finding in told if self.selection.wants(finding)]
        if suppressed:
            note(f"{count_text(suppressed, 'finding')} kept back by comments")
        if len(wanted) < len(told):
            detail(f"{count_text(len(told) - len(wanted), 'finding')} not selected or ignored")
        return wanted

    def close(
        self,
        findings: Iterable[Finding],
        *,
        tool: str,
        rules: Mapping[str, Rule],
        looked_at: str,
        files: Iterable[str] = (),
        complete: bool = True,
    ) -> int:
        """Write the findings that are wanted and return the exit code.

        Args:
            findings: what was found.
            tool: the command's name.
            rules: every rule that was applied.
            looked_at: what was looked at, for the last line, e.g. ``3 pins``.
            files: those that were looked at: their comments count.
            complete: whether everything could be looked at; what could not has been named already.
        """
        wanted = self.wanted(findings, rules=rules, files=files)
        text = render(wanted, self.form, tool=tool, rules=rules, root=repository_root())
        if text:
            click.echo(text)
        if self.for_people:
            note(f"{looked_at}: {_counts(wanted)}{'' if complete else ', but not everything could be checked'}")
        return self.exit_code(wanted, complete=complete)

    def exit_code(self, findings: Iterable[Finding], *, complete: bool = True) -> int:
        """Return the exit code for what is told."""
        return exit_code(findings, strict=self.selection.strict, complete=complete)


def findings_options(command: F) -> F:
    """Add the options of a command that finds something; the function gets them as `report`."""

    @functools.wraps(command)
    def with_report(
        *args: Any, form: str, as_json: bool, strict: bool, select: Sequence[str], ignore: Sequence[str], **rest: Any
    ) -> Any:
        selection = Selection.load().narrowed(_split(select), _split(ignore), strict=strict)
        return command(*args, report=Report("json" if as_json else form, selection), **rest)

    wrapped: Any = with_report
    for option in (
        click.option("--strict", is_flag=True, help="Exit with 1 for warnings too."),
        click.option(
            "--ignore", multiple=True, metavar="RULES", help="Rules not to tell, besides those ignored there."
        ),
        click.option(
            "--select",
            multiple=True,
            metavar="RULES",
            help="The only rules to tell, with commas or repeated; bytecode-* works.  [default: [tool.layerctl] of "
            "pyproject.toml, else all]",
        ),
        click.option("--json", "as_json", is_flag=True, help="The same as --format json."),
        click.option(
            "--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="How to write it."
        ),
    ):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[no-any-return]


def _split(values: Sequence[str]) -> list[str]:
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


def _counts(findings: Sequence[Finding]) -> str:
    counts = {severity: sum(finding.severity is severity for finding in findings) for severity in Severity}
    return ", ".join(count_text(count, str(severity)) for severity, count in counts.items() if count) or "nothing found"


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", errors="replace")
    except OSError:
        return ""  # the command itself tells
