"""`layerctl releases`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from layerctl.cli.options import LayerTarget, aws_options, index_option
from layerctl.cli.output import note, print_json, print_table
from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from layerctl.aws.failures import Failure
    from layerctl.releases.index.model import LayerIndex
    from layerctl.releases.versions import LayerVersion
    from layerctl.releases.whereabouts import Whereabouts


@click.command()
@aws_options
@index_option("The index file.  [default: layers.json, if it lies here]")
@click.option("--release", metavar="VERSION", help="Only this one.")
@click.option(
    "--stage",
    help="Whose parameters: /NAME/STAGE/latest, …/versions/RELEASE.  [default: latest is not asked]",
)
@click.option("--offline", is_flag=True, help="Only what the index says: no region is asked.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to write it.")
def command(
    *, target: LayerTarget, index_file: Path | None, release: str | None, stage: str | None, offline: bool, form: str
) -> int:
    """List what is where: each release in each region, by the index and by what the regions have.

    With its version number, ARN, content digest and state: there, yanked, deleted, gone, or missing. Regions that a
    release misses are named. With --stage, also what /NAME/STAGE/latest names in each region.

    Exit code 0: everything was seen. 2: a region was not; it is named, and the list is not complete.
    """
    from layerctl.releases.index import store
    from layerctl.releases.index.model import LayerIndex
    from layerctl.releases.publish.latest import held_by, latest_name
    from layerctl.releases.versions import list_versions
    from layerctl.releases.whereabouts import missing_regions, whereabouts

    if offline and stage:
        raise click.UsageError("--offline asks no region, and --stage does")
    path = index_file or store.find(target.layer)
    index = LayerIndex.load(path).require_layer(target.layer, path) if path else None
    if offline and index is None:
        raise LayerctlError("there is no index to read", hint="name one with --index, or leave --offline out")

    def work(region: str) -> tuple[list[LayerVersion], str]:
        found = list(list_versions(target.aws.client("lambda", region), target.layer))
        name = latest_name(target.layer, stage) if stage else None
        return found, held_by(target.aws.client("ssm", region), name) if name else ""

    regions = dict.fromkeys([*target.regions, *(index.regions if index else ())])
    outcome = target.everywhere("listing", work, [] if offline else regions)
    listed = {region: found for region, (found, _) in outcome.results.items()}
    latest = {region: held for region, (_, held) in outcome.results.items()} if stage else {}
    rows = whereabouts(index, listed, target.regions, offline=offline)
    if release is not None:
        rows = _only(rows, release)
    missed = missing_regions(rows, index)
    if target.as_json or form == "json":
        print_json(_data(target, rows, missed, latest, path) | target.data(outcome.failures))
    else:
        _show(rows, missed, latest)
        _say_what_was_read(target, index, path, outcome.failures, offline=offline)
    return 2 if outcome.failures else 0


def _only(rows: Sequence[Whereabouts], release: str) -> list[Whereabouts]:
    chosen = [row for row in rows if row.release == release]
    if not chosen:
        have = ", ".join(dict.fromkeys(row.release for row in rows if row.release)) or "none"
        raise LayerctlError(f"there is no release {release!r}", hint=f"there is: {have}")
    return chosen


def _show(rows: Sequence[Whereabouts], missed: Mapping[str, list[str]], latest: Mapping[str, str]) -> None:
    lines = [
        (
            row.release or "-",
            row.region,
            row.arn.version if row.arn else "",
            row.state + (" (latest)" if row.arn and latest.get(row.region) == str(row.arn) else ""),
            row.arn or "",
            row.digest,
            row.remark,
        )
        for row in rows
    ]
    print_table(("release", "region", "version", "state", "ARN", "content", ""), lines)
    for release, regions in missed.items():
        click.echo(f"{release} is not in {', '.join(regions)}")


def _say_what_was_read(
    target: LayerTarget, index: LayerIndex | None, path: Path | None, failures: Mapping[str, Failure], *, offline: bool
) -> None:
    if index is None:
        note("there is no index here: what was yanked or deleted is not known (--index)")
    elif offline:
        note(f"as {path} says it: no region was asked")
    target.close(failures)
    if failures:
        note(f"not complete: {', '.join(failures)} could not be looked at")


def _data(
    target: LayerTarget,
    rows: Sequence[Whereabouts],
    missed: Mapping[str, list[str]],
    latest: Mapping[str, str],
    path: Path | None,
) -> dict[str, Any]:
    return {
        "layer": target.layer,
        "index": str(path) if path else None,
        "releases": [
            {
                "release": row.release or None,
                "region": row.region,
                "arn": str(row.arn) if row.arn else None,
                "version": row.arn.version if row.arn else None,
                "state": row.state,
                "content_digest": row.digest or None,
                "remark": row.remark,
            }
            for row in rows
        ],
        "missing": dict(missed),
        "latest": {region: held or None for region, held in latest.items()},
    }
