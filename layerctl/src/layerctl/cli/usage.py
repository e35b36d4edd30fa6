"""`layerctl usage`."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from layerctl.cli.exclusions import exclude_option, tell_left_out
from layerctl.cli.options import LayerTarget, aws_options, index_option
from layerctl.cli.output import error, note, print_json, print_table, progress, waiting
from layerctl.core.partitions import partition_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from layerctl.releases.policies.audience import Audience
    from layerctl.releases.usage.functions import FunctionScan, FunctionUse
    from layerctl.releases.usage.templates import TemplateUse
    from layerctl.releases.versions import LayerVersion
    from layerctl.scan.exclusion import Exclusion


@click.command()
@click.argument("templates", nargs=-1, type=click.Path(path_type=Path, exists=True))
@aws_options
@exclude_option(for_uses=True)
@click.option("--role", "roles", multiple=True, metavar="ARN", help="Also scan the account of this role; repeatable.")
@click.option("--owner", metavar="ID", help="The account that owns the layer; default: the caller's own.")
@click.option("--no-aliases", is_flag=True, help="Do not ask for aliases: one request less per function that uses it.")
@click.option("--yanked", is_flag=True, help="Only who uses a release that --index says was yanked.")
@index_option("The index file, for --yanked.", default=Path("layers.json"))
@click.option(
    "--scanned-only", is_flag=True, help="Ask about the scanned accounts only, whoever else may use a version."
)
def command(
    *,
    target: LayerTarget,
    exclusion: Exclusion,
    templates: Sequence[Path],
    roles: Sequence[str],
    owner: str | None,
    no_aliases: bool,
    yanked: bool,
    index_file: Path,
    scanned_only: bool,
) -> int:
    """Tell who uses which version: all functions with all published versions and aliases, and TEMPLATES.

    Exit code 0: everyone who may use a version was seen. 1: with --yanked, somebody uses one. 2: an account or region
    was not seen, or may not be known (an organisation, the public, another owner's layer); each is named.
    """
    from layerctl.releases.policies.audience import account
    from layerctl.releases.policies.audit import read_region
    from layerctl.releases.usage.accounts import open_accounts
    from layerctl.releases.usage.functions import scan_accounts
    from layerctl.releases.usage.gaps import unlisted, unscanned
    from layerctl.releases.usage.recall import recall_of
    from layerctl.releases.usage.templates import scan_templates
    from layerctl.releases.versions import list_versions

    recall = recall_of(index_file, target.layer) if yanked else None
    pins = scan_templates(templates, target.layer, exclusion)
    tell_left_out(pins.left_out)
    with waiting("opening accounts"):
        accounts = open_accounts(target.aws, roles, target.regions)
    owners = dict.fromkeys(accounts.owners, account(owner).id) if owner else accounts.owners
    ours = owners == accounts.owners

    def versions_of(region: str) -> list[tuple[LayerVersion, frozenset[Audience]]]:
        client = target.aws.client("lambda", region)
        if ours and not scanned_only:
            return [(audited.version, audited.audiences) for audited in read_region(client, target.layer)]
        partition = partition_of(region)
        name = f"arn:{partition}:lambda:{region}:{owners[partition]}:layer:{target.layer}"
        return [(version, frozenset()) for version in list_versions(client, target.layer if ours else name)]

    listed = target.everywhere("listing", versions_of)
    with progress("scanning", accounts.places) as done:
        scan = scan_accounts(accounts.opened, owners, target.layer, aliases=not no_aliases, done=done)
    scan.problems[:0] = [*accounts.problems, *pins.problems]
    found = [pair for pairs in listed.results.values() for pair in pairs]
    versions = [version for version, _ in found]
    if not scanned_only:
        shared = [(version.arn, audiences) for version, audiences in found]
        scan.problems += [*unscanned(shared, scan.scanned), *unlisted(shared)] if ours else [_foreign(owners)]
    uses = pins.uses
    if recall is not None:
        versions, scan.uses, uses = recall.only(versions, scan.uses, uses)
    if target.as_json:
        data = _data(versions, scan, uses) | ({"yanked": recall.data()} if recall is not None else {})
        print_json(data | target.data(listed.failures))
    else:
        _show(versions, scan, uses)
        for line in recall.lines() if recall is not None else ():
            note(line)
        for problem in scan.problems:
            error(f"not seen: {problem}")
        note(f"{scan.entries} function versions in {len(scan.scanned)} account regions")
        if recall is None:
            target.note_if_none(versions)
        target.close(listed.failures)
    if listed.failures or scan.problems:
        return 2
    return int(recall is not None and bool(scan.uses or uses))


def _foreign(owners: Mapping[str, str]) -> str:
    owner = ", ".join(sorted(set(owners.values())))
    return (
        f"who may use a layer of account {owner} is known there only (--scanned-only asks about the scanned accounts)"
    )


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
            for use in sorted(users[arn], key=lambda use: (use.account, use.function, use.qualifier))
        ]
        if not users[arn]:
            rows.append((arn, name, "-", "", ""))
    print_table(("layer version", "release", "function", "version", "aliases"), rows)
    if pins:
        lines = [(pin.place, str(pin.version or "not said"), pin.region or "any", pin.account or "any") for pin in pins]
        print_table(("template", "version", "region", "account"), lines)


def _data(versions: Sequence[LayerVersion], scan: FunctionScan, pins: Sequence[TemplateUse]) -> dict[str, object]:
    return {
        "versions": [{"arn": str(version.arn), "release": version.release} for version in versions],
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
