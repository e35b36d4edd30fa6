"""`layerctl pins`: list, check and bump the layer versions that templates pin."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from layerctl.cli.findings import findings_options
from layerctl.cli.groups import Group
from layerctl.cli.options import Age, dry_run_option, json_option, profile_option, region_option, stage_option
from layerctl.cli.output import error, note, progress, transfer, waiting
from layerctl.core.text import count_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from layerctl.cli.findings import Report
    from layerctl.pins.resolve.versions import VersionResolver
    from layerctl.scan.model import FileReport

__all__ = ["command"]

F = TypeVar("F", bound="Callable[..., Any]")

_PATHS = click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))


def _sources(command: F) -> F:
    """The options that say where versions are known from."""
    for option in (
        stage_option,
        profile_option,
        click.option(
            "--aws/--offline",
            default=None,
            help="Ask Parameter Store, then Lambda, about layers that no index knows; or never.  [default: ask if "
            "there is no index, and the environment has credentials]",
        ),
        region_option("what the files beside a template say", repeatable=True),
        click.option(
            "--index",
            "indexes",
            multiple=True,
            help="The index: a file, https or s3 address. Repeatable.  [default: LAYERCTL_INDEX, else ./layers.json]",
        ),
    ):
        command = option(command)
    return command


@click.group(cls=Group)
def command() -> None:
    """List, check and bump the layer versions that templates pin."""


@command.command("list")
@_PATHS
@_sources
@json_option
def list_(*, paths: tuple[Path, ...], as_json: bool, **sources: Any) -> int:
    """Find every layer version ARN in files and folders.

    SAM and CloudFormation (YAML, JSON), samconfig, serverless.yml, Terraform, CDK and any other text. With an index,
    also the release and its age. Nothing is executed, and nothing is looked up but versions.

    Exit code 0: everything was read. 2: a file could not be read (in full); the others are listed.
    """
    from layerctl.pins import listing

    sources["aws"] = sources["aws"] or False  # a list never goes to AWS unless told to
    resolver = _resolver(**sources)
    report = _scan(paths)
    (listing.write_json if as_json else listing.write_table)(report, resolver, sys.stdout)
    _close(report, as_json=as_json)
    return 2 if report.problems else 0


@command.command("check")
@_PATHS
@_sources
@click.option("--max-behind", type=click.IntRange(min=0), help="How many newer releases there may be.")
@click.option("--max-age", type=Age(), help="How old a version may be while a newer one exists: 90d, 12w, 36h.")
@findings_options
def check(
    *, paths: tuple[Path, ...], max_behind: int | None, max_age: timedelta | None, report: Report, **sources: Any
) -> int:
    """Check that each pin is known, not yanked, of the right region, fit for its functions, and recent enough.

    Versions come from the index, Parameter Store, or Lambda, in that order.

    Exit code 0: all is well, or warnings only. 1: errors. 2: a file could not be read, or nobody knows any versions.
    """
    from layerctl.pins.check import Limits, check_pins
    from layerctl.pins.rules import RULES

    resolver = _resolver(**sources)
    found = _scan(paths)
    findings = check_pins(found.pins, resolver, Limits(max_behind, max_age), regions=frozenset(sources["regions"]))
    _close(found, as_json=True)
    for where, failure in resolver.failures():
        error(f"{where}: {failure}")
    unknown = None
    if found.pins and not resolver.sources:
        unknown = (
            "no source of versions: only regions and partitions were checked; name a layers.json with --index, or log "
            "in to AWS and say --aws"
        )
    elif found.pins and all(resolver.source(pin) is None for pin in found.pins) and any(resolver.failures()):
        unknown = "no source of versions could be asked"
    if unknown:
        error(unknown)
    return report.close(
        findings,
        tool="pins check",
        rules=RULES,
        looked_at=count_text(len(found.pins), "pin"),
        files=[pin.path for pin in found.pins],
        complete=not (unknown or found.problems),
    )


@command.command("bump")
@_PATHS
@click.option("--to", default="latest", show_default=True, help="latest, a release (1.4.0), or a version number.")
@click.option("--layer", help="Only pins of this layer: its name, or its ARN without a version.")
@_sources
@click.option("--major", is_flag=True, help="Allow a jump over a major version.")
@click.option("--force", is_flag=True, help="Allow --to to name a yanked release.")
@click.option("--comment", is_flag=True, help="Add a comment that names the release, where there is none.")
@dry_run_option
@json_option
def bump(
    *,
    paths: tuple[Path, ...],
    to: str,
    layer: str | None,
    major: bool,
    force: bool,
    comment: bool,
    dry_run: bool,
    as_json: bool,
    **sources: Any,
) -> int:
    """Move pins to another version, changing nothing but the version's characters.

    A comment at a pin that names its release (# shared-utils 1.4.0) says the new one, or goes where no index tells it.
    Shows a diff that git apply takes; writes each file in one step, and only if nobody else changed it meanwhile. What
    the releases change is shown where the index has it.

    Exit code 0: done. 2: a pin or a file could not be moved; the others are.
    """
    from layerctl.pins.bump import bump_all
    from layerctl.pins.resolve.targets import BumpRequest

    request = BumpRequest(to, layer, major=major, force=force, regions=frozenset(sources["regions"]))
    resolver, found = _resolver(**sources), _scan(paths)
    moving = partial(progress, "planning" if dry_run else "moving pins")
    outcome = bump_all(found, request, resolver, comment=comment, dry_run=dry_run, moving=moving)
    outcome.show(sys.stdout, as_json=as_json)
    for one in outcome.releases:
        note(f"{'' if one.taken else 'taken back: '}{one.layer} {one.release}\n\n{one.notes}\n")
    for text in outcome.notes:
        note(f"note: {text}")
    for problem in outcome.problems:
        error(str(problem))
    note(outcome.summary())
    return 2 if outcome.problems else 0


def _resolver(**sources: Any) -> VersionResolver:
    from layerctl.pins.resolve.resolver import resolver_of

    with waiting("reading the index"):
        return resolver_of(**sources)


def _scan(paths: tuple[Path, ...]) -> FileReport:
    from layerctl.scan.files import scan

    with transfer("searching") as searched:
        return scan(paths, searched)


def _close(report: FileReport, *, as_json: bool) -> None:
    """Say on standard error what was left out and what could not be read."""
    if report.skipped:
        names = sorted({Path(path).name for path in report.skipped})
        note(f"note: left out {', '.join(names)} (name one to search it)")
    if report.unresolved and not as_json:
        count = len(report.unresolved)
        note(f"note: the version of {count} more is decided elsewhere (--json shows them)")
    for problem in report.problems:
        error(str(problem))
