"""Functions that use a layer, over regions and accounts.

One `ListFunctions` with ``FunctionVersion=ALL`` gives every function with every published version, 50 a page, layers
included, so nothing is asked per function. An alias leads to a version that is in that list already: aliases add
names, never uses, and are asked for only of functions that use the layer, and only when wanted.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from layerctl.aws.regions import in_regions
from layerctl.core.arn import LayerVersionArn
from layerctl.core.errors import LayerctlError
from layerctl.core.partitions import partition_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from layerctl.aws.clients import Aws
    from layerctl.releases.usage.accounts import Account

__all__ = ["FunctionScan", "FunctionUse", "scan_accounts", "scan_functions"]


@dataclass(frozen=True, slots=True)
class FunctionUse:
    """One version of a function that has the layer attached.

    Attributes:
        layer: the layer version.
        account, region, function: whose function it is, where, and its name.
        qualifier: ``$LATEST`` or the published version's number.
        aliases: names that lead to this version, with their share of the traffic where it is split.
    """

    layer: LayerVersionArn
    account: str
    region: str
    function: str
    qualifier: str
    aliases: tuple[str, ...] = ()


@dataclass
class FunctionScan:
    """What a scan saw.

    Attributes:
        uses: every use of the layer.
        scanned: (account, region) pairs that were seen whole.
        problems: what could not be seen, and why.
        entries: how many function versions were looked at.
    """

    uses: list[FunctionUse] = field(default_factory=list)
    scanned: set[tuple[str, str]] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    entries: int = 0


def scan_functions(client: Any, layer: tuple[str, str]) -> Iterator[list[FunctionUse]]:
    """Look at every function version of a region; yields its uses of a layer, an empty list for most.

    Args:
        client: boto3's Lambda client of a region and account.
        layer: the account that owns the layer, and its name.
    """
    for page in client.get_paginator("list_functions").paginate(FunctionVersion="ALL"):
        for entry in page["Functions"]:
            attached = (_parse(layer["Arn"]) for layer in entry.get("Layers") or ())
            arns = [arn for arn in attached if arn is not None and (arn.account, arn.name) == layer]
            region, account = entry["FunctionArn"].split(":")[3:5]
            yield [FunctionUse(arn, account, region, entry["FunctionName"], entry["Version"]) for arn in arns]


def _parse(text: str) -> LayerVersionArn | None:
    try:
        return LayerVersionArn.parse(text)
    except LayerctlError:
        return None


def name_aliases(client: Any, uses: Sequence[FunctionUse]) -> list[FunctionUse]:
    """Add the aliases that lead to each version: one paginated request per function that uses the layer."""
    named: list[FunctionUse] = []
    by_function: defaultdict[str, list[FunctionUse]] = defaultdict(list)
    for use in uses:
        by_function[use.function].append(use)
    for function, versions in by_function.items():
        aliases: defaultdict[str, list[str]] = defaultdict(list)
        for page in client.get_paginator("list_aliases").paginate(FunctionName=function):
            for alias in page["Aliases"]:
                split = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
                aliases[alias["FunctionVersion"]].append(alias["Name"])
                for version, weight in split.items():
                    aliases[version].append(f"{alias['Name']} ({weight:.0%})")
        named += [replace(use, aliases=tuple(aliases[use.qualifier])) for use in versions]
    return named


def scan_accounts(
    accounts: Iterable[Account],
    owners: Mapping[str, str],
    layer: str,
    *,
    aliases: bool = False,
    done: Callable[[str], None] = lambda place: None,
) -> FunctionScan:
    """Scan every region of every account.

    Args:
        accounts: whose functions.
        owners: partition to the account that owns the layer there.
        layer: its name.
        aliases: whether to name the aliases too.
        done: called as each region of each account is done.

    Returns:
        the scan; a region that failed is in `problems` and not in `scanned`.
    """
    scan = FunctionScan()
    for account in accounts:

        def region_uses(region: str, aws: Aws = account.aws) -> tuple[list[FunctionUse], int]:
            client = aws.client("lambda", region)
            uses: list[FunctionUse] = []
            entries = 0
            for found in scan_functions(client, (owners[partition_of(region)], layer)):
                entries += 1
                uses += found
            return (name_aliases(client, uses) if aliases else uses), entries

        def region_done(region: str, account: Account = account) -> None:
            done(f"{account.id} {region}")

        outcome = in_regions(account.regions, region_uses, done=region_done)
        for region, (uses, entries) in outcome.results.items():
            scan.uses += uses
            scan.entries += entries
            scan.scanned.add((account.id, region))
        scan.problems += [f"account {account.id}: {failure}" for failure in outcome.failures.values()]
    return scan
