"""Publishing in one region: find, publish, share, verify. Every step is skipped when it is done already."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from layerctl.core.errors import LayerctlError
from layerctl.releases.policies.grants import apply, missing, plan_changes, read_grants, too_wide
from layerctl.releases.publish.latest import latest_name, move_latest
from layerctl.releases.publish.once import Once, publish_once
from layerctl.releases.publish.present import present_version
from layerctl.releases.publish.s3 import put_zip
from layerctl.releases.versions import DigestCache, LayerVersion, StoredContent, get_version, list_versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from layerctl.aws.clients import Aws
    from layerctl.releases.policies.audience import Audience
    from layerctl.releases.publish.payload import Payload

__all__ = ["RegionOutcome", "RegionPublisher"]

# What a direct upload keeps in memory: the zip, its base64, the JSON around it and the request's copy of that.
_COPIES = 4
_MEMORY = 256 * 2**20


@dataclass(frozen=True, slots=True)
class RegionOutcome:
    """A region that has the content, or would have.

    Attributes:
        status: ``published``, ``present``, or in a dry run ``would publish``.
        version: what the region lists; None in a dry run that would publish.
        code_sha256, size: what Lambda stores; empty and 0 in such a dry run.
        notes: what people should know.
        problems: what verification found; empty when all is as it should be.
    """

    status: str
    version: LayerVersion | None
    code_sha256: str = ""
    size: int = 0
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass
class RegionPublisher:
    """Publishes one payload, region by region; may be called from many threads.

    Attributes:
        bucket: name of the S3 bucket for large zips, with ``{region}`` in it.
        audiences: who may use the new version.
        stage: whose ``/NAME/STAGE/latest`` names the version afterwards; None leaves that alone.
    """

    aws: Aws
    payload: Payload
    audiences: frozenset[Audience]
    bucket: str | None = None
    prefix: str = "layers"
    dry_run: bool = False
    stage: str | None = None
    digests: DigestCache = field(default_factory=DigestCache)

    def __post_init__(self) -> None:
        if not self.payload.fits_request and not self.bucket:
            raise LayerctlError(
                f"{self.payload.path} has {self.payload.size:,} bytes, more than Lambda takes directly (50 MB)",
                hint="name a bucket in each region with --s3-bucket 'artifacts-{region}'",
            )
        self.digests.put(self.payload.code_sha256, self.payload.content_digest)
        together = max(1, _MEMORY // (_COPIES * max(self.payload.size, 1)))
        self._memory = threading.BoundedSemaphore(together)

    def __call__(self, region: str) -> RegionOutcome:
        """Publish in a region.

        Raises:
            LayerctlError, botocore's errors: the region does not have the content, or it could not be verified.
        """
        client = self.aws.client("lambda", region)
        versions = list(list_versions(client, self.payload.layer))
        present = present_version(client, versions, self.payload.content_digest, self.digests)
        notes = self._notes(versions, present)
        status = "present"
        if present is None:
            if self.dry_run:
                notes += [f"would grant {audience}" for audience in sorted(self.audiences)]
                return RegionOutcome("would publish", None, notes=tuple(notes))
            once = self._publish(client, region)
            status = "published" if once.published else "present"
            notes += once.notes
            arn = once.arn
            grants = [] if once.published else read_grants(client, arn)
        else:
            arn, grants = present.arn, read_grants(client, present.arn)
        changes = plan_changes(arn, grants, add=missing(grants, self.audiences, owner=arn.account))
        if self.dry_run:
            notes += [f"would {change}" for change in changes]
        else:
            apply(client, changes)
            notes += [str(change) for change in changes]
            grants = read_grants(client, arn) if changes else grants
        version, stored = get_version(client, arn)
        notes += [f"{audience} may use it too" for audience in too_wide(grants, self.audiences, owner=arn.account)]
        lacking = () if self.dry_run else missing(grants, self.audiences, owner=arn.account)
        problems = [*self._differences(version, stored), *(f"it is not shared with {audience}" for audience in lacking)]
        if self.stage and not problems:
            name = latest_name(self.payload.layer, self.stage)
            ssm = self.aws.client("ssm", region)
            moved = move_latest(ssm, name, version, self.payload.release, versions, dry_run=self.dry_run)
            notes += [moved] if moved else []
        return RegionOutcome(status, version, stored.code_sha256, stored.size, tuple(notes), tuple(problems))

    def _notes(self, versions: Iterable[LayerVersion], present: LayerVersion | None) -> list[str]:
        """What is odd about releases and contents here."""
        if present is None:
            numbers = [str(version.number) for version in versions if version.release == self.payload.release]
            other = f"{self.payload.release} is also the name of other content (version {', '.join(numbers)})"
            return [other] if numbers else []
        same = [
            version
            for version in versions
            if version.content_digest == self.payload.content_digest and version is not present
        ]
        notes = [f"version {version.number} has the same content" for version in same]
        if present.content_digest is None:
            notes.append("made by another tool; known by its content")
        elif present.release and present.release != self.payload.release:
            notes.append(f"published as {present.release}")
        return notes

    def _publish(self, client: Any, region: str) -> Once:
        single = self.aws.client("lambda", region, retry=False)
        if self.payload.fits_request:
            with self._memory:
                return publish_once(client, single, self.payload, {"ZipFile": self.payload.path.read_bytes()})
        assert self.bucket is not None
        account = self.aws.account([region])
        bucket = self.bucket.replace("{region}", region)
        key = put_zip(self.aws.client("s3", region), self.payload, bucket, self.prefix, owner=account)
        return publish_once(client, single, self.payload, {"S3Bucket": bucket, "S3Key": key})

    def _differences(self, version: LayerVersion, stored: StoredContent) -> Iterator[str]:
        """What of the version in the region is not as it should be. Versions are immutable, so it stays so."""
        digest = self.digests.digest(stored)  # a download only where the zip is not ours byte for byte
        if digest != self.payload.content_digest:
            yield f"its description names {self.payload.content_digest}, but its content is {digest}"
        elif stored.code_sha256 == self.payload.code_sha256 and stored.size != self.payload.size:
            yield f"its size is {stored.size}, not {self.payload.size}"
        for what, has, wanted in (
            ("runtimes", version.runtimes, self.payload.runtimes),
            ("architectures", version.architectures, self.payload.architectures),
        ):
            if set(has) != set(wanted):
                yield f"its {what} are {', '.join(has) or 'not given'}, not {', '.join(wanted)}"
