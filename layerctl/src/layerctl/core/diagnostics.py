"""What a check found: one record per problem, and the forms in which people and machines read them.

`verify`, `check`, `pins check`, `index --check` and `permissions` all speak through this module: a checker
collects every problem before it fails.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from layerctl import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["FORMATS", "Finding", "Severity", "exit_code", "render"]

FORMATS = ("text", "json", "sarif", "github")


class Severity(StrEnum):
    """How bad it is. The names are SARIF's levels and GitHub's annotation kinds alike, but for `note`."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem.

    Attributes:
        rule: the stable id of the rule, in kebab-case (``layout-root``, ``pin-yanked``).
        path: the file it is about, relative to what was checked, with forward slashes.
        message: what is wrong, with the offending value.
        remedy: what to do about it.
        line: 1-based line in `path`, where there is one.
        column: 1-based column, where there is one.
    """

    rule: str
    path: str
    message: str
    remedy: str
    severity: Severity = Severity.ERROR
    line: int | None = None
    column: int | None = None

    @property
    def place(self) -> str:
        """``path:line:column``, as editors and terminals link it."""
        return ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)


def exit_code(findings: Iterable[Finding], *, strict: bool = False, complete: bool = True) -> int:
    """Return the exit code of every command that finds something.

    0: nothing, or warnings and notes only. 1: an error, with `strict` a warning too. 2: not everything could be looked
    at, so that nothing may rest on the result.
    """
    if not complete:
        return 2
    bad = (Severity.ERROR, Severity.WARNING) if strict else (Severity.ERROR,)
    return int(any(finding.severity in bad for finding in findings))


def render(findings: Sequence[Finding], form: str, *, tool: str, rules: dict[str, str] | None = None) -> str:
    """Write findings in one of `FORMATS`.

    Args:
        findings: what was found; an empty sequence gives an empty text, an empty JSON list, a valid SARIF log.
        form: ``text``, ``json``, ``sarif`` or ``github``.
        tool: the command's name, for SARIF.
        rules: every rule the tool knows, id to description, for SARIF's rule table.
    """
    match form:
        case "text":
            return _text(findings)
        case "json":
            return json.dumps([asdict(finding) for finding in findings], indent=2)
        case "sarif":
            return json.dumps(sarif_log(findings, tool=tool, rules=rules or {}), indent=2)
        case "github":
            return "\n".join(_github(finding) for finding in findings)
        case _:
            raise ValueError(f"unknown format {form!r}; one of {', '.join(FORMATS)}")


def _text(findings: Iterable[Finding]) -> str:
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{finding.place}: {finding.severity}: {finding.message} [{finding.rule}]")
        lines.append(f"    {finding.remedy}")
    return "\n".join(lines)


def _github(finding: Finding) -> str:
    """A workflow command (GitHub Actions documentation, "Setting an error message")."""
    kind = "notice" if finding.severity is Severity.NOTE else str(finding.severity)
    place = {"file": finding.path, "line": finding.line, "col": finding.column, "title": finding.rule}
    properties = ",".join(f"{key}={_escape(str(value), ':,')}" for key, value in place.items() if value is not None)
    return f"::{kind} {properties}::{_escape(f'{finding.message}. {finding.remedy}')}"


def _escape(text: str, more: str = "") -> str:
    for character in "%\r\n" + more:  # % first: the escapes contain it
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def sarif_log(findings: Iterable[Finding], *, tool: str, rules: dict[str, str]) -> dict[str, Any]:
    """Build a SARIF 2.1.0 log (OASIS), as code scanning takes it."""
    findings = list(findings)
    known = {finding.rule: finding.rule for finding in findings} | rules
    order = {rule: index for index, rule in enumerate(sorted(known))}
    results: list[dict[str, Any]] = []
    for finding in findings:
        location: dict[str, Any] = {"artifactLocation": {"uri": _uri(finding.path)}}
        if finding.line is not None:
            location["region"] = {"startLine": finding.line}
            if finding.column is not None:
                location["region"]["startColumn"] = finding.column
        results.append(
            {
                "ruleId": finding.rule,
                "ruleIndex": order[finding.rule],
                "level": str(finding.severity),
                "message": {"text": f"{finding.message}. {finding.remedy}"},
                "locations": [{"physicalLocation": location}],
            }
        )
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": f"layerctl {tool}",
                        "version": __version__,
                        "rules": [
                            {"id": rule, "shortDescription": {"text": text}} for rule, text in sorted(known.items())
                        ],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }


def _uri(path: str) -> str:
    """A path as a URI reference (RFC 3986); code scanning shows relative ones in the repository."""
    return ("file://" if path.startswith("/") else "") + quote(path, errors="surrogatepass")
