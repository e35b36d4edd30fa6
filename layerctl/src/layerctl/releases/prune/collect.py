"""What a plan is made from: versions, who may use them, who does, and which parameters name them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from layerctl.core.arn import LayerVersionArn
from layerctl.core.errors import LayerctlError
from layerctl.releases.policies.audit import read_region
from layerctl.releases.prune.plan import Inventory, VersionFacts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from layerctl.aws.clients import Aws
    from layerctl.aws.failures import Failure
    from layerctl.releases.index.model import LayerIndex
    from layerctl.releases.usage.accounts import Accounts
    from layerctl.releases.usage.functions import FunctionScan
    from layerctl.releases.usage.templates import TemplateScan, TemplateUse

__all__ = ["RegionFacts", "assemble", "collect", "mirrored", "yanked_in"]


@dataclass(frozen=True, slots=True)
class RegionFacts:
    """What one region tells.

    Attributes:
        versions: every version of the layer.
        latest: version to the ``/NAME/STAGE/latest`` parameters that name it.
        mirrored: version to the parameters of the index's mirror that go when it is deleted.
        yanked: versions that the mirror says are yanked.
    """

    versions: list[VersionFacts]
    latest: dict[LayerVersionArn, list[str]] = field(default_factory=dict)
    mirrored: dict[LayerVersionArn, list[str]] = field(default_factory=dict)
    yanked: set[LayerVersionArn] = field(default_factory=set)


def collect(aws: Aws, region: str, layer: str) -> RegionFacts:
    """See a region's versions with their audiences, and the parameters that name them."""
    versions = [
        VersionFacts(shared.version.arn, shared.version.created, shared.audiences)
        for shared in read_region(aws.client("lambda", region), layer)
    ]
    return _with_parameters(RegionFacts(versions), aws.client("ssm", region), layer)


def _with_parameters(facts: RegionFacts, client: Any, layer: str) -> RegionFacts:
    """Add what the parameters below ``/NAME`` say, in all stages."""
    pages = client.get_paginator("get_parameters_by_path").paginate(Path=f"/{layer}", Recursive=True)
    parameters = {parameter["Name"]: parameter["Value"] for page in pages for parameter in page["Parameters"]}
    for name, value in parameters.items():
        try:
            arn = LayerVersionArn.parse(value)
        except LayerctlError:  # somebody else's parameter
            continue
        stage, _, kind = name.rpartition("/")
        if kind == "latest":  # deleting what it names would break the stack that published it
            facts.latest.setdefault(arn, []).append(f"parameter {name}")
        elif stage.endswith("/versions"):
            mark = f"{stage.removesuffix('versions')}yanked/{kind}"
            facts.mirrored.setdefault(arn, []).extend([name, *([mark] if mark in parameters else [])])
            if mark in parameters:
                facts.yanked.add(arn)
    return facts


def yanked_in(index: LayerIndex) -> set[LayerVersionArn]:
    """The versions that an index says are yanked."""
    return {there.arn for release in index.releases.values() if release.yanked for there in release.regions.values()}


def mirrored(regions: Mapping[str, RegionFacts]) -> dict[LayerVersionArn, list[str]]:
    """Version to the parameters that go when it is deleted."""
    return {arn: names for facts in regions.values() for arn, names in facts.mirrored.items()}


def assemble(
    regions: Mapping[str, RegionFacts],
    failures: Mapping[str, Failure],
    accounts: Accounts,
    scan: FunctionScan,
    pins: TemplateScan,
    *,
    yanked: Collection[LayerVersionArn] = (),
) -> Inventory:
    """Put together what was seen, and what was not."""
    versions = tuple(version for facts in regions.values() for version in facts.versions)
    uses: defaultdict[LayerVersionArn, list[str]] = defaultdict(list)
    for use in scan.uses:
        uses[use.layer].append(f"{use.function}:{use.qualifier} ({use.account})")
    for facts in regions.values():
        for arn, places in facts.latest.items():
            uses[arn] += places
    for version in versions:
        uses[version.arn] += _pinned(version.arn, pins.uses)
    unread = [f"{region}: {failure}" for region, failure in failures.items()]
    return Inventory(
        versions=versions,
        uses={arn: tuple(users) for arn, users in uses.items() if users},
        yanked=frozenset(yanked).union(*(facts.yanked for facts in regions.values())),
        scanned=frozenset(scan.scanned),
        problems=(*unread, *accounts.problems, *scan.problems, *pins.problems),
    )


def _pinned(arn: LayerVersionArn, pins: Iterable[TemplateUse]) -> list[str]:
    return [pin.place for pin in pins if pin.may_be(arn.account, arn.region, arn.version)]
