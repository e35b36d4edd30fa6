"""`layerctl index`: write, check, mirror, yank, unyank, notes, schema."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from layerctl.cli.groups import Group
from layerctl.cli.options import (
    FILE,
    LayerTarget,
    aws_findings_options,
    aws_options,
    dry_run_option,
    index_option,
    optional_layer_config,
    stage_option,
)
from layerctl.cli.output import note, print_json, print_table
from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from layerctl.cli.findings import Report
    from layerctl.core.arn import LayerVersionArn
    from layerctl.core.diagnostics import Finding
    from layerctl.releases.index.mirror import Mirrored
    from layerctl.releases.index.model import LayerIndex
    from layerctl.releases.index.record import RegionalRelease

_FILE = index_option("The index file.", default=Path("layers.json"))


@click.group(cls=Group)
def command() -> None:
    """Keep layers.json: which ARN a release is in each region, with its content digest, size, runtimes and date."""


@command.command()
@aws_options
@_FILE
@click.option("--forget-deleted", is_flag=True, help="Note that versions which do not exist any more were deleted.")
@dry_run_option
def write(*, target: LayerTarget, index_file: Path, forget_deleted: bool, dry_run: bool) -> int:
    """Write what the regions have into the index. Adds only; a release whose content would change is refused.

    Exit code 0: the index has every region. 2: a region could not be read; what the others have is written.
    """
    from layerctl.releases.index import store
    from layerctl.releases.index.model import LayerIndex
    from layerctl.releases.index.record import forget, merge, scan_region

    index = LayerIndex.load(index_file) if index_file.exists() else LayerIndex(target.layer)

    def work(region: str) -> tuple[list[RegionalRelease], list[LayerVersionArn]]:
        return scan_region(target.aws.client("lambda", region), index, region)

    outcome = target.everywhere("reading", work)
    entries = [entry for found, _ in outcome.results.values() for entry in found]
    gone = [arn for _, lost in outcome.results.values() for arn in lost]

    def change(current: LayerIndex) -> LayerIndex:
        return merge(
            forget(current, [arn for arn in gone if forget_deleted or _replaced(current, arn, entries)]), entries
        )

    store.update(index_file, target.layer, change, dry_run=dry_run)
    rows = [("added", entry.release, str(entry.version.arn)) for entry in entries]
    rows += [("forgotten" if forget_deleted else "gone", "", str(arn)) for arn in gone]
    if target.as_json:
        changes = [{"status": status, "release": release, "arn": arn} for status, release, arn in rows]
        print_json({"index": str(index_file), "dry_run": dry_run, "changes": changes} | target.data(outcome.failures))
    else:
        print_table(("change", "release", "layer version"), rows)
        if gone and not forget_deleted:
            note("gone versions stay in the index until `layerctl index write --forget-deleted`")
        target.close(outcome.failures)
    return 2 if outcome.failures else 0


@command.command()
@aws_findings_options
@_FILE
@stage_option
@click.option("--no-mirror", is_flag=True, help="Compare with the regions only, not with Parameter Store.")
def check(*, target: LayerTarget, report: Report, index_file: Path, stage: str, no_mirror: bool) -> int:
    """Compare the index with its schema, the regions, and its mirror in Parameter Store.

    Exit code 0: all agree, or warnings only. 1: they differ; each difference is named. 2: the index or a region could
    not be read.
    """
    from layerctl.releases.index.drift import check_coverage, check_mirror, check_region
    from layerctl.releases.rules import INDEX_RULES as RULES

    index = _load(index_file, target.layer)

    def work(region: str) -> list[Finding]:
        findings = check_region(target.aws.client("lambda", region), index, region, str(index_file))
        if not no_mirror:
            findings += check_mirror(target.aws.client("ssm", region), index, region, stage, str(index_file))
        return findings

    outcome = target.everywhere("checking", work, dict.fromkeys([*target.regions, *index.regions]))
    findings = check_coverage(index, target.config.regions if target.config else (), str(index_file))
    findings += [finding for found in outcome.results.values() for finding in found]
    complete = not outcome.failures
    if target.as_json:
        wanted = report.wanted(findings, rules=RULES)
        print_json({"findings": [asdict(finding) for finding in wanted]} | target.data(outcome.failures))
        return report.exit_code(wanted, complete=complete)
    target.close(outcome.failures)
    return report.close(findings, tool="index check", rules=RULES, looked_at=str(index_file), complete=complete)


@command.command()
@aws_options
@_FILE
@stage_option
@dry_run_option
def mirror(*, target: LayerTarget, index_file: Path, stage: str, dry_run: bool) -> int:
    """Make Parameter Store say what the index says: /NAME/STAGE/versions/RELEASE holds the ARN and never changes.

    /NAME/STAGE/yanked/RELEASE says why a release was yanked. Parameters of deleted versions go. Without --region this
    is done in the regions of layer.toml, and in all others where the index has a release.

    Exit code 0: all parameters say what the index says. 2: one holds another value (it is left alone), or a
    region failed.
    """
    from layerctl.releases.index.mirror import mirror_region

    index = _load(index_file, target.layer)

    def work(region: str) -> list[Mirrored]:
        return mirror_region(target.aws.client("ssm", region), index, region, stage, dry_run=dry_run)

    elsewhere = [region for region in index.regions if region not in target.regions]
    if target.config and target.regions == list(target.config.regions):
        regions = [*target.regions, *elsewhere]  # where layer.toml no longer publishes, consumers still look
    else:
        regions = target.regions
    outcome = target.everywhere("mirroring", work, regions)
    done = [(region, parameter) for region, mirrored in outcome.results.items() for parameter in mirrored]
    if target.as_json:
        parameters = [{"region": region} | asdict(parameter) for region, parameter in done]
        print_json({"dry_run": dry_run, "parameters": parameters} | target.data(outcome.failures))
    else:
        rows = [
            (
                region,
                parameter.name,
                parameter.status,
                parameter.value + (f" (it holds {parameter.held})" if parameter.status == "refused" else ""),
            )
            for region, parameter in done
        ]
        print_table(("region", "parameter", "status", "value"), rows)
        target.close(outcome.failures)
    if left := [region for region in elsewhere if region not in regions]:
        note(f"not mirrored: {', '.join(left)}, where the index has releases, too")
    return 2 if outcome.failures or any(parameter.status == "refused" for _, parameter in done) else 0


@command.command()
@click.argument("release")
@click.option("--reason", required=True, help="Why nobody should take it up any more; `pins check` shows it.")
@click.option("--severity", type=click.Choice(["low", "medium", "high", "critical"]), help="How soon to leave it.")
@_FILE
@dry_run_option
def yank(*, release: str, reason: str, severity: str | None, index_file: Path, dry_run: bool) -> None:
    """Mark RELEASE as withdrawn. It is not deleted: who pinned it can still deploy, and is told."""
    from layerctl.releases.index import store
    from layerctl.releases.index.model import LayerIndex, how_soon
    from layerctl.releases.index.record import yank as mark

    if not reason.strip():
        raise LayerctlError("--reason is empty", hint="say why, for those who pinned it")
    layer = LayerIndex.load(index_file).layer

    def change(current: LayerIndex) -> LayerIndex:
        return mark(current, release, reason, severity=severity or "")

    index = store.update(index_file, layer, change, dry_run=dry_run)
    yanked = index.releases[release].yanked
    assert yanked is not None
    click.echo(f"{'would yank' if dry_run else 'yanked'} {layer} {release}: {yanked.reason}{how_soon(severity or '')}")
    note("tell Parameter Store with `layerctl index mirror`")


@command.command()
@click.argument("release")
@_FILE
@dry_run_option
def unyank(*, release: str, index_file: Path, dry_run: bool) -> None:
    """Take the yank of RELEASE back."""
    from layerctl.releases.index import store
    from layerctl.releases.index.model import LayerIndex
    from layerctl.releases.index.record import unyank as unmark

    layer = LayerIndex.load(index_file).layer
    store.update(index_file, layer, lambda current: unmark(current, release), dry_run=dry_run)
    click.echo(f"{'would take back' if dry_run else 'took back'} the yank of {layer} {release}")
    note("tell Parameter Store with `layerctl index mirror`")


@command.command()
@click.argument("release")
@click.option("--changelog", type=FILE, help="Begin with what this file's section of RELEASE says.")
@click.option(
    "--diff",
    "artifacts",
    nargs=2,
    type=click.Path(path_type=Path),
    metavar="OLD NEW",
    help="Add what changes from one artifact to the other: distributions and the public API.",
)
@click.option("--save", is_flag=True, help="Keep the changelog's section in the index, where `pins bump` shows it.")
@_FILE
@dry_run_option
def notes(
    *,
    release: str,
    changelog: Path | None,
    artifacts: tuple[Path, Path] | None,
    save: bool,
    index_file: Path,
    dry_run: bool,
) -> None:
    """Write RELEASE's notes in Markdown: its changes, its identity, and the ARN of each region.

    A changelog without a section of RELEASE, or with an empty one, is an error.
    """
    from layerctl.inspection.comparison import compare
    from layerctl.releases.changelog import read_section
    from layerctl.releases.index import store
    from layerctl.releases.index.model import LayerIndex
    from layerctl.releases.index.record import describe, find_release
    from layerctl.releases.notes import write_notes

    if save and not changelog:
        raise click.UsageError("--save needs --changelog")
    index = LayerIndex.load(index_file)
    found = find_release(index, release)
    text = read_section(changelog, release) if changelog else ""
    changes = compare(*artifacts, optional_layer_config(None)).rows() if artifacts else []
    if save:
        store.update(index_file, index.layer, lambda current: describe(current, release, text), dry_run=dry_run)
    click.echo(write_notes(found, text, changes))


@command.command()
def schema() -> None:
    """Write the JSON schema of layers.json."""
    from layerctl.releases.index.model import schema as loaded

    print_json(loaded())


def _replaced(index: LayerIndex, gone: LayerVersionArn, entries: Iterable[RegionalRelease]) -> bool:
    """Whether a version that is gone has a successor of the same release in its region."""
    release = index.find(gone)
    here = [entry for entry in entries if entry.version.arn.region == gone.region]
    return release is not None and any(entry.release == release.version for entry in here)


def _load(path: Path, layer: str) -> LayerIndex:
    from layerctl.releases.index.model import LayerIndex

    return LayerIndex.load(path).require_layer(layer, path)
