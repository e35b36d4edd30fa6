"""`layerctl usage`."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from layerctl.cli.options import Target, aws_options
from layerctl.cli.output import error, note, print_json, print_table, progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from layerctl.releases.usage.functions import FunctionScan, FunctionUse
    from layerctl.releases.usage.templates import TemplateUse
    from layerctl.releases.versions import LayerVersion


@click.command()
@click.argument("templates", nargs=-1, type=click.Path(path_type=Path, exists=True))
@aws_options
@click.option("--role", "roles", multiple=True, metavar="ARN", help="Also scan the account of this role; repeatable.")
@click.option("--owner", metavar="ID", help="The account that owns the layer; default: the caller's own.")
@click.option("--no-aliases", is_flag=True, help="Do not ask for aliases: one request less per function that uses it.")
def command(
    *, target: Target, templates: Sequence[Path], roles: Sequence[str], owner: str | None, no_aliases: bool
) -> int:
    """Tell who uses which version: all functions with all published versions and aliases, and TEMPLATES.

    Exit code 0: everything was seen. 2: an account or region was not.
    """
    from layerctl.releases.policies.audience import account
    from layerctl.releases.usage.accounts import open_accounts
    from layerctl.releases.usage.functions import scan_accounts
    from layerctl.releases.usage.templates import scan_templates
    from layerctl.releases.versions import list_versions

    pins = scan_templates(templates, target.layer)
    accounts = open_accounts(target.aws, roles, target.regions)
    partition, caller = target.aws.identity(target.regions)
    layer = (account(owner).id if owner else caller, target.layer)

    def versions_of(region: str) -> list[LayerVersion]:
        name = target.layer if layer[0] == caller else f"arn:{partition}:lambda:{region}:{layer[0]}:layer:{layer[1]}"
        return list(list_versions(target.aws.client("lambda", region), name))

    listed = target.everywhere("listing", versions_of)
    places = [f"{account} {region}" for account in accounts.credentials for region in target.regions]
    with progress("scanning", places) as done:
        scan = scan_accounts(accounts.credentials, target.regions, layer, aliases=not no_aliases, done=done)
    scan.problems[:0] = [*accounts.problems, *pins.problems]
    versions = [one for found in listed.results.values() for one in found]
    if target.as_json:
        print_json(_data(versions, scan, pins.uses) | target.data(listed.failures))
    else:
        _show(versions, scan, pins.uses)
        for problem in scan.problems:
            error(f"not seen: {problem}")
        note(f"{scan.entries} function versions in {len(scan.scanned)} account regions")
        target.note_if_none(versions)
        target.close(listed.failures)
    return 2 if listed.failures or scan.problems else 0


def _show(versions: Sequence[LayerVersion], scan: FunctionScan, pins: Sequence[TemplateUse]) -> None:
    users: defaultdict[str, list[FunctionUse]] = defaultdict(list)
    for use in scan.uses:
        users[str(use.layer)].append(use)
    release = {str(version.arn): version.release or "" for version in versions}
    rows: list[tuple[str, ...]] = []
    for arn in [*release, *(arn for arn in sorted(users) if arn not in release)]:
        name = release.get(arn, "(deleted)")
        rows += [
            (arn, name, f"{use.account} {use.function}", use.qualifier, ", ".join(use.aliases))
            for use in sorted(users[arn], key=lambda one: (one.account, one.function, one.qualifier))
        ]
        if not users[arn]:
            rows.append((arn, name, "-", "", ""))
    print_table(("layer version", "release", "function", "version", "aliases"), rows)
    if pins:
        lines = [(pin.place, str(pin.version or "not said"), pin.region or "any", pin.account or "any") for pin in pins]
        print_table(("template", "version", "region", "account"), lines)


def _data(versions: Sequence[LayerVersion], scan: FunctionScan, pins: Sequence[TemplateUse]) -> dict[str, object]:
    return {
        "versions": [{"arn": str(one.arn), "release": one.release} for one in versions],
        "functions": [
            {
                "layer_version": str(use.layer),
                "account": use.account,
                "region": use.region,
                "function": use.function,
                "qualifier": use.qualifier,
                "aliases": list(use.aliases),
            }
            for use in scan.uses
        ],
        "templates": [
            {"place": pin.place, "version": pin.version, "region": pin.region, "account": pin.account} for pin in pins
        ],
        "function_versions_seen": scan.entries,
        "scanned": [{"account": account, "region": region} for account, region in sorted(scan.scanned)],
        "not_seen": scan.problems,
    }
