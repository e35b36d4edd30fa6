"""The command line: one group whose commands are imported only when they are used."""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from layerctl import __version__
from layerctl.core.errors import ReaderLeftError

if TYPE_CHECKING:
    from collections.abc import Iterator

# command -> (the module under layerctl.cli that defines it, its one-line help).
# The help stands here so that `layerctl --help` imports no command.
_COMMANDS: dict[str, tuple[str, str]] = {
    "build": ("build", "Build the layer: wheel, locked closure, bytecode, zip, manifest and SBOM."),
    "verify": (
        "verify",
        "Prove what an artifact is: layout, budgets, hashes, dependencies, bytecode, rebuild.",
    ),
    "inspect": ("inspect", "Show what is in an artifact, as a table or a self-contained HTML page."),
    "publish": ("publish", "Publish an artifact to one or many regions; present content is skipped."),
    "share": ("share", "Grant or revoke the use of layer versions."),
    "permissions": ("permissions", "Audit who may use which version, over all retained versions."),
    "index": ("index", "Write, check and mirror layers.json, the index of released versions."),
    "usage": ("usage", "Tell which functions, aliases and templates use which layer version."),
    "prune": ("prune", "Delete layer versions that nobody uses any more."),
    "pins": ("pins", "List, check and bump the layer versions that templates pin."),
    "check": ("check", "Work out what Lambda will do with each function's layers, and what will go wrong."),
    "run": ("run", "Serve the functions of SAM templates over HTTP in AWS's own runtime emulator."),
    "invoke": ("invoke", "Run one function of a SAM template once, on an event from a file."),
}


@contextmanager
def _told_of_readers() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise ReaderLeftError from None


class _LazyGroup(click.Group):
    """A group that knows its commands by name and imports one when it is invoked."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        with _told_of_readers():  # the help is written here
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _told_of_readers():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command = import_module(f"layerctl.cli.{_COMMANDS[name][0]}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="layerctl")
def cli() -> None:
    """Build, prove, publish, share, pin and prune AWS Lambda layers, and run functions locally.

    Exit codes: 0 fine, 1 found something, 2 wrong usage or could not do it.
    """
