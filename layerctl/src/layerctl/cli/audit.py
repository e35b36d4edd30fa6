"""`layerctl audit`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from layerctl.cli.findings import findings_options
from layerctl.cli.options import FILE
from layerctl.cli.output import detail, error, note, waiting
from layerctl.core.files.find import find_above
from layerctl.core.text import count_text

if TYPE_CHECKING:
    from layerctl.audit import AuditedComponents, AuditPolicy
    from layerctl.audit.components import Found
    from layerctl.cli.findings import Report

__all__ = ["command"]

_API = "https://api.osv.dev"
_SEVERITIES = ("low", "medium", "high", "critical")


@click.command()
@click.argument("artifact", type=click.Path(path_type=Path))
@click.option(
    "--records",
    multiple=True,
    type=click.Path(path_type=Path),
    help="OSV's records on this machine: a folder, a zip (PyPI/all.zip) or a file. Repeatable.  [default: ask --api]",
)
@click.option("--api", default=_API, show_default=True, metavar="URL", help="Where to ask without --records.")
@click.option(
    "--exceptions", type=FILE, help="What is accepted, and until when.  [default: layer/audit.toml here or above]"
)
@click.option(
    "--fail-on", type=click.Choice(_SEVERITIES), help="The lowest severity that is an error.  [default: audit.toml's]"
)
@findings_options
def command(
    *,
    artifact: Path,
    records: tuple[Path, ...],
    api: str,
    exceptions: Path | None,
    fail_on: str | None,
    report: Report,
) -> int:
    """Tell which known vulnerabilities ARTIFACT (a zip, a folder or a CycloneDX SBOM) holds, by OSV's records.

    Exit code 0: none of the severity that fails. 1: some are not accepted. 2: records or artifact could not be read.
    """
    from datetime import UTC, datetime

    from layerctl.audit import RULES, Rating, ask_api, audit, components_of, load_records

    policy = _policy(exceptions)
    if fail_on:
        policy = replace(policy, fail_on=Rating[fail_on.upper()])
    found = components_of(artifact)
    with waiting("reading records"):
        known = load_records(records) if records else ask_api(found.components, api)
    done = audit(found, known, policy, path=str(artifact), today=datetime.now(UTC).date())
    for problem in known.problems:
        error(f"not read: {problem}")
    if report.for_people:
        _tell(found, done)
        note(f"{known.origin}: {count_text(known.seen, 'record')}, the newest of {known.newest[:10] or 'never'}")
    return report.close(
        done.findings,
        tool="audit",
        rules=RULES,
        looked_at=f"{artifact}: {count_text(len(found.components), 'distribution')}",
        complete=not known.problems,
    )


def _policy(path: Path | None) -> AuditPolicy:
    from layerctl.audit import AuditPolicy, load_policy

    path = path or find_above("layer/audit.toml", "audit.toml")
    if path is None:
        return AuditPolicy()
    detail(f"exceptions: {path}")
    return load_policy(path)


def _tell(found: Found, done: AuditedComponents) -> None:
    for purl in found.left_out:
        note(f"not audited: {purl} is of no index that has records")
    if not found.components:
        note("note: it holds no distribution; what was copied in without metadata cannot be audited")
    for vulnerability in done.accepted:
        note(f"accepted: {vulnerability.component.name} {vulnerability.component.version}: {vulnerability.names}")
    if done.withdrawn:
        note(f"{count_text(done.withdrawn, 'withdrawn record')} passed over")
