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
