"""What the index takes from the regions: a release, where it is, and nothing that contradicts what it says already."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from layerctl.core.errors import LayerctlError
from layerctl.releases.index.model import LayerIndex, Published, Release, Yank, is_release
from layerctl.releases.versions import get_version, list_versions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from layerctl.aws.clients import Aws
    from layerctl.core.arn import LayerVersionArn
    from layerctl.releases.versions import LayerVersion

__all__ = [
    "RegionalRelease",
    "describe",
    "find_release",
    "forget",
    "gone_for",
    "merge",
    "require_same_content",
    "scan_region",
    "unyank",
    "yank",
]

MAX_NOTES = 20_000  # characters, as the schema says


@dataclass(frozen=True, slots=True)
class RegionalRelease:
    """A release as one region has it."""

    release: str
    content_digest: str
    version: LayerVersion
    code_sha256: str
    size: int


def require_same_content(index: LayerIndex, release: str, content_digest: str) -> None:
    """Refuse a release whose name the index has for other content: what is released does not change.

    Raises:
        LayerctlError: as said, or `release` is no version that an index can hold.
    """
    if not is_release(release):
        raise LayerctlError(f"{release!r} can't be indexed", hint="expected e.g. 1.4.0 or 1.4.0rc1 (--release)")
    known = index.releases.get(release)
    if known is not None and known.content_digest != content_digest:
        raise LayerctlError(
            f"release {release} is {known.content_digest} in the index, and {content_digest} here",
            hint="a release never changes: raise the version and build again",
        )


def merge(index: LayerIndex, entries: Iterable[RegionalRelease]) -> LayerIndex:
    """Add what regions have to the index. The order of entries, and repeating them, make no difference.

    Of several versions with one content in a region the lowest number counts, as it does for publishers.

    Raises:
        LayerctlError: a release would have two contents.
    """
    for entry in sorted(entries, key=lambda entry: (entry.release, entry.version.arn)):
        require_same_content(index, entry.release, entry.content_digest)
        arn = entry.version.arn
        there = Published(arn, entry.code_sha256, entry.size, entry.version.date)
        known = index.releases.get(entry.release)
        if known is None:
            known = Release(
                version=entry.release,
                content_digest=entry.content_digest,
                date=entry.version.date,
                runtimes=tuple(sorted(entry.version.runtimes)),
                architectures=tuple(sorted(entry.version.architectures)),
            )
        lowest = min(there, known.regions.get(arn.region, there), key=lambda published: published.arn)
        regions = known.regions | {arn.region: lowest}
        dates = [published.date for published in regions.values()]
        index = index.with_release(replace(known, regions=regions, date=min([known.date, *dates])))
    return index


def forget(index: LayerIndex, gone: Iterable[LayerVersionArn], *, now: datetime | None = None) -> LayerIndex:
    """Note that versions were deleted. A release that is nowhere any more stays by name, content and their ARNs."""
    lost = set(gone)
    for release in index.releases.values():
        dead = {published.arn for published in release.regions.values()} & lost
        if dead:
            regions = {region: published for region, published in release.regions.items() if published.arn not in dead}
            deleted = release.deleted | dict.fromkeys(dead, _date(now))
            index = index.with_release(replace(release, regions=regions, deleted=deleted))
    return index


def _date(now: datetime | None) -> str:
    return (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")


def gone_for(aws: Aws, index: LayerIndex, entries: Iterable[RegionalRelease]) -> set[LayerVersionArn]:
    """Versions that the index has, and that must not keep an entry out: those that their region has not any more."""
    gone = set()
    for entry in entries:
        region = entry.version.arn.region
        release = index.releases.get(entry.release)
        held = release.regions.get(region) if release else None
        if held is not None and held.arn != entry.version.arn:
            client = aws.client("lambda", region)
            try:
                get_version(client, held.arn)
            except client.exceptions.ResourceNotFoundException:
                gone.add(held.arn)
    return gone


def find_release(index: LayerIndex, release: str) -> Release:
    """A release by its version.

    Raises:
        LayerctlError: the index has no such release; the message says which it has.
    """
    if release not in index.releases:
        have = ", ".join(index.releases) or "none"
        raise LayerctlError(f"the index has no release {release!r}", hint=f"it has: {have}")
    return index.releases[release]


def yank(
    index: LayerIndex, release: str, reason: str, *, severity: str = "", now: datetime | None = None
) -> LayerIndex:
    """Mark a release as withdrawn. It stays where it is, for those who use it; a second yank keeps the date.

    Raises:
        LayerctlError: the index has no such release.
    """
    known = find_release(index, release)
    date = known.yanked.date if known.yanked else _date(now)
    return index.with_release(replace(known, yanked=Yank(" ".join(reason.split()), date, severity)))


def describe(index: LayerIndex, release: str, notes: str) -> LayerIndex:
    """Keep what a release changes.

    Raises:
        LayerctlError: the index has no such release, or the notes are too long for it.
    """
    if len(notes) > MAX_NOTES:
        raise LayerctlError(f"the notes have {len(notes):,} characters", hint=f"the index takes {MAX_NOTES:,}")
    return index.with_release(replace(find_release(index, release), notes=notes))


def unyank(index: LayerIndex, release: str) -> LayerIndex:
    """Take a yank back.

    Raises:
        LayerctlError: the index has no such release, or it is not yanked.
    """
    known = find_release(index, release)
    if known.yanked is None:
        raise LayerctlError(f"{release} is not yanked", hint="`layerctl index notes` shows a release")
    return index.with_release(replace(known, yanked=None))


def scan_region(client: Any, index: LayerIndex, region: str) -> tuple[list[RegionalRelease], list[LayerVersionArn]]:
    """Compare a region with the index: releases that the index does not have there, and ARNs that are gone.

    Releases are the versions that `layerctl publish` described. One that the index has is not asked for again
    (versions are immutable); of several with the same content the lowest number counts, as it does when publishing.

    Raises:
        LayerctlError: a release has two contents in the region, and the index does not say which is meant.
    """
    found: dict[str, LayerVersion] = {}
    listed: set[LayerVersionArn] = set()
    for version in list_versions(client, index.layer):  # newest first, so the lowest number stays
        listed.add(version.arn)
        if not version.release or not is_release(version.release) or not version.content_digest:
            continue
        known, held = index.releases.get(version.release), found.get(version.release)
        if known is not None and known.content_digest != version.content_digest:
            continue  # a name used twice; the index knows which content is meant, and `check` reports the other
        if held is not None and held.content_digest != version.content_digest:
            raise LayerctlError(
                f"release {version.release} has two contents: versions {version.number} and {held.number} in {region}",
                hint="delete the one that was not meant (`aws lambda delete-layer-version`)",
            )
        found[version.release] = version
    entries = []
    for name, version in found.items():
        if index.find(version.arn) is None:
            _, stored = get_version(client, version.arn)
            entries.append(RegionalRelease(name, str(version.content_digest), version, stored.code_sha256, stored.size))
    held_there = [release.regions[region].arn for release in index.releases.values() if region in release.regions]
    return entries, [arn for arn in held_there if arn not in listed]
