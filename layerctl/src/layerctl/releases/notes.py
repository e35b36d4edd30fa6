"""A release's notes in Markdown, and the notes between two releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerctl.releases.index.model import how_soon

if TYPE_CHECKING:
    from collections.abc import Iterable

    from layerctl.releases.index.model import Release

__all__ = ["write_notes"]


def write_notes(release: Release, section: str, changes: Iterable[tuple[str, str, str, str]]) -> str:
    """Return the notes: the changelog's section, what changed, the identity, and the ARN of each region.

    Args:
        release: as the index has it.
        section: of the changelog; empty for none.
        changes: step, how, name and what, as `layerctl diff` tells them.
    """
    lines = [section, ""] if section else []
    rows = [f"| {step} | {how} | `{name}` | {what} |" for step, how, name, what in changes]
    if rows:
        lines += ["| needs | change | what | |", "|---|---|---|---|", *rows, ""]
    runtimes, architectures = ", ".join(release.runtimes), ", ".join(release.architectures)
    lines += [f"Content `{release.content_digest}`, for {runtimes} on {architectures}."]
    if release.yanked:
        severity = how_soon(release.yanked.severity)
        lines += ["", f"**Yanked** on {release.yanked.date[:10]}{severity}: {release.yanked.reason}"]
    lines += ["", "| region | layer version ARN |", "|---|---|"]
    lines += [f"| {region} | `{there.arn}` |" for region, there in sorted(release.regions.items())]
    return "\n".join(lines)
