"""`layerctl share`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from layerctl.cli.options import LayerTarget, apply_option, aws_options, dry_run_option, index_option
from layerctl.cli.output import note, print_json, print_table
from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from layerctl.releases.policies.audience import Audience
    from layerctl.releases.policies.grants import SharingStep
    from layerctl.releases.versions import LayerVersion


@click.command()
@aws_options
@click.option("--version", "number", type=click.IntRange(min=1), help="One version, by its number (in each region).")
@click.option("--release", metavar="VERSION", help="One version, by its release: right where numbers differ.")
@index_option("Where --release is looked up first.  [default: layers.json, if any]")
@click.option("--all-versions", is_flag=True, help="Every version that is retained.")
@click.option("--account", "accounts", multiple=True, metavar="ID", help="An account; may be repeated.")
@click.option("--organization", "organizations", multiple=True, metavar="ID", help="An organisation; may be repeated.")
@click.option("--public", is_flag=True, help="Everyone; granting it needs --yes-public.")
@click.option("--yes-public", is_flag=True, help="Confirm that the whole world may use it.")
@click.option("--revoke", is_flag=True, help="Take the right away. Functions that use the version go on working.")
@apply_option("Revoke what --revoke plans.")
@dry_run_option
def command(
    *,
    target: LayerTarget,
    number: int | None,
    release: str | None,
    index_file: Path | None,
    all_versions: bool,
    accounts: Sequence[str],
    organizations: Sequence[str],
    public: bool,
    yes_public: bool,
    revoke: bool,
    apply_: bool,
    dry_run: bool,
) -> int:
    """Grant or revoke the use of layer versions. What is so already is left alone, so it may be run again.

    Granting takes effect at once, unless --dry-run is given; revoking only with --apply.

    Exit code 0: done. 2: a region failed, or has no such version.
    """
    from layerctl.releases.index import store
    from layerctl.releases.policies.grants import apply, plan_changes, read_grants
    from layerctl.releases.versions import list_versions

    audiences = _audiences(accounts, organizations, public)
    if public and not revoke and not yes_public:
        raise LayerctlError("--public lets every AWS account use the layer", hint="add --yes-public if you mean it")
    if sum((number is not None, release is not None, all_versions)) != 1:
        raise click.UsageError("name the versions: --version N, --release VERSION or --all-versions")

    if apply_ and (dry_run or not revoke):
        raise click.UsageError("--apply is for --revoke, and excludes --dry-run")
    dry_run = dry_run or (revoke and not apply_)

    index_file = index_file or store.find(target.layer)
    index = store.update(index_file, target.layer, lambda known: known, dry_run=True) if index_file else None
    indexed = index.releases.get(release or "") if index else None
    arns = {there.arn for there in indexed.regions.values()} if indexed else set()

    def chosen(version: LayerVersion) -> bool:
        by_release = release is not None and (version.arn in arns or version.release == release)
        return all_versions or version.number == number or by_release

    def work(region: str) -> list[tuple[LayerVersion, list[SharingStep]]]:
        client = target.aws.client("lambda", region)
        versions = [version for version in list_versions(client, target.layer) if chosen(version)]
        if not versions and not all_versions:
            raise LayerctlError(f"{target.layer} has no version {number or release} in {region}")
        taken = []
        for version in versions:
            grants = read_grants(client, version.arn)
            add, remove = ((), audiences) if revoke else (audiences, ())
            changes = plan_changes(version.arn, grants, add=add, remove=remove)
            if not dry_run:
                apply(client, changes)
            taken.append((version, changes))
        return taken

    outcome = target.everywhere("sharing", work)
    taken = [pair for pairs in outcome.results.values() for pair in pairs]
    if target.as_json:
        rows = [
            {
                "arn": str(version.arn),
                "release": version.release,
                "changes": [{"action": change.action, "audience": str(change.audience)} for change in changes],
            }
            for version, changes in taken
        ]
        print_json({"dry_run": dry_run, "versions": rows} | target.data(outcome.failures))
    else:
        lines = [(version.arn, version.release or "", _words(changes, dry_run)) for version, changes in taken]
        print_table(("layer version", "release", "change"), lines)
        if revoke and dry_run and any(changes for _, changes in taken):
            note("nothing was done: use --apply")
        target.close(outcome.failures)
    return 2 if outcome.failures else 0


def _words(changes: Iterable[SharingStep], dry_run: bool) -> str:
    return ", ".join(f"{'would ' if dry_run else ''}{change}" for change in changes) or "nothing to change"


def _audiences(accounts: Sequence[str], organizations: Sequence[str], public: bool) -> list[Audience]:
    from layerctl.releases.policies.audience import PUBLIC, account, organization

    audiences = [*map(account, accounts), *map(organization, organizations), *([PUBLIC] if public else [])]
    if not audiences:
        raise click.UsageError("say with whom: --account, --organization or --public")
    return audiences
