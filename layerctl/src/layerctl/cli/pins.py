"""`layerctl pins`: list, check and bump the layer versions that templates pin."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from layerctl.cli.exclusions import exclude_option, tell_left_out, tell_problems
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
    from layerctl.scan.exclusion import Exclusion
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
@exclude_option()
@json_option
def list_(*, paths: tuple[Path, ...], as_json: bool, exclusion: Exclusion, **sources: Any) -> int:
    """Find every layer version ARN in files and folders.

    SAM and CloudFormation (YAML, JSON), samconfig, serverless.yml, Terraform, CDK and any other text. With an index,
    also the release and its age. Nothing is executed, and nothing is looked up but versions.

    In folders, what git ignores, copies and installed packages are left out, and it is said which.

    Exit code 0: everything was read, or what was found in a folder and could not be read is told in a warning. 2: a
    template that was named could not be read (in full); the others are listed.
    """
    from layerctl.pins import listing

    sources["aws"] = sources["aws"] or False  # a list never goes to AWS unless told to
    resolver = _resolver(**sources)
    report = _scan(paths, exclusion)
    (listing.write_json if as_json else listing.write_table)(report, resolver, sys.stdout)
    tell_left_out(report.left_out, report.notes)
    if report.unresolved and not as_json:
        count = len(report.unresolved)
        note(f"note: the version of {count} more is decided elsewhere (--json shows them)")
    for part in report.unread if not as_json else ():
        note(f"note: {part.path}:{part.line}:{part.column}: {part.message}; {part.hint}")
    tell_problems(report.problems)
    return 2 if any(problem.named for problem in report.problems) else 0


@command.command("check")
@_PATHS
@_sources
@exclude_option()
@click.option("--max-behind", type=click.IntRange(min=0), help="How many newer releases there may be.")
@click.option("--max-age", type=Age(), help="How old a version may be while a newer one exists: 90d, 12w, 36h.")
@findings_options
def check(
    *,
    paths: tuple[Path, ...],
    max_behind: int | None,
    max_age: timedelta | None,
    exclusion: Exclusion,
    report: Report,
    **sources: Any,
) -> int:
    """Check that each pin is known, not yanked, of the right region, fit for its functions, and recent enough.

    Versions come from the index, Parameter Store, or Lambda, in that order.

    Warnings, which --strict takes for errors: versions that are decided elsewhere, nested templates that were not
    searched, and broken files that were found in folders.

    Exit code 0: all is well, or warnings only. 1: errors. 2: a template that was named could not be read, or nobody
    knows any versions.
    """
    from layerctl.pins.check import StalenessLimits, check_pins
    from layerctl.pins.open import in_order, what_is_open
    from layerctl.pins.rules import RULES

    resolver = _resolver(**sources)
    found = _scan(paths, exclusion)
    findings = check_pins(
        found.pins, resolver, StalenessLimits(max_behind, max_age), regions=frozenset(sources["regions"])
    )
    findings = in_order([*findings, *what_is_open(found)])
    tell_left_out(found.left_out, found.notes)
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
        looked_at=_looked_at(found),
        files=found.paths,
        complete=not (unknown or any(problem.named for problem in found.problems)),
    )


@command.command("bump")
@_PATHS
@click.option("--to", default="latest", show_default=True, help="latest, a release (1.4.0), or a version number.")
@click.option("--layer", help="Only pins of this layer: its name, or its ARN without a version.")
@_sources
@click.option("--major", is_flag=True, help="Allow a jump over a major version.")
@click.option("--force", is_flag=True, help="Allow --to to name a yanked release.")
@click.option("--comment", is_flag=True, help="Add a comment that names the release, where there is none.")
@exclude_option()
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
    exclusion: Exclusion,
    **sources: Any,
) -> int:
    """Move pins to another version, changing nothing but the version's characters.

    A comment at a pin that names its release (# shared-utils 1.4.0) says the new one, or goes where no index tells it.
    Shows a diff that git apply takes; writes each file in one step, and only if nobody else changed it meanwhile. What
    the releases change is shown where the index has it.

    Exit code 0: done. 2: a pin, or a template that was named, could not be moved; the others are.
    """
    from layerctl.pins.bump import bump_all
    from layerctl.pins.resolve.targets import BumpRequest

    request = BumpRequest(to, layer, major=major, force=force, regions=frozenset(sources["regions"]))
    resolver, found = _resolver(**sources), _scan(paths, exclusion)
    moving = partial(progress, "planning" if dry_run else "moving pins")
    outcome = bump_all(found, request, resolver, comment=comment, dry_run=dry_run, moving=moving)
    outcome.show(sys.stdout, as_json=as_json)
    for release in outcome.releases:
        note(f"{'' if release.taken else 'taken back: '}{release.layer} {release.release}\n\n{release.notes}\n")
    for text in outcome.notes:
        note(f"note: {text}")
    tell_left_out(outcome.left_out)
    tell_problems(outcome.problems)
    note(outcome.summary())
    return 2 if any(problem.named for problem in outcome.problems) else 0


def _resolver(**sources: Any) -> VersionResolver:
    from layerctl.pins.resolve.resolver import resolver_of

    with waiting("reading the index"):
        return resolver_of(**sources)


def _scan(paths: tuple[Path, ...], exclusion: Exclusion) -> FileReport:
    from layerctl.scan.files import scan

    with transfer("searching") as searched:
        return scan(paths, searched, exclusion=exclusion)


def _looked_at(found: FileReport) -> str:
    """What was checked, and how much of it could not be."""
    opened = f", {len(found.unresolved)} more with a version that is decided elsewhere" if found.unresolved else ""
    return count_text(len(found.pins), "pin") + opened
