"""Puts the sources of versions together: indexes, then Parameter Store, then Lambda itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from layerctl.pins.resolve.index_source import load_index
from layerctl.pins.resolve.versions import VersionResolver
from layerctl.scan.index_text import is_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from layerctl.pins.resolve.versions import VersionSource

__all__ = ["resolver_of"]


def resolver_of(
    indexes: Sequence[str],
    *,
    aws: bool | None = False,
    stage: str = "dev",
    regions: Sequence[str] = (),
    profile: str | None = None,
) -> VersionResolver:
    """The sources that a command was given.

    Args:
        indexes: files, https or s3 addresses; none: `LAYERCTL_INDEX`, else `./layers.json` if there is one.
        aws: whether AWS is asked about layers that no index knows; None: if there is no index, and credentials are.
        stage: whose parameters are read.
        regions: where AWS is asked about pins that name no region.
        profile: whose credentials AWS is asked with; None: botocore's own search order.

    Raises:
        LayerctlError: an index cannot be read.
    """
    named = list(indexes) or os.environ.get("LAYERCTL_INDEX", "").split()
    if not named and is_index(Path("layers.json")):
        named = ["layers.json"]
    sources: list[VersionSource] = [load_index(where, profile) for where in named]
    if aws or (aws is None and not sources and (profile or _has_credentials())):
        from layerctl.aws.clients import Aws
        from layerctl.pins.resolve.aws_sources import LambdaSource, ParameterSource

        account = Aws(timeout=20, profile=profile)
        sources += [ParameterSource(account, regions, stage), LambdaSource(account, regions)]
    return VersionResolver(sources)


def _has_credentials() -> bool:
    """Whether the user's environment names credentials. No instance or container is asked: that takes seconds."""
    if any(name in os.environ for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE")):
        return True
    return "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" in os.environ or "AWS_CONTAINER_CREDENTIALS_FULL_URI" in os.environ
