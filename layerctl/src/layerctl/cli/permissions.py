"""`layerctl permissions`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from layerctl.cli.options import LayerTarget, apply_option, aws_findings_options, index_option
from layerctl.cli.output import note, print_json, print_table
from layerctl.core.errors import LayerctlError
from layerctl.core.text import count_text

if TYPE_CHECKING:
    from pathlib import Path

    from layerctl.cli.findings import Report
    from layerctl.releases.policies.audit import AuditedVersion
    from layerctl.releases.policies.grants import SharingStep


@click.command()
@aws_findings_options
@click.option("--repair", is_flag=True, help="Plan the grants that make it what layer.toml says, and the revocations.")
@apply_option("Carry out what --repair plans.")
@index_option("The index file: its yanked releases need not be shared.")
def command(*, target: LayerTarget, report: Report, repair: bool, apply_: bool, index_file: Path | None) -> int:
    """Audit who may use which version: every retained version, in every region, against layer.toml's [sharing].

    Without a layer.toml, --layer and --region say which and where, and who may use what is listed only.

    Exit code 0: nobody may use more than layer.toml says. 1: someone may (with --repair --apply: and still may).
    2: a region could not be audited.
    """
    from layerctl.releases.index.model import LayerIndex
    from layerctl.releases.policies.audience import configured
    from layerctl.releases.policies.audit import audit, read_region, reconcile
    from layerctl.releases.rules import GRANT_RULES as RULES

    if apply_ and not repair:
        raise click.UsageError("--apply carries out what --repair plans: add --repair")
    dry_run = not apply_
    if target.config is None:
        if repair:
            raise LayerctlError("there is no layer.toml to repair by", hint="name one with --layer-config")
        note("no layer.toml says who should be able to use the layer: who can is listed, and not judged")
    wanted = configured(target.config)
    index = LayerIndex.load(index_file) if index_file else LayerIndex(target.layer)
    yanked = [release.version for release in index.releases.values() if release.yanked]

    def work(region: str) -> tuple[list[AuditedVersion], list[SharingStep]]:
        client = target.aws.client("lambda", region)
        audited = read_region(client, target.layer)
        steps = reconcile(client, audited, wanted, yanked=yanked, dry_run=dry_run) if repair else []
        return (read_region(client, target.layer) if steps and not dry_run else audited), steps

    outcome = target.everywhere("auditing", work)
    audited = [version for found, _ in outcome.results.values() for version in found]
    steps = [step for _, taken in outcome.results.values() for step in taken]
    findings = report.wanted(audit(audited, wanted, yanked) if target.config else [], rules=RULES)
    rows = [_row(version) for version in audited]
    if target.as_json:
        data = {
            "layer": target.layer,
            "wanted": [str(audience) for audience in sorted(wanted)] if target.config else None,
            "versions": rows,
            "findings": [asdict(finding) for finding in findings],
            "changes": [{"arn": str(step.arn), "change": str(step), "done": not dry_run} for step in steps],
        }
        print_json(data | target.data(outcome.failures))
    else:
        lines = [(row["arn"], row["release"] or "", ", ".join(row["audiences"]) or "nobody else") for row in rows]
        print_table(("layer version", "release", "may be used by"), lines)
        for step in steps:
            click.echo(f"{step.arn}: {'would ' if dry_run else ''}{step}")
        if steps and dry_run:
            note("nothing was done: use --apply")
        target.note_if_none(audited)
        target.close(outcome.failures)
        return report.close(
            findings,
            tool="permissions",
            rules=RULES,
            looked_at=count_text(len(audited), "version"),
            complete=not outcome.failures,
        )
    return report.exit_code(findings, complete=not outcome.failures)


def _row(audited: AuditedVersion) -> dict[str, Any]:
    return {
        "arn": str(audited.version.arn),
        "release": audited.version.release,
        "audiences": [str(audience) for audience in sorted(audited.audiences)],
    }
