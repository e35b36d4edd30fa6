"""`layerctl cache`."""

from __future__ import annotations

import click

from layerctl.cli.groups import Group
from layerctl.cli.options import dry_run_option
from layerctl.core.text import count_text, size_text

__all__ = ["command"]


@click.group("cache", cls=Group)
def command() -> None:
    """Show and clean what is kept between runs: unpacked layers, fetched layers, bytecode, the runtime's packages."""


@command.command("dir")
def show() -> None:
    """Print the cache folder."""
    from layerctl.core.files.cache import cache_root

    click.echo(cache_root())


@command.command()
@dry_run_option
def clean(*, dry_run: bool) -> int:
    """Delete everything in the cache folder. What is needed again is made or fetched again.

    What another process is filling at this moment is left alone.

    Exit code 0: it is clean. 2: something could not be deleted.
    """
    from layerctl.core.files.cache import clean_cache

    outcome = clean_cache(dry_run=dry_run)
    for path, problem in outcome.left:
        click.echo(f"error: {path} was left: {problem}", err=True)
    verb = "would be deleted" if dry_run else "deleted"
    click.echo(f"{count_text(outcome.entries, 'folder')}, {size_text(outcome.size)} {verb}")
    return 2 if outcome.left else 0
