"""Seeing the world before a plan is made: versions, who may use them, who does."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from layerctl.core.arn import LayerVersionArn
from layerctl.core.errors import LayerctlError
from layerctl.releases.policies.audit import read_region
from layerctl.releases.prune.plan import VersionFacts, World

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from layerctl.aws.clients import Aws
    from layerctl.aws.failures import Failure
    from layerctl.releases.usage.accounts import Accounts
    from layerctl.releases.usage.functions import FunctionScan
    from layerctl.releases.usage.templates import TemplateScan, TemplateUse

__all__ = ["RegionView", "assemble", "look"]

RegionView = tuple[list[VersionFacts], dict[LayerVersionArn, list[str]]]


def look(aws: Aws, region: str, layer: str) -> RegionView:
    """See a region's versions with their audiences, and which of them a ``/NAME/STAGE/latest`` parameter names."""
    facts = [
        VersionFacts(one.version.arn, one.version.created, one.audiences)
        for one in read_region(aws.client("lambda", region), layer)
    ]
    return facts, _latest(aws.client("ssm", region), layer)


def _latest(client: Any, layer: str) -> dict[LayerVersionArn, list[str]]:
    """The parameters that stacks own: deleting what they name would break the stack that published it."""
    names: defaultdict[LayerVersionArn, list[str]] = defaultdict(list)
    for page in client.get_paginator("get_parameters_by_path").paginate(Path=f"/{layer}", Recursive=True):
        for parameter in page["Parameters"]:
            if parameter["Name"].endswith("/latest"):
                try:
                    names[LayerVersionArn.parse(parameter["Value"])].append(f"parameter {parameter['Name']}")
                except LayerctlError:  # somebody else's parameter
                    continue
    return names


def assemble(
    regions: Mapping[str, RegionView],
    failures: Mapping[str, Failure],
    accounts: Accounts,
    scan: FunctionScan,
    pins: TemplateScan,
) -> World:
    """Put together what was seen, and what was not."""
    versions = tuple(one for facts, _ in regions.values() for one in facts)
    uses: defaultdict[LayerVersionArn, list[str]] = defaultdict(list)
    for use in scan.uses:
        uses[use.layer].append(f"{use.function}:{use.qualifier} ({use.account})")
    for _, named in regions.values():
        for arn, places in named.items():
            uses[arn] += places
    for version in versions:
        uses[version.arn] += _pinned(version.arn, pins.uses)
    unread = [f"{region}: {failure}" for region, failure in failures.items()]
    return World(
        versions=versions,
        uses={arn: tuple(users) for arn, users in uses.items() if users},
        scanned=frozenset(scan.scanned),
        problems=(*unread, *accounts.problems, *scan.problems, *pins.problems),
    )


def _pinned(arn: LayerVersionArn, pins: Iterable[TemplateUse]) -> list[str]:
    return [pin.place for pin in pins if pin.may_be(arn.account, arn.region, arn.version)]
