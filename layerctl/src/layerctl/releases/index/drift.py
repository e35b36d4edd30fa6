"""Where the index, its mirror and the regions disagree: each difference found and named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from layerctl.core.diagnostics import Finding, Severity
from layerctl.releases.index.mirror import read_mirror, withdrawn
from layerctl.releases.index.model import is_release, version_key
from layerctl.releases.versions import get_version, list_versions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from layerctl.releases.index.model import LayerIndex, Published, Release
    from layerctl.releases.versions import LayerVersion

__all__ = ["check_coverage", "check_mirror", "check_region"]


def check_region(client: Any, index: LayerIndex, region: str, file: str) -> list[Finding]:
    """Compare the index with one region: one list, and one request for each release (for its `CodeSha256` and size)."""
    listed = {version.arn: version for version in list_versions(client, index.layer)}
    findings: list[Finding] = []
    for release in index.releases.values():
        there = release.regions.get(region)
        if there is None:
            continue
        version = listed.get(there.arn)
        if version is None:
            findings.append(
                Finding(
                    "index-gone",
                    file,
                    f"{release.version}: {there.arn} does not exist in {region} any more",
                    "take it out with `layerctl index write --forget-deleted`",
                )
            )
        else:
            findings += _content(client, release, there, version, file)
    for version in listed.values():
        if version.release and is_release(version.release) and index.find(version.arn) is None:
            findings += _unlisted(index, version, file)
    return findings


def _unlisted(index: LayerIndex, version: LayerVersion, file: str) -> Iterator[Finding]:
    """What to say of a version that names a release and is not in the index."""
    release = index.releases.get(version.release or "")
    there = release.regions.get(version.arn.region) if release else None
    if release and release.content_digest != version.content_digest:
        yield Finding(
            "release-reused",
            file,
            f"{version.arn} calls itself {version.release}, which is other content in the index",
            "publish it under a version of its own, and delete this one",
        )
    elif there is None or there.arn.version > version.number:  # else: a duplicate of what the index has
        yield Finding(
            "index-missing",
            file,
            f"{version.release} is {version.arn}, and the index does not say so",
            "add it with `layerctl index write`",
        )


def _content(client: Any, release: Release, there: Published, version: LayerVersion, file: str) -> Iterator[Finding]:
    _, stored = get_version(client, there.arn)
    pairs = [
        ("CodeSha256", there.code_sha256, stored.code_sha256),
        ("size", there.size, stored.size),
        ("date", there.date, version.date),
        ("runtimes", sorted(release.runtimes), sorted(version.runtimes)),
        ("architectures", sorted(release.architectures), sorted(version.architectures)),
    ]
    if version.content_digest is not None:
        pairs.append(("content digest", release.content_digest, version.content_digest))
    for what, ours, theirs in pairs:
        if ours != theirs:
            yield Finding(
                "index-content",
                file,
                f"{release.version}: {what} of {there.arn} is {_text(ours)} here, {_text(theirs)} in the region",
                "the region is right: restore the file, or delete the entry and run `layerctl index write`",
            )


def _text(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def check_mirror(client: Any, index: LayerIndex, region: str, stage: str, file: str) -> list[Finding]:
    """Compare the index with its mirror in one region."""
    mirror = read_mirror(client, index.layer, stage)
    write, mend = (f"{verb} it with `layerctl index mirror --stage {stage}`" for verb in ("write", "mend"))
    findings: list[Finding] = []

    def find(rule: str, message: str, hint: str, severity: Severity = Severity.ERROR) -> None:
        findings.append(Finding(rule, file, message, hint, severity))

    for release in index.releases.values():
        name, there = mirror.version_name(release.version), release.regions.get(region)
        held = mirror.versions.pop(release.version, None)
        reason = mirror.yanked.pop(release.version, None)
        wanted = release.yanked.reason if release.yanked and there else None
        if held is None and there:
            find("ssm-missing", f"{name} is missing in {region}", write, Severity.WARNING)
        elif held in {str(arn) for arn in release.deleted}:
            find("ssm-stale", f"{name} in {region} is {held}, which was deleted", mend)
        elif held is not None and there is None:
            find(
                "ssm-unknown", f"{name} in {region} is {held}, and the index does not have that release there", _UNKNOWN
            )
        elif there and held != str(there.arn):
            hint = "find out which is right; delete a wrong parameter, then `layerctl index mirror`"
            find("ssm-differs", f"{name} in {region} is {held}, the index has {there.arn}", hint)
        if reason != wanted:
            said = f"{mirror.yanked_name(release.version)} in {region} is {reason or 'missing'}"
            find(
                "ssm-yank",
                f"{said}, the index says {wanted or 'that it is not yanked'}",
                mend,
            )
    if (why := withdrawn(mirror, index, region)) and index.newest(region):
        find(
            "ssm-yank",
            f"{mirror.folder}latest in {region} is {mirror.latest}, which was {why}",
            mend,
        )
    for release_name, value in sorted(mirror.versions.items()):
        name = mirror.version_name(release_name)
        find("ssm-unknown", f"{name} in {region} is {value}, and the index does not have that release there", _UNKNOWN)
    return findings


_UNKNOWN = "add it with `layerctl index write`, or delete the parameter"


def check_coverage(index: LayerIndex, regions: Sequence[str], file: str) -> list[Finding]:
    """Name the regions of layer.toml that a release misses: of the newest one as an error, of older ones as a warning.

    A region in which the release was deleted is not missed, and a yanked release is not wanted anywhere.
    """
    findings = []
    live = [release for release in index.releases.values() if release.regions and not release.yanked]
    newest = max(live, key=lambda release: version_key(release.version), default=None)
    for release in live:
        known = {*release.regions, *(arn.region for arn in release.deleted)}
        if missed := [region for region in regions if region not in known]:
            findings.append(
                Finding(
                    "index-region",
                    file,
                    f"{release.version} is not in {', '.join(missed)}, where layer.toml publishes",
                    "publish it there with `layerctl publish`; then `layerctl index write`",
                    Severity.ERROR if release is newest else Severity.WARNING,
                )
            )
    return findings
