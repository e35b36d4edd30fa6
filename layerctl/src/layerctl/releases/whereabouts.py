"""What is where: each release in each region, as the index says it, as the regions say it, or both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from layerctl.releases.index.model import is_release, version_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from layerctl.core.arn import LayerVersionArn
    from layerctl.releases.index.model import LayerIndex, Release
    from layerctl.releases.versions import LayerVersion

__all__ = ["Whereabouts", "missing_regions", "whereabouts"]


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """A release in a region.

    Attributes:
        release: its name; empty for a version that names none, as another tool's does.
        region: where.
        arn: the layer version; None where the release is missing.
        state: ``there``, ``yanked``, ``deleted`` (the index says so), ``gone`` (the index has it, the region has not),
            ``missing``, or ``not looked at``, which may be any of them.
        digest: of its content, ``sha256:<hex>``; empty where nothing says it.
        remark: what else there is to say; empty for nothing.
    """

    release: str
    region: str
    arn: LayerVersionArn | None
    state: str
    digest: str = ""
    remark: str = ""


def whereabouts(
    index: LayerIndex | None, listed: Mapping[str, Sequence[LayerVersion]], regions: Sequence[str], *, offline: bool
) -> list[Whereabouts]:
    """Every release in every region, newest release first; versions that name no release after them.

    Args:
        index: what is known of the releases; None where there is none.
        listed: the versions of each region that was read.
        regions: where releases should be.
        offline: no region was meant to be read, so that the index alone counts.
    """
    rows: list[Whereabouts] = []
    known = index.releases if index else {}
    names = {*known, *(version.release for found in listed.values() for version in found if _named(version))}
    for name in sorted((name for name in names if name), key=version_key, reverse=True):
        release = known.get(name)
        for region in dict.fromkeys([*regions, *(release.regions if release else ())]):
            read = None if offline else listed.get(region)
            rows += _of_release(name, release, region, read, offline=offline, indexed=index is not None)
    for region, found in listed.items():
        rows += [
            Whereabouts("", region, version.arn, "there", version.content_digest or "", "names no release")
            for version in found
            if not _named(version) and not (index and index.find(version.arn))
        ]
    return rows


def _named(version: LayerVersion) -> bool:
    return bool(version.release and is_release(version.release))


def _of_release(
    name: str,
    release: Release | None,
    region: str,
    read: Sequence[LayerVersion] | None,
    *,
    offline: bool,
    indexed: bool,
) -> Iterator[Whereabouts]:
    """What there is of one release in one region. `read` is None where the region was not read."""
    held = release.regions.get(region) if release else None
    state = "yanked" if release and release.yanked else "there"
    why = release.yanked.reason if release and release.yanked else ""
    digest = release.content_digest if release else ""
    dead = [Whereabouts(name, region, arn, "deleted", digest, date) for arn, date in _deleted(release, region)]
    there = {version.arn: version for version in read or ()}
    others = [
        version
        for version in there.values()
        if _named(version) and version.release == name and not (held and version.arn == held.arn)
    ]
    if held is not None:
        if read is None and not offline:
            yield Whereabouts(name, region, held.arn, "not looked at", digest, "the index has it")
        elif read is not None and held.arn not in there:
            yield Whereabouts(name, region, held.arn, "gone", digest, "the index has it, the region has not")
        else:
            yield Whereabouts(name, region, held.arn, state, digest, why)
    for version in others:
        reused = bool(digest) and version.content_digest != digest
        remark = "other content than the index has" if reused else "duplicate" if held else "not in the index"
        remark = remark if indexed or held else ""
        yield Whereabouts(
            name, region, version.arn, "there" if reused else state, version.content_digest or "", remark or why
        )
    yield from dead
    if held is None and not others and not dead:
        unread = read is None and not offline
        yield Whereabouts(name, region, None, "not looked at" if unread else "missing", digest)


def _deleted(release: Release | None, region: str) -> list[tuple[LayerVersionArn, str]]:
    return [(arn, date) for arn, date in sorted(release.deleted.items()) if arn.region == region] if release else []


def missing_regions(rows: Sequence[Whereabouts], index: LayerIndex | None) -> dict[str, list[str]]:
    """The regions that each release misses: it was never there, or is gone.

    A version that was deleted is not missed, and a yanked release nowhere.
    """
    yanked = {name for name, release in index.releases.items() if release.yanked} if index else set()
    missed: dict[str, list[str]] = {}
    for row in rows:
        if row.state in ("missing", "gone") and row.release not in yanked:
            missed.setdefault(row.release, []).append(row.region)
    return missed
