"""Who is to be told of a recall: the yanked releases of an index, and those of all uses that are uses of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from layerctl.releases.index.model import LayerIndex, Release, how_soon

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from layerctl.core.arn import LayerVersionArn
    from layerctl.releases.usage.functions import FunctionUse
    from layerctl.releases.usage.templates import TemplateUse
    from layerctl.releases.versions import LayerVersion

__all__ = ["Recall", "recall_of"]


@dataclass(frozen=True, slots=True)
class Recall:
    """The yanked releases, and every layer version that is or was one of them: functions go on with deleted ones."""

    releases: tuple[Release, ...]
    arns: frozenset[LayerVersionArn]

    def only(
        self, versions: Iterable[LayerVersion], uses: Iterable[FunctionUse], pins: Iterable[TemplateUse]
    ) -> tuple[list[LayerVersion], list[FunctionUse], list[TemplateUse]]:
        """Return what of versions, functions and templates is about a yanked release.

        A version that was published twice is known by its description; a template that does not say which version, or
        in which region, may mean one.
        """
        names = {(release.version, release.content_digest) for release in self.releases}
        found = [
            version
            for version in versions
            if version.arn in self.arns or (version.release, version.content_digest) in names
        ]
        arns = self.arns | {version.arn for version in found}
        return (
            found,
            [use for use in uses if use.layer in arns],
            [pin for pin in pins if any(pin.may_be(arn.account, arn.region, arn.version) for arn in arns)],
        )

    def lines(self) -> list[str]:
        """Return a line for each yanked release: why, when, how soon to leave it."""
        yanked = [(release.version, release.yanked) for release in self.releases if release.yanked]
        return [
            f"{version} was yanked on {why.date[:10]}{how_soon(why.severity)}: {why.reason}" for version, why in yanked
        ] or ["no release is yanked"]

    def data(self) -> list[dict[str, Any]]:
        """Return the same for machines."""
        return [
            {
                "release": release.version,
                "reason": release.yanked.reason,
                "date": release.yanked.date,
                "severity": release.yanked.severity,
            }
            for release in self.releases
            if release.yanked
        ]


def recall_of(path: Path, layer: str) -> Recall:
    """Read which releases of a layer are yanked.

    Raises:
        LayerctlError: the index cannot be read, or is another layer's.
    """
    index = LayerIndex.load(path).require_layer(layer, path)
    releases = tuple(release for release in index.releases.values() if release.yanked is not None)
    arns = {there.arn for release in releases for there in release.regions.values()}
    return Recall(releases, frozenset(arns | {arn for release in releases for arn in release.deleted}))
