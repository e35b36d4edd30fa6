"""`layerctl pins list|check|bump`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

__all__ = ["command"]


@click.group()
def command() -> None:
    """List, check and bump the layer versions that templates pin."""


@command.command("list")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Write JSON for machines.")
def list_(paths: tuple[Path, ...], as_json: bool) -> int:
    """Find every layer version ARN in files and folders."""
    from layerctl.pins import listing
    from layerctl.pins.scan import scan

    report = scan(paths)
    (listing.write_json if as_json else listing.write_table)(report, sys.stdout)
    for problem in report.problems:
        click.echo(f"error: {problem}", err=True)
    return 2 if report.problems else 0


@command.command("bump")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--to", default="latest", show_default=True, help="latest, a release (1.4.0), or a version number.")
@click.option("--layer", help="Only pins of this layer: its name, or its ARN without a version.")
@click.option("--index", "indexes", multiple=True, help="A layers.json: a file or an https address. Repeatable.")
@click.option(
    "--region", "regions", multiple=True, help="Where templates that name no region are deployed. Repeatable."
)
@click.option("--major", is_flag=True, help="Allow a jump over a major version.")
@click.option("--comment", is_flag=True, help="Add a comment that names the release, where there is none.")
@click.option("--dry-run", is_flag=True, help="Show the diff, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON for machines.")
def bump(
    *,
    paths: tuple[Path, ...],
    to: str,
    layer: str | None,
    indexes: tuple[str, ...],
    regions: tuple[str, ...],
    major: bool,
    comment: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Move pins to another version, changing nothing but the version's characters."""
    from layerctl.pins.bumping import bump_all
    from layerctl.pins.catalogue import catalogue_of
    from layerctl.pins.targets import Wish

    wish = Wish(to, layer, major=major, regions=frozenset(regions))
    outcome = bump_all(paths, wish, catalogue_of(indexes), comment=comment, dry_run=dry_run)
    outcome.show(sys.stdout, as_json=as_json)
    click.echo(outcome.summary(), err=True)
    for note in outcome.notes:
        click.echo(f"note: {note}", err=True)
    for problem in outcome.problems:
        click.echo(f"error: {problem}", err=True)
    return 2 if outcome.problems else 0
