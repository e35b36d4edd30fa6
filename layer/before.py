"""Fetches the release before: ``python layer/before.py layers.json 1.2.0 before.zip``.

It is the newest one below the version that the index names, yanked ones aside. Where there is none, nothing is written.
`layerctl diff` then tells what the release changes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from layerctl.aws.failures import describe
from layerctl.core.errors import LayerctlError
from layerctl.releases.index.model import LayerIndex, version_key
from layerctl.releases.versions import fetch_content

if TYPE_CHECKING:
    from layerctl.releases.index.model import Release


def before(index: LayerIndex, version: str) -> Release | None:
    """The newest release below a version that is somewhere, and not yanked."""
    usable = [release for release in index.releases.values() if release.yanked is None and release.regions]
    older = [release for release in usable if version_key(release.version) < version_key(version)]
    return max(older, key=lambda release: version_key(release.version), default=None)


def fetch(release: Release, target: Path) -> str:
    """Write a release's zip, from the first of its regions; returns the ARN that it has there.

    Raises:
        LayerctlError: AWS does not hand it out, or what is there is not the release's content.
    """
    region, published = min(release.regions.items())
    try:
        fetch_content(boto3.client("lambda", region), published.arn, release.content_digest, target)
    except (ClientError, BotoCoreError) as error:
        raise LayerctlError(f"{release.version} cannot be fetched: {describe(error, region)}") from None
    return str(published.arn)


def main(index: Path, version: str, target: Path) -> None:
    """Fetch it, or say that there is none."""
    try:
        release = before(LayerIndex.load(index), version) if index.exists() else None
        if release is None:
            print(f"no release before {version} is known")  # noqa: T201 - a script
            return
        print(f"{release.version} was before: {fetch(release, target)}")  # noqa: T201
    except LayerctlError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
