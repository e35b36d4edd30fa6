"""Which version of a region has a content already, whoever published it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from layerctl.artifact import ArtifactError
from layerctl.releases.versions import get_version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from layerctl.releases.versions import DigestCache, LayerVersion

__all__ = ["present_version"]


def present_version(
    client: Any, versions: Iterable[LayerVersion], content_digest: str, digests: DigestCache
) -> LayerVersion | None:
    """The version that has a content: by its description, else by what is in it; of several, the lowest number.

    Args:
        client: the region's Lambda client.
        versions: what the region lists.
        content_digest: ``sha256:<hex>``.
        digests: works out what is in versions that do not say it, by a download.
    """
    versions = list(versions)
    described = [version for version in versions if version.content_digest == content_digest]
    if described:
        return min(described, key=lambda version: version.number)
    for version in versions:
        if version.content_digest is None:  # not ours: another tool's, for instance
            try:
                if digests.digest(get_version(client, version.arn)[1]) == content_digest:
                    return version
            except ArtifactError:  # no layer that we could have built
                continue
            except client.exceptions.ResourceNotFoundException:  # deleted since it was listed
                continue
    return None
