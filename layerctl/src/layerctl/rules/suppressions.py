"""Comments that keep a finding from being told: ``# layerctl: ignore[rule, rule] reason``.

A comment counts for its own line, and if it stands alone for the next line that is more than a comment. Files without
comments (JSON, archives) have `per-path-ignores` in pyproject.toml instead.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from layerctl.rules.shared import SUPPRESSION_INVALID, SUPPRESSION_UNUSED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from layerctl.core.diagnostics import Finding

__all__ = ["MARK", "Suppression", "apply_suppressions", "find_suppressions"]

MARK = "layerctl:"
_COMMENT = re.compile(
    r"(?P<alone>^\s*)?(?:#|//)[ \t]*layerctl:[ \t]*ignore\[(?P<rules>[^][\n]*)\][ \t]*(?P<reason>[^\n]*)"
)
_ONLY_COMMENT = re.compile(r"\s*(?:#|//|$)")


@dataclass(frozen=True, slots=True)
class Suppression:
    """One comment.

    Attributes:
        line: its own line, from 1.
        covers: the lines whose findings it keeps back.
        rules: ids or patterns.
        reason: why; empty where nothing is said.
    """

    path: str
    line: int
    covers: frozenset[int]
    rules: tuple[str, ...]
    reason: str


def find_suppressions(path: str, text: str) -> Iterator[Suppression]:
    """Find the comments of a file."""
    if MARK not in text:
        return
    lines = text.splitlines()
    following = _following(lines)
    for number, line in enumerate(lines, start=1):
        match = _COMMENT.search(line) if MARK in line else None
        if match is None:
            continue
        covers = {number}
        if match["alone"] is not None:
            covers.add(following[number] or number)
        rules = tuple(name.strip() for name in match["rules"].split(",") if name.strip())
        yield Suppression(path, number, frozenset(covers), rules, match["reason"].strip())


def _following(lines: list[str]) -> list[int]:
    """For each line, from 1, the next one below it that is no comment; 0 where there is none."""
    found = [0] * (len(lines) + 1)
    for number in range(len(lines) - 1, 0, -1):
        found[number] = found[number + 1] if _ONLY_COMMENT.match(lines[number]) else number + 1
    return found


def apply_suppressions(
    findings: Iterable[Finding],
    suppressions: Iterable[Suppression],
    *,
    applied: Collection[str],
    known: Callable[[], Collection[str]],
) -> tuple[list[Finding], int]:
    """Take out what comments keep back, and add what is wrong with the comments.

    Args:
        findings: what was found.
        suppressions: of all files that were looked at.
        applied: the rules that were applied: only one of these can be unused.
        known: every rule there is; asked only about names that are none of `applied`.

    Returns:
        the findings to tell, and how many were kept back.
    """
    findings = list(findings)
    kept: set[int] = set()
    told: list[Finding] = []
    for comment in suppressions:
        if not comment.rules or not comment.reason:
            what = "names no rule" if not comment.rules else "does not say why"
            hint = "write # layerctl: ignore[rule] reason"
            told.append(SUPPRESSION_INVALID.finding(comment.path, f"the comment {what}", hint, line=comment.line))
        for name in comment.rules:
            hits = {
                index
                for index, finding in enumerate(findings)
                if finding.path == comment.path and finding.line in comment.covers and fnmatchcase(finding.rule, name)
            }
            kept |= hits
            if not hits and any(fnmatchcase(rule, name) for rule in applied):
                message = f"{name} finds nothing here, or nothing any more"
                told.append(SUPPRESSION_UNUSED.finding(comment.path, message, "take it away", line=comment.line))
            elif not hits and not any(fnmatchcase(rule, name) for rule in known()):
                near = difflib.get_close_matches(name, known(), n=1)
                hint = f"did you mean {near[0]}?" if near else "`layerctl rule` lists them"
                told.append(
                    SUPPRESSION_INVALID.finding(comment.path, f"there is no rule {name!r}", hint, line=comment.line)
                )
    return [finding for index, finding in enumerate(findings) if index not in kept] + told, len(kept)
