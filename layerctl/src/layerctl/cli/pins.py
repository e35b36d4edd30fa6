"""`layerctl pins`: list, check and bump the layer versions that templates pin."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from layerctl.core.diagnostics import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from layerctl.pins.resolve.versions import VersionResolver
    from layerctl.scan.model import FileReport

__all__ = ["command"]

F = TypeVar("F", bound="Callable[..., Any]")

_PATHS = click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
_JSON = click.option("--json", "as_json", is_flag=True, help="Write JSON for machines.")


def _sources(command: F) -> F:
    """The options that say where versions are known from."""
    for option in (
        click.option(
            "--stage", default="dev", show_default=True, help="Whose parameters, /NAME/STAGE/versions/RELEASE."
        ),
        click.option(
            "--aws/--offline",
            default=None,
            help="Ask Parameter Store, then Lambda, about layers that no index knows; or never. Default: ask if there "
            "is no index, and the environment has credentials.",
        ),
        click.option(
            "--region", "regions", multiple=True, help="Where templates that name no region are deployed. Repeatable."
        ),
        click.option(
            "--index",
            "indexes",
            multiple=True,
            help="A layers.json: a file or an https address. Repeatable. Default: LAYERCTL_INDEX, else ./layers.json.",
        ),
    ):
        command = option(command)
    return command


@click.group()
def command() -> None:
    """List, check and bump the layer versions that templates pin."""


@command.command("list")
@_PATHS
@_sources
@_JSON
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
@click.option("--max-age", help="How old a version may be while a newer one exists: 90d, 12w, 36h.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", help="How findings are written.")
@_JSON
def check(
    *,
    paths: tuple[Path, ...],
    max_behind: int | None,
    max_age: str | None,
    form: str,
    as_json: bool,
    **sources: Any,
) -> int:
    """Check that each pin is known, not yanked, of the right region, fit for its functions, and recent enough.

    Versions come from the index, Parameter Store, or Lambda, in that order.

    Exit code 0: all is well. 1: findings. 2: a file could not be read, or nobody knows any versions.
    """
    from layerctl.core.diagnostics import Severity, render
    from layerctl.pins.check import RULES, Limits, check_pins, parse_age

    limits = Limits(max_behind, parse_age(max_age) if max_age else None)
    resolver = _resolver(**sources)
    report = _scan(paths)
    findings = check_pins(report.pins, resolver, limits, regions=frozenset(sources["regions"]))
    text = render(findings, "json" if as_json else form, tool="pins check", rules=RULES)
    if text:
        click.echo(text)
    _close(report, as_json=True)
    for where, failure in resolver.failures():
        click.echo(f"error: {where}: {failure}", err=True)
    bad = sum(one.severity is not Severity.NOTE for one in findings)
    click.echo(f"{len(report.pins)} pins checked, {bad} finding{'s' * (bad != 1)}", err=True)
    if report.pins and not resolver.sources:
        click.echo(
            "error: no source of versions: only regions and partitions were checked; name a layers.json with --index, "
            "or log in to AWS and say --aws",
            err=True,
        )
    elif report.pins and all(resolver.source(pin) is None for pin in report.pins) and any(resolver.failures()):
        click.echo("error: no source of versions could be asked", err=True)
    elif not report.problems:
        return 1 if bad else 0
    return 2


@command.command("bump")
@_PATHS
@click.option("--to", default="latest", show_default=True, help="latest, a release (1.4.0), or a version number.")
@click.option("--layer", help="Only pins of this layer: its name, or its ARN without a version.")
@_sources
@click.option("--major", is_flag=True, help="Allow a jump over a major version.")
@click.option("--comment", is_flag=True, help="Add a comment that names the release, where there is none.")
@click.option("--dry-run", is_flag=True, help="Show the diff, and write nothing.")
@_JSON
def bump(
    *,
    paths: tuple[Path, ...],
    to: str,
    layer: str | None,
    major: bool,
    comment: bool,
    dry_run: bool,
    as_json: bool,
    **sources: Any,
) -> int:
    """Move pins to another version, changing nothing but the version's characters.

    A comment behind a pin that names its release (# shared-utils 1.4.0) is kept true. Shows a diff; writes each file
    in one step, and only if nobody else changed it meanwhile.

    Exit code 0: done. 2: a pin or a file could not be moved; the others are.
    """
    from layerctl.pins.bump import bump_all
    from layerctl.pins.resolve.targets import BumpRequest

    request = BumpRequest(to, layer, major=major, regions=frozenset(sources["regions"]))
    with _progress() as progress:
        outcome = bump_all(paths, request, _resolver(**sources), comment=comment, dry_run=dry_run, progress=progress)
    outcome.show(sys.stdout, as_json=as_json)
    for note in outcome.notes:
        click.echo(f"note: {note}", err=True)
    for problem in outcome.problems:
        click.echo(f"error: {problem}", err=True)
    click.echo(outcome.summary(), err=True)
    return 2 if outcome.problems else 0


def _resolver(**sources: Any) -> VersionResolver:
    from layerctl.pins.resolve.resolver import resolver_of

    return resolver_of(**sources)


def _scan(paths: tuple[Path, ...]) -> FileReport:
    from layerctl.scan.files import scan

    with _progress() as progress:
        return scan(paths, progress)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on standard error, if that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("searching", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _close(report: FileReport, *, as_json: bool) -> None:
    """Say on standard error what was left out and what could not be read."""
    if report.skipped:
        names = sorted({Path(path).name for path in report.skipped})
        click.echo(f"note: left out {', '.join(names)} (name one to search it)", err=True)
    if report.unresolved and not as_json:
        count = len(report.unresolved)
        click.echo(f"note: the version of {count} more is decided elsewhere (--json shows them)", err=True)
    for problem in report.problems:
        click.echo(f"error: {problem}", err=True)
