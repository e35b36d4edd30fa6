"""One OSV record, and whether it affects a version (https://ossf.github.io/osv-schema/, "Evaluation")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name
from packaging.version import Version

from layerctl.audit.severity import Rating, rate

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Affected", "RangeEvent", "Record", "UnreadableRangeError", "affected_by", "parse_record"]

_KINDS = ("introduced", "fixed", "last_affected", "limit")


class UnreadableRangeError(ValueError):
    """A version or a range that PEP 440 does not know, so that nobody can say whether one lies in the other."""


@dataclass(frozen=True, slots=True)
class RangeEvent:
    """A point of a range: ``introduced``, ``fixed``, ``last_affected`` or ``limit``, and its version as written."""

    kind: str
    version: str


@dataclass(frozen=True, slots=True)
class Affected:
    """What a record says of one PyPI package.

    Attributes:
        name: canonical.
        versions: those that are listed, as written.
        ranges: each a list of events.
        rating: how bad it is for this package.
    """

    name: str
    versions: tuple[str, ...]
    ranges: tuple[tuple[RangeEvent, ...], ...]
    rating: Rating

    @property
    def fixed(self) -> list[str]:
        """The versions that mend it, lowest first."""
        found = {event.version for events in self.ranges for event in events if event.kind == "fixed"}
        return sorted(found, key=_sort_key)


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its id, the other ids of the same vulnerability, and the PyPI packages that it affects."""

    id: str
    aliases: frozenset[str]
    summary: str
    modified: str
    withdrawn: str | None
    affected: tuple[Affected, ...]

    @property
    def ids(self) -> frozenset[str]:
        """All names of the vulnerability that the record knows."""
        return self.aliases | {self.id}


def parse_record(data: object) -> Record:
    """Read a record.

    Raises:
        ValueError: it is no OSV record; the message says why.
    """
    if not isinstance(data, dict) or not isinstance(data.get("id"), str) or not isinstance(data.get("modified"), str):
        raise ValueError("it is no OSV record: it lacks id or modified")
    try:
        return Record(
            id=data["id"],
            aliases=frozenset(str(alias) for alias in data.get("aliases") or ()),
            summary=" ".join(str(data.get("summary") or data.get("details") or "").split())[:200],
            modified=data["modified"],
            withdrawn=data.get("withdrawn") or None,
            affected=tuple(_affected(data)),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{data['id']} is not as OSV's schema says: {error}") from None


def _affected(data: dict[str, Any]) -> Iterator[Affected]:
    for affected in data.get("affected") or ():
        package = affected.get("package") or {}
        if str(package.get("ecosystem", "")).partition(":")[0] != "PyPI":
            continue
        words = [
            (place.get("database_specific") or {}).get("severity")
            for place in (affected, affected.get("package") or {}, data)
            if isinstance(place.get("database_specific") or {}, dict)
        ]
        yield Affected(
            name=canonicalize_name(package["name"]),
            versions=tuple(str(version) for version in affected.get("versions") or ()),
            ranges=tuple(
                _events(found["events"]) for found in affected.get("ranges") or () if found.get("type") != "GIT"
            ),
            rating=rate(
                [*(affected.get("severity") or ()), *(data.get("severity") or ())], next(filter(None, words), None)
            ),
        )


def _events(events: list[dict[str, str]]) -> tuple[RangeEvent, ...]:
    return tuple(RangeEvent(kind, str(event[kind])) for event in events for kind in _KINDS if kind in event)


def affected_by(affected: Affected, version: str) -> bool:
    """Whether a version is affected: it is listed, or lies in a range.

    Versions are compared as PEP 440 does, without the local part: ``1.0+ours`` is a build of 1.0.

    Raises:
        UnreadableRangeError: it is not listed, and a range or the version itself cannot be read.
    """
    if version in affected.versions:
        return True
    if not affected.versions and not affected.ranges:  # the schema: a record without either affects every version
        return True
    mine = _parse(version)
    if any(_public(listed) == mine for listed in affected.versions):
        return True
    return any(_within(events, mine) for events in affected.ranges)


def _within(events: tuple[RangeEvent, ...], mine: Version) -> bool:
    """Walk the events by version. With limits, versions from the last of them on are outside of the range."""
    limits = [_parse(event.version) for event in events if event.kind == "limit" and event.version != "*"]
    if limits and mine >= max(limits):
        return False
    inside = False
    for event in sorted((event for event in events if event.kind != "limit"), key=_order):
        if event.version == "0":  # the beginning: before any version, pre-releases included
            inside = inside or event.kind == "introduced"
        elif event.kind == "introduced":
            inside = inside or mine >= _parse(event.version)
        elif event.kind == "fixed":
            inside = inside and mine < _parse(event.version)
        else:
            inside = inside and mine <= _parse(event.version)
    return inside


def _order(event: RangeEvent) -> tuple[bool, Version, bool]:
    """Return the place of an event. At one version an introduction counts after a fix."""
    start = event.version == "0"
    return not start, Version("0") if start else _parse(event.version), event.kind == "introduced"


def _parse(text: str) -> Version:
    """Return a version without its local part.

    Raises:
        UnreadableRangeError: PEP 440 does not know it.
    """
    try:
        return Version(Version(text).public)
    except ValueError:  # InvalidVersion, or a number of thousands of digits
        raise UnreadableRangeError(f"{text[:40]!r} is no version that PEP 440 knows") from None


def _public(text: str) -> Version | None:
    try:
        return _parse(text)
    except UnreadableRangeError:
        return None


def _sort_key(text: str) -> tuple[Version, str]:
    return _public(text) or Version("0"), text
