"""``audit.toml``: which severity fails, and what a repository accepts for a time, with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from layerctl.audit.severity import Rating
from layerctl.core.errors import LayerctlError
from layerctl.core.files.read import parse_toml, read_text
from layerctl.core.toml_lines import TomlLines
from layerctl.core.toml_schema import find_mistakes

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

__all__ = ["AuditPolicy", "Exemption", "load_policy"]

_RATINGS = [str(rating) for rating in Rating if rating not in (Rating.NONE, Rating.UNKNOWN)]
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "fail-on": {"enum": _RATINGS},
        "exception": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["id", "reason", "expires"],
                "properties": {
                    "id": {"type": "string", "minLength": 1},
                    "package": {"type": "string", "minLength": 1},
                    "reason": {"type": "string", "pattern": r"\S", "description": "why it is accepted"},
                    "expires": {},
                },
            },
        },
    },
}

_HINT = "an exception has id, reason, expires, and perhaps package; fail-on is one of " + ", ".join(_RATINGS)


@dataclass(frozen=True, slots=True)
class Exemption:
    """A vulnerability that is accepted.

    Attributes:
        id: any of its ids: CVE, GHSA, PYSEC.
        package: for this package only; None: for each.
        expires: the last day on which it is accepted.
        line: where the file says so.
    """

    id: str
    package: str | None
    reason: str
    expires: date
    line: int

    def covers(self, ids: Collection[str], package: str) -> bool:
        """Whether it is about a vulnerability of a package."""
        return self.id in ids and self.package in (None, package)


@dataclass(frozen=True, slots=True)
class AuditPolicy:
    """The content of an ``audit.toml``; `path` is where it stands, for findings."""

    path: str = "audit.toml"
    fail_on: Rating = Rating.LOW
    exemptions: tuple[Exemption, ...] = field(default_factory=tuple)


def load_policy(path: Path) -> AuditPolicy:
    """Read an ``audit.toml``.

    Raises:
        LayerctlError: it is missing, no TOML, or not as it must be: every mistake with its line.
    """
    text = read_text(path, missing="leave out --exceptions, or write the file")
    data = parse_toml(text, path)
    found = find_mistakes(data, _SCHEMA)
    entries = data.get("exception", ()) if not found else ()
    for number, entry in enumerate(entries):
        if not isinstance(entry["expires"], date) or isinstance(entry["expires"], datetime):
            found.append((("exception", number, "expires"), "expires is no date; write e.g. 2027-01-31"))
    lines = TomlLines(text)
    if found:
        mistakes = sorted((lines.of(keys), said) for keys, said in found)
        raise LayerctlError("\n".join(f"{path}:{line}: {said}" for line, said in mistakes), hint=_HINT)
    return AuditPolicy(
        str(path),
        Rating[data.get("fail-on", "low").upper()],
        tuple(
            Exemption(
                entry["id"],
                canonicalize_name(entry["package"]) if "package" in entry else None,
                " ".join(entry["reason"].split()),
                entry["expires"],
                lines.of(("exception", number)),
            )
            for number, entry in enumerate(entries)
        ),
    )
