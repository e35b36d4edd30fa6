"""What is published of a layer, from whoever can tell: an index, Parameter Store, or Lambda itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from layerctl.core.arn import LayerVersionArn
    from layerctl.scan.model import Pin

__all__ = ["PublishedVersion", "VersionResolver", "VersionSource"]


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """One version of a layer in one region, as a source tells of it.

    Attributes:
        release: the release that it is (``1.4.0``), where the source knows.
        date: when it was published, ISO 8601, UTC; empty where the source does not know.
        runtimes, architectures: what it is made for; empty where the source does not know, or the layer does not say.
        yanked: why it was withdrawn, or None.
        severity: how soon to leave it, where its yank says.
        notes: what it changes, in Markdown, where the source knows.
    """

    arn: LayerVersionArn
    release: str | None = None
    date: str = ""
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    yanked: str | None = None
    severity: str = ""
    notes: str = ""

    @property
    def order(self) -> Version | None:
        """The release as a version that can be compared."""
        try:
            return Version(self.release) if self.release else None
        except ValueError:
            return None


class VersionSource(Protocol):
    """Someone who knows published versions.

    Attributes:
        name: for people.
        layers: the names of layers that it is known to know.
        failures: what kept it from telling: where, and why.
    """

    name: str
    layers: frozenset[str]
    failures: dict[str, str]

    def published(self, pin: Pin) -> list[PublishedVersion] | None:
        """Every version of the pin's layer, in all regions that the source knows; None for a layer it does not know."""


class VersionResolver:
    """Asks the sources in order; the first that knows a layer is believed."""

    def __init__(self, sources: Iterable[VersionSource]) -> None:
        self.sources = list(sources)
        self._known: dict[tuple[str | None, ...], tuple[str, list[PublishedVersion]] | None] = {}

    def published(self, pin: Pin) -> list[PublishedVersion] | None:
        """The layer's versions that a pin can mean: all of its account and name, in its region if it has one."""
        told = self._told(pin)
        if told is None:
            return None
        return [version for version in told[1] if pin.region is None or version.arn.region == pin.region]

    def everywhere(self, pin: Pin) -> list[PublishedVersion]:
        """The layer's versions in all regions."""
        told = self._told(pin)
        return told[1] if told else []

    def source(self, pin: Pin) -> str | None:
        """The name of the source that knows the pin's layer."""
        told = self._told(pin)
        return told[0] if told else None

    def knows_name(self, name: str) -> bool:
        """Whether a source knows a layer of that name, in whatever account."""
        return any(name in source.layers for source in self.sources)

    def failures(self) -> Iterable[tuple[str, str]]:
        """What kept sources from telling, as (who and where, why)."""
        for source in self.sources:
            yield from source.failures.items()

    def find(self, pin: Pin) -> PublishedVersion | None:
        """What the pin's version is; for a pin without a region only if all regions agree on the release."""
        same = [version for version in self.published(pin) or () if version.arn.version == pin.version]
        return same[0] if same and len({version.release for version in same}) == 1 else None

    def _told(self, pin: Pin) -> tuple[str, list[PublishedVersion]] | None:
        key = (pin.partition, pin.account, pin.name, pin.region)
        if key not in self._known:
            self._known[key] = None
            for source in self.sources:
                versions = source.published(pin)
                if versions is not None:
                    self._known[key] = (source.name, versions)
                    break
        return self._known[key]
