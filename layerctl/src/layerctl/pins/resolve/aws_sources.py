"""Versions from AWS itself: the index's mirror in Parameter Store, then Lambda's own list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerctl.core.arn import LayerVersionArn
from layerctl.core.errors import LayerctlError
from layerctl.pins.resolve.versions import PublishedVersion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from layerctl.aws.clients import Aws
    from layerctl.scan.model import Pin

__all__ = ["LambdaSource", "ParameterSource"]


class _AwsSource:
    """Asks in the pin's region, else in the regions that were named, else in the environment's."""

    name = ""

    def __init__(self, aws: Aws, regions: Sequence[str]) -> None:
        self._aws = aws
        self._regions = tuple(regions)
        self.layers: frozenset[str] = frozenset()
        self.failures: dict[str, str] = {}

    def published(self, pin: Pin) -> list[PublishedVersion] | None:
        """The layer's versions, or None where AWS does not tell; `failures` says why.

        An empty list says that the layer is known and that none of its versions exists any more.
        """
        from layerctl.aws.failures import UNREACHABLE, describe

        if "$" in pin.name or "{" in pin.name:
            return None
        regions: tuple[str | None, ...] = (pin.region,) if pin.region else self._regions or (None,)
        found: list[PublishedVersion] | None = None
        for region in regions:
            try:
                told = self._ask(pin, region)
                found = found if told is None else (found or []) + told
            except UNREACHABLE as error:
                self.failures[f"{self.name} in {region or 'the default region'}"] = str(describe(error, region or ""))
            except LayerctlError as error:
                self.failures[f"{self.name} in {region or 'the default region'}"] = str(error)
        if found is not None:
            self.layers |= {pin.name}
        return found

    def _ask(self, pin: Pin, region: str | None) -> list[PublishedVersion] | None:
        """Return the layer's versions in one region, None if it is not known there."""
        raise NotImplementedError


class ParameterSource(_AwsSource):
    """The index's mirror in Parameter Store: releases and yanks, of the versions that exist."""

    name = "Parameter Store"

    def __init__(self, aws: Aws, regions: Sequence[str], stage: str) -> None:
        super().__init__(aws, regions)
        self._stage = stage

    def _ask(self, pin: Pin, region: str | None) -> list[PublishedVersion] | None:
        from layerctl.releases.index.mirror import read_mirror
        from layerctl.releases.versions import existing_versions

        mirror = read_mirror(self._aws.client("ssm", region), pin.name, self._stage)
        told = {LayerVersionArn.parse(arn): release for release, arn in mirror.versions.items()}
        mine = [arn for arn in told if arn.name == pin.name and pin.account in {None, arn.account}]
        if not mine:
            return None
        # A parameter may outlive its version.
        there = existing_versions(self._aws.client("lambda", region), mine)
        return [
            PublishedVersion(
                arn, told[arn], stored.date, stored.runtimes, stored.architectures, mirror.yanked.get(told[arn])
            )
            for arn, stored in there.items()
        ]


class LambdaSource(_AwsSource):
    """`ListLayerVersions`: numbers, dates, runtimes; releases where `layerctl publish` described them."""

    name = "Lambda"

    def _ask(self, pin: Pin, region: str | None) -> list[PublishedVersion] | None:
        from layerctl.releases.versions import list_versions

        client = self._aws.client("lambda", region)
        partition = pin.partition or client.meta.partition
        layer = f"arn:{partition}:lambda:{client.meta.region_name}:{pin.account}:layer:{pin.name}"
        # Lambda says the same of a layer that never was, and of one without a version.
        return [
            PublishedVersion(version.arn, version.release, version.date, version.runtimes, version.architectures)
            for version in list_versions(client, layer if pin.account else pin.name)
        ] or None
