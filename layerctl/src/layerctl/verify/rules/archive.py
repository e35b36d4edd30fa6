"""Rules about the archive: what can be read, and read safely."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerctl.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.artifact import ArtifactProblem
    from layerctl.core.diagnostics import Finding
    from layerctl.verify.case import ArtifactCase

__all__ = ["ARCHIVE_DAMAGED", "ARCHIVE_LIMITS", "check_entries", "problem_finding"]

ARCHIVE_DAMAGED = Rule(
    id="archive-damaged",
    commands=("verify",),
    summary="The archive and each file in it can be read, and the CRCs are right.",
    looks_at="The zip's directory, and the content of each file.",
    example="A download that broke off.",
    fix="Build or download it anew.",
)
ARCHIVE_PATH = Rule(
    id="archive-path",
    commands=("verify",),
    summary="No entry has an absolute name, or one that leaves the root.",
    looks_at="The names in the zip's directory.",
    example="`python/../../etc/passwd`",
    fix="Build the archive from names relative to its root.",
)
ARCHIVE_LINK = Rule(
    id="archive-link",
    commands=("verify",),
    summary="There are regular files and folders only: no links, no devices.",
    looks_at="The kind of each entry.",
    example="`python/lib.so`, a symbolic link to `lib.so.1`.",
    fix="Ship the file itself: Lambda unpacks a layer on top of others.",
)
ARCHIVE_DUPLICATE = Rule(
    id="archive-duplicate",
    commands=("verify",),
    summary="No two entries have the same name.",
    looks_at="The names in the zip's directory; readers differ in which of two they take.",
    example="`python/a.py` twice, with other content.",
    fix="Pack each file once.",
)
ARCHIVE_ENCRYPTED = Rule(
    id="archive-encrypted",
    commands=("verify",),
    summary="No entry is encrypted.",
    looks_at="The flags of each entry.",
    example="A zip with a password.",
    fix="Pack without a password.",
)
ARCHIVE_COMPRESSION = Rule(
    id="archive-compression",
    commands=("verify",),
    summary="Entries are stored or deflated, as Lambda reads them.",
    looks_at="The compression method of each entry.",
    example="A zip that was packed with LZMA.",
    fix="Pack with deflate.",
)
ARCHIVE_LIMITS = Rule(
    id="archive-limits",
    commands=("verify",),
    summary="The archive is no bomb: entries, sizes and ratios are those of a layer.",
    looks_at="The number of entries, their sizes, and what they unpack to.",
    example="A module of 300 MB.",
    fix="Do not unpack it; build it anew.",
)
_RULE_OF = {
    "path": ARCHIVE_PATH,
    "link": ARCHIVE_LINK,
    "special": ARCHIVE_LINK,
    "duplicate": ARCHIVE_DUPLICATE,
    "encrypted": ARCHIVE_ENCRYPTED,
    "compression": ARCHIVE_COMPRESSION,
    "size": ARCHIVE_LIMITS,
    "crc": ARCHIVE_DAMAGED,
}


def problem_finding(problem: ArtifactProblem, place: str) -> Finding:
    """Return a container's problem as a finding; `place` names the container where the problem names no file."""
    rule = _RULE_OF[problem.kind]
    return rule.finding(problem.path or place, problem.message, rule.fix[0].lower() + rule.fix[1:].rstrip("."))


def check_entries(case: ArtifactCase) -> Iterator[Finding]:
    """Entries that can't be read safely."""
    for problem in case.artifact.problems:
        yield problem_finding(problem, case.artifact.path.name)
