"""Command lines of layerctl as workflows and documents write them, held against its own parser."""

from __future__ import annotations

import shlex

import click

from layerctl.cli.app import cli

__all__ = ["parse"]


def parse(line: str) -> None:
    """Parse ``layerctl …`` without running it.

    Raises:
        click.ClickException: a command, option or argument does not exist, or a file that must exist does not.
    """
    argv = [word.replace("*", "layer") for word in shlex.split(line, comments=True)[1:]]
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group):
        if argv[:1] == ["--help"]:
            return
        name, *argv = argv
        found = command.get_command(context, name)
        if found is None:
            raise click.UsageError(f"no such command: {name}")
        command = found
    with command.make_context(command.name, argv):
        return
