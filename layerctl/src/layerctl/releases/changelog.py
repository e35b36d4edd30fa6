"""The section of a release in a CHANGELOG: Markdown, a heading of the second level for each release."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from layerctl.core.errors import LayerctlError
from layerctl.core.files.read import read_text

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["changelog_section", "read_section"]

_HEADING = re.compile(r"##\s+(.*)")
# `1.4.0 (2026-01-31)`, `[1.4.0] - 2026-01-31`, `v1.4.0`, `Version 1.4.0`
_VERSION = re.compile(r"(?:version\s+|release\s+)?\[?v?(?P<version>\d[^\s\])(,:]*)", re.IGNORECASE)


def read_section(path: Path, release: str) -> str:
    """Return what a CHANGELOG file says of a release, without its heading.

    Raises:
        LayerctlError: the file cannot be read, has no section of the release, or an empty one.
    """
    text = read_text(path, missing="name the changelog with --changelog")
    return changelog_section(text, release, str(path))


def changelog_section(text: str, release: str, source: str = "the changelog") -> str:
    """Return what the text of a changelog says of a release; see `read_section`."""
    sections = _sections(text)
    wanted = _parse(release)
    found = [body for heading, body in sections if wanted is not None and _heading_version(heading) == wanted]
    if not found:
        named = [str(version) for heading, _ in sections if (version := _heading_version(heading))]
        has = f"it has {', '.join(named[:5])}" if named else "it has no release at all"
        raise LayerctlError(f"{source} has no section of {release}", hint=f"add '## {release}'; {has}")
    body = "\n\n".join(section.strip("\n") for section in found).strip()
    if not body:
        raise LayerctlError(f"{source}: the section of {release} is empty", hint="say what the release changes")
    return body


def _sections(text: str) -> list[tuple[str, str]]:
    """Divide a text at its headings of the second level, those in code blocks left alone."""
    sections: list[tuple[str, list[str]]] = []
    fence = ""
    for line in text.splitlines():
        mark = re.match(r"\s{0,3}(`{3,}|~{3,})", line)
        if mark and (not fence or line.strip().startswith(fence)):
            fence = "" if fence else mark[1]
        heading = _HEADING.fullmatch(line) if not fence else None
        if heading:
            sections.append((heading[1].strip(), []))
        elif sections:
            sections[-1][1].append(line)
    return [(heading, "\n".join(lines)) for heading, lines in sections]


def _heading_version(heading: str) -> Version | None:
    match = _VERSION.match(heading)
    return _parse(match["version"]) if match else None


def _parse(text: str) -> Version | None:
    try:
        return Version(text)
    except (InvalidVersion, ValueError):
        return None
