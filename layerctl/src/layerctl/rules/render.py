"""Findings in the forms that people and machines read."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from layerctl import __version__
from layerctl.core.diagnostics import Severity
from layerctl.core.text import some

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from layerctl.core.diagnostics import Finding
    from layerctl.rules.model import Rule

__all__ = ["FORMATS", "render"]

FORMATS = ("text", "json", "sarif", "github")
_TOGETHER = 4  # so many findings in one artifact that differ in their files only become one, for people


def render(
    findings: Sequence[Finding],
    form: str,
    *,
    tool: str,
    rules: Mapping[str, Rule] | None = None,
    root: Path | None = None,
) -> str:
    """Write findings in one of `FORMATS`.

    Args:
        findings: what was found; an empty sequence gives an empty text, an empty JSON list, a valid SARIF log.
        form: ``text``, ``json``, ``sarif`` or ``github``.
        tool: the command's name, for SARIF.
        rules: every rule that was applied, for SARIF's rule table.
        root: the repository's; SARIF and annotations name files relative to it. None: to the current folder.
    """
    match form:
        case "text":
            return _text(findings)
        case "json":
            return json.dumps([asdict(finding) for finding in findings], indent=2)
        case "sarif":
            return json.dumps(_sarif(findings, tool, rules or {}, root or Path.cwd()), indent=2)
        case "github":
            return "\n".join(_github(finding, root or Path.cwd()) for finding in findings)
        case _:
            raise ValueError(f"unknown format {form!r}; one of {', '.join(FORMATS)}")


def _text(findings: Iterable[Finding]) -> str:
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        same = (finding.artifact, finding.rule, finding.severity, finding.message, finding.hint)
        groups.setdefault(same, []).append(finding)
    lines: list[str] = []
    for group in groups.values():
        for part in [group] if len(group) >= _TOGETHER and group[0].artifact else [[member] for member in group]:
            first = part[0]
            place = (
                first.place
                if len(part) == 1
                else f"{first.artifact}: {some([_within(member) for member in part], limit=2)}"
            )
            lines.append(f"{place}: {first.severity}: {first.message} [{first.rule}]")
            lines.append(f"    {first.hint}")
    return "\n".join(lines)


def _within(finding: Finding) -> str:
    return f"{finding.path}:{finding.line}" if finding.line else finding.path


def _github(finding: Finding, root: Path) -> str:
    """A workflow command (GitHub Actions documentation, "Setting an error message")."""
    kind = "notice" if finding.severity is Severity.NOTE else str(finding.severity)
    file, inside = _located(finding, root)
    place = {"file": file, "line": finding.line, "col": finding.column, "title": finding.rule}
    if inside is not None:
        place |= {"line": None, "col": None}
    properties = ",".join(f"{key}={_escape(str(value), ':,')}" for key, value in place.items() if value is not None)
    return f"::{kind} {properties}::{_escape(_message(finding, inside))}"


def _escape(text: str, more: str = "") -> str:
    for character in "%\r\n" + more:  # % first: the escapes contain it
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _sarif(findings: Iterable[Finding], tool: str, rules: Mapping[str, Rule], root: Path) -> dict[str, Any]:
    """Build a SARIF 2.1.0 log (OASIS), as code scanning takes it."""
    findings = list(findings)
    ids = sorted({finding.rule for finding in findings} | set(rules))
    driver = {
        "name": f"layerctl {tool}",
        "version": __version__,
        "rules": [_descriptor(name, rules.get(name)) for name in ids],
    }
    results = [_result(finding, ids.index(finding.rule), root) for finding in findings]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }


def _descriptor(name: str, rule: Rule | None) -> dict[str, Any]:
    if rule is None:
        return {"id": name, "shortDescription": {"text": name}}
    return {
        "id": name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": f"{rule.summary} Looks at: {rule.looks_at}"},
        "help": {"text": f"{rule.fix} Example: {rule.example}"},
        "defaultConfiguration": {"level": str(rule.severity)},
    }


def _result(finding: Finding, index: int, root: Path) -> dict[str, Any]:
    file, inside = _located(finding, root)
    location: dict[str, Any] = {}
    if file is None or inside is not None:
        location["logicalLocations"] = [{"fullyQualifiedName": inside or finding.path}]
    if file is not None:
        location["physicalLocation"] = {"artifactLocation": {"uri": _uri(file)}}
        if finding.line is not None and inside is None:
            region = {"startLine": finding.line}
            if finding.column is not None:
                region["startColumn"] = finding.column
            location["physicalLocation"]["region"] = region
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": str(finding.severity),
        "message": {"text": _message(finding, inside)},
        "locations": [location],
    }


def _message(finding: Finding, inside: str | None) -> str:
    place = f"{inside}{f':{finding.line}' if finding.line else ''}: " if inside is not None else ""
    return f"{place}{finding.message}. {finding.hint}"


def _located(finding: Finding, root: Path) -> tuple[str | None, str | None]:
    """Return the file that code scanning can show, relative to the root, and the path within it of an archive.

    An ARN is no file: then the first is None.
    """
    if finding.path.startswith("arn:"):
        return None, None
    if finding.artifact is None:
        return _relative(finding.path, root), None
    container = Path(finding.artifact)
    if container.is_dir():
        return _relative((container / finding.path).as_posix(), root), None
    return _relative(finding.artifact, root), finding.path if finding.path != container.name else None


def _relative(path: str, root: Path) -> str:
    absolute = Path(os.path.normpath(Path(path).absolute()))
    return absolute.relative_to(root).as_posix() if absolute.is_relative_to(root) else absolute.as_posix()


def _uri(path: str) -> str:
    """A path as a URI reference (RFC 3986)."""
    return ("file://" if path.startswith("/") else "") + quote(path, errors="surrogatepass")
