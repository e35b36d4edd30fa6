"""Versions from `layers.json`: a file, or an https address."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from layerctl.pins.resolve.fetch import fetch, fetch_object, shown
from layerctl.pins.resolve.versions import PublishedVersion
from layerctl.releases.index.model import LayerIndex

if TYPE_CHECKING:
    from layerctl.scan.model import Pin

__all__ = ["IndexSource", "load_index"]


class IndexSource:
    """An index that was read."""

    def __init__(self, index: LayerIndex, name: str) -> None:
        self.name = name
        self.index = index
        self.layers = frozenset({index.layer})
        self.failures: dict[str, str] = {}
        self._versions = [
            PublishedVersion(
                published.arn,
                release.version,
                published.date,
                release.runtimes,
                release.architectures,
                release.yanked.reason if release.yanked else None,
                release.yanked.severity if release.yanked else "",
                release.notes,
            )
            for release in index.releases.values()
            for published in release.regions.values()
        ]

    def published(self, pin: Pin) -> list[PublishedVersion] | None:
        """The index's versions, if the pin's layer is the index's: by name, and by account where the pin has one."""
        if pin.name != self.index.layer:
            return None
        mine = [version for version in self._versions if pin.account in {None, version.arn.account}]
        return mine if mine or not self._versions else None


def load_index(where: str, profile: str | None = None) -> IndexSource:
    """Read an index from a file or an address.

    Args:
        where: a path, an address that begins with ``https://`` (``http://`` to this machine only), or ``s3://``.
        profile: whose credentials S3 is asked with; None: botocore's own search order.

    Raises:
        LayerctlError: it cannot be read, or is no index.
    """
    if where.startswith("s3://"):
        return IndexSource(LayerIndex.parse(fetch_object(where, profile), where), where)
    if "://" in where:
        return IndexSource(LayerIndex.parse(fetch(where), shown(where)), shown(where))
    return IndexSource(LayerIndex.load(Path(where)), where)
