"""`layerctl prune`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from layerctl.cli.exclusions import exclude_option, tell_left_out
from layerctl.cli.options import Age, LayerTarget, apply_option, aws_options, index_option
from layerctl.cli.output import error, note, print_json, print_table, progress, waiting

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from layerctl.aws.failures import Failure
    from layerctl.core.arn import LayerVersionArn
    from layerctl.scan.exclusion import Exclusion


@click.command()
@click.argument("templates", nargs=-1, type=click.Path(path_type=Path, exists=True))
@aws_options
@exclude_option(for_uses=True)
@click.option("--keep", type=click.IntRange(min=1), default=1, show_default=True, help="Newest versions to keep.")
@click.option("--older-than", type=Age(), help="Only versions of at least this age: 90d, 12w, 36h.")
@click.option("--role", "roles", multiple=True, metavar="ARN", help="Also scan the account of this role; repeatable.")
@click.option(
    "--assume-unused",
    is_flag=True,
    help="Also plan unused versions that an organisation or the public may use, though not all of them can be seen.",
)
@index_option(
    "The index file: what it calls yanked is not kept, what is deleted is noted.  [default: layers.json, if any]"
)
@apply_option("Delete what is planned.")
def command(
    *,
    target: LayerTarget,
    exclusion: Exclusion,
    templates: Sequence[Path],
    keep: int,
    older_than: timedelta | None,
    roles: Sequence[str],
    assume_unused: bool,
    index_file: Path | None,
    apply_: bool,
) -> int:
    """Plan, and with --apply delete, the versions that nobody needs.

    Never planned: the newest version of a region that is not yanked, one that a function version, an SSM parameter
    .../latest or one of TEMPLATES uses. Nothing is planned at all when the view is incomplete: every account that a
    version is shared with must have been scanned (--role). What is deleted goes from the index's mirror in Parameter
    Store too.

    Exit code 0: planned or done. 2: refused, or something could not be deleted.
    """
    from layerctl.releases.index import store
    from layerctl.releases.index.model import LayerIndex
    from layerctl.releases.index.record import forget
    from layerctl.releases.prune.collect import assemble, collect, mirrored, yanked_in
    from layerctl.releases.prune.delete import delete
    from layerctl.releases.prune.plan import IncompleteViewError, Policy, plan_prune
    from layerctl.releases.usage.accounts import open_accounts
    from layerctl.releases.usage.functions import scan_accounts
    from layerctl.releases.usage.templates import scan_templates

    index_file = index_file or store.find(target.layer)
    index = LayerIndex(target.layer)
    if index_file:  # found broken now, not after the deletion
        index = store.update(index_file, target.layer, lambda index: index, dry_run=True)
    pins = scan_templates(templates, target.layer, exclusion)
    tell_left_out(pins.left_out)
    with waiting("opening accounts"):
        accounts = open_accounts(target.aws, roles, target.regions)
    seen = target.everywhere("reading", lambda region: collect(target.aws, region, target.layer))
    with progress("scanning", accounts.places) as done:
        scan = scan_accounts(accounts.opened, accounts.owners, target.layer, done=done)
    inventory = assemble(seen.results, seen.failures, accounts, scan, pins, yanked=yanked_in(index))
    try:
        decisions = plan_prune(inventory, Policy(keep, older_than, assume_unused), now=datetime.now(UTC))
    except IncompleteViewError as incomplete:
        for gap in incomplete.gaps:
            error(f"not seen: {gap}")
        raise
    deleted: set[LayerVersionArn] = set()
    failures: dict[str, Failure] = {}

    def note_deleted() -> None:
        if deleted and index_file:
            done_by_now = frozenset(deleted)  # an interrupted run's threads may still add to it
            store.update(index_file, target.layer, lambda index: forget(index, done_by_now))

    if apply_:
        try:
            with progress("deleting", [_short(decision.arn) for decision in decisions if decision.delete]) as done:

                def gone(arn: LayerVersionArn) -> None:
                    deleted.add(arn)
                    done(_short(arn))

                failures = delete(target.aws, decisions, mirrored(seen.results), done=gone)
        except KeyboardInterrupt:
            note_deleted()
            raise
    if target.as_json:
        rows = [
            {
                "arn": str(decision.arn),
                "delete": decision.delete,
                "reason": decision.reason,
                "deleted": decision.arn in deleted,
            }
            for decision in decisions
        ]
        print_json({"applied": apply_, "versions": rows} | target.data(failures))
    else:
        lines = [
            (
                str(decision.arn),
                ("deleted" if decision.arn in deleted else "delete") if decision.delete else "keep",
                decision.reason,
            )
            for decision in decisions
        ]
        print_table(("layer version", "deleted" if apply_ else "plan", "because"), lines)
        planned = sum(decision.delete for decision in decisions)
        if planned and not apply_:
            note(f"{planned} would be deleted; nothing was done: use --apply")
        target.note_if_none(decisions)
        target.close(failures)
    note_deleted()
    return 2 if failures else 0


def _short(arn: LayerVersionArn) -> str:
    return f"{arn.region} version {arn.version}"
