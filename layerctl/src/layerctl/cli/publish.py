"""`layerctl publish`."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from layerctl.cli.options import LayerTarget, aws_options, dry_run_option, index_option, stage_option
from layerctl.cli.output import note, print_json, print_table, warning

if TYPE_CHECKING:
    from layerctl.aws.regions import InRegions
    from layerctl.releases.publish.payload import Payload
    from layerctl.releases.publish.region import RegionOutcome


@click.command()
@click.argument("artifact", type=click.Path(path_type=Path))
@aws_options
@click.option("--release", metavar="VERSION", help="The version; default: the manifest's, else the file name's.")
@click.option("--s3-bucket", metavar="NAME", help="For zips over 50 MB: a bucket in each region, e.g. 'lib-{region}'.")
@click.option("--s3-prefix", default="layers", show_default=True, help="Where in the bucket.")
@index_option("The index file: the release is written into it.")
@stage_option
@click.option("--no-latest", is_flag=True, help="Do not let /NAME/STAGE/latest name the release.")
@dry_run_option
def command(
    *,
    target: LayerTarget,
    artifact: Path,
    release: str | None,
    s3_bucket: str | None,
    s3_prefix: str,
    index_file: Path | None,
    stage: str,
    no_latest: bool,
    dry_run: bool,
) -> int:
    """Publish ARTIFACT (a layer's zip) to one or many regions.

    A region that has the content already is skipped and repaired: its permissions are those of layer.toml. So a
    run that failed somewhere is simply repeated. Every region is verified afterwards. Without a layer.toml, --layer and
    --region say which and where, the zip's manifest what it runs on, and nobody is granted anything.

    Exit code 0: every region has it. 1: verification found differences. 2: a region is missing.
    """
    from layerctl.releases.index import store
    from layerctl.releases.index.model import LayerIndex
    from layerctl.releases.index.record import RegionalRelease, forget, gone_for, merge, require_same_content
    from layerctl.releases.policies.audience import configured
    from layerctl.releases.publish.payload import Payload
    from layerctl.releases.publish.region import RegionPublisher

    payload = Payload.read(artifact, target.config, layer=target.named_layer, release=release)
    if not payload.runtimes:
        note("it names no compatible runtimes: there is neither a layer.toml nor a manifest")
    known = LayerIndex(payload.layer)
    if index_file:  # all that the index could object to, before anything is done
        known = store.update(index_file, payload.layer, lambda index: index, dry_run=True)
        require_same_content(known, payload.release, payload.content_digest)
        if (release_known := known.releases.get(payload.release)) and release_known.yanked:
            warning(f"{payload.release} was yanked: {release_known.yanked.reason}")
            no_latest = True
    publisher = RegionPublisher(
        target.aws, payload, configured(target.config), s3_bucket, s3_prefix, dry_run, None if no_latest else stage
    )
    outcome = target.everywhere("publishing", publisher)
    if target.as_json:
        print_json(_data(payload, outcome, dry_run) | target.data(outcome.failures))
    else:
        _show(payload, outcome)
        target.close(outcome.failures)
    if index_file and not dry_run:
        entries = [
            RegionalRelease(payload.release, payload.content_digest, result.version, result.code_sha256, result.size)
            for result in outcome.results.values()
            if result.version and not result.problems
        ]
        if entries:
            gone = gone_for(target.aws, known, entries)
            store.update(index_file, payload.layer, lambda index: merge(forget(index, gone), entries))
    problems = any(result.problems for result in outcome.results.values())
    return 2 if outcome.failures else 1 if problems else 0


def _show(payload: Payload, outcome: InRegions[RegionOutcome]) -> None:
    numbers = _numbers(outcome)
    usual = max(numbers, key=lambda number: (len(numbers[number]), number), default=0)
    rows: list[tuple[object, ...]] = []
    for region, result in outcome.results.items():
        remarks = [*(f"WRONG: {problem}" for problem in result.problems), *result.notes]
        number, arn = (result.version.number, result.version.arn) if result.version else ("", "")
        if result.version and result.version.number != usual:
            remarks.append(f"numbered {number}, elsewhere {usual}")
        rows.append((region, "differs" if result.problems else result.status, number, arn, "; ".join(remarks)))
    rows += [(region, "FAILED", "", "", failure.what) for region, failure in outcome.failures.items()]
    columns = ("region", "status", "version", "ARN", "notes")
    print_table(columns, rows, title=f"{payload.layer} {payload.description}")
    if len(numbers) > 1:
        parts = (f"{number} in {', '.join(regions)}" for number, regions in sorted(numbers.items()))
        note(f"version numbers differ: {'; '.join(parts)}. Pin the ARN of each region (layers.json has them).")


def _numbers(outcome: InRegions[RegionOutcome]) -> dict[int, list[str]]:
    numbers: defaultdict[int, list[str]] = defaultdict(list)
    for region, result in outcome.results.items():
        if result.version:
            numbers[result.version.number].append(region)
    return dict(numbers)


def _data(payload: Payload, outcome: InRegions[RegionOutcome], dry_run: bool) -> dict[str, Any]:
    return {
        "layer": payload.layer,
        "release": payload.release,
        "content_digest": payload.content_digest,
        "dry_run": dry_run,
        "version_numbers_differ": len(_numbers(outcome)) > 1,
        "regions": {
            region: {
                "status": result.status,
                "arn": str(result.version.arn) if result.version else None,
                "version": result.version.number if result.version else None,
                "code_sha256": result.code_sha256 or None,
                "size": result.size or None,
                "notes": list(result.notes),
                "problems": list(result.problems),
            }
            for region, result in outcome.results.items()
        },
    }
