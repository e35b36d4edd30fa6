"""What a stack is told before `sam deploy`, so that it leaves behind what a publisher leaves behind.

CloudFormation knows the versions that the stack itself made, and nothing of others. So it is told which version has the
content already, what ``/NAME/STAGE/latest`` is to name, and how a publisher would describe the version.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from layerctl.artifact import open_artifact
from layerctl.aws.failures import code_of
from layerctl.core.errors import LayerctlError
from layerctl.releases.publish.latest import held_by, is_newer, latest_name
from layerctl.releases.publish.present import present_version
from layerctl.releases.versions import DigestCache, list_versions

if TYPE_CHECKING:
    from pathlib import Path

    from layerctl.releases.index.model import LayerIndex
    from layerctl.releases.publish.payload import Payload
    from layerctl.releases.versions import LayerVersion

__all__ = ["StackParameters", "has_parameter", "require_built", "stack_parameters"]


@dataclass(frozen=True, slots=True)
class StackParameters:
    """What the stack's parameters are to be.

    Attributes:
        existing: the version that has the content; None: the stack publishes it.
        latest: what the parameter names and goes on naming, because it is newer; None: the version deployed.
        description: of the version, should one be published.
        owns_latest: whether the stack writes the parameter. Not one that a publisher made before: CloudFormation fails
            to make what exists.
    """

    existing: LayerVersion | None
    latest: LayerVersion | None
    description: str
    owns_latest: bool

    def values(self) -> dict[str, str]:
        """By the names that the template has."""
        return {
            "ExistingVersionArn": str(self.existing.arn) if self.existing else "",
            "LatestVersionArn": str(self.latest.arn) if self.latest else "",
            "LatestOwner": "stack" if self.owns_latest else "publisher",
            "VersionDescription": self.description,
        }


def require_built(payload: Payload, built: Path) -> None:
    """Refuse a folder that `sam build` made of other content than the artifact's: it was proved, the other was not.

    Raises:
        LayerctlError: as said, or the folder is no layer.
    """
    with open_artifact(built) as artifact:
        digest = artifact.content_digest()
    if digest != payload.content_digest:
        raise LayerctlError(
            f"{built} is {digest}, and {payload.path} is {payload.content_digest}",
            hint="build both again from the same sources, with the same interpreters",
        )


def stack_parameters(
    client: Any,
    ssm: Any,
    payload: Payload,
    stage: str,
    *,
    released: bool,
    owned: bool = True,
    index: LayerIndex | None = None,
) -> StackParameters:
    """Work out a stack's parameters from what its region has.

    Args:
        client: the region's Lambda client.
        ssm: its SSM client.
        payload: what will be deployed.
        stage: whose ``latest`` it is.
        released: whether the version is the release that the payload names. Otherwise it is work in progress: there may
            be many of one release's name, so the description names the content only, and what is deployed last counts.
        owned: whether the stack has the parameter already.
        index: knows what was yanked; None: nothing is.

    Raises:
        botocore.exceptions.ClientError, BotoCoreError: AWS refused.
    """
    versions = list(list_versions(client, payload.layer))
    digests = DigestCache()
    digests.put(payload.code_sha256, payload.content_digest)
    existing = present_version(client, versions, payload.content_digest, digests)
    held = held_by(ssm, latest_name(payload.layer, stage))
    current = next((version for version in versions if str(version.arn) == held), None)
    stays = current is not None and current != existing and _stays(current, existing, payload, index, released=released)
    description = payload.description if released else payload.content_digest
    return StackParameters(existing, current if stays else None, description, owned or not held)


def has_parameter(cloudformation: Any, stack: str) -> bool:
    """Whether a stack has the parameter; not, where there is no such stack.

    Raises:
        botocore.exceptions.ClientError, BotoCoreError: AWS refused.
    """
    try:
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
        return any(
            resource["LogicalResourceId"] == "LatestVersion"
            for page in pages
            for resource in page["StackResourceSummaries"]
        )
    except cloudformation.exceptions.ClientError as error:
        if code_of(error) != "ValidationError":
            raise
        return False


def _stays(
    current: LayerVersion, mine: LayerVersion | None, payload: Payload, index: LayerIndex | None, *, released: bool
) -> bool:
    """Whether ``latest`` goes on naming what it names: the newer release, and none that was withdrawn."""
    known = index.find(current.arn) if index else None
    if known is not None and known.yanked:
        return False
    ours = index.releases.get(payload.release) if index and released else None
    if ours is not None and ours.yanked:
        return True
    if not released and (not current.release or current.release == payload.release):
        return False
    return is_newer(current, mine.number if mine else None, payload.release)
