"""Groups of commands: imported when used, listed in sections with whole sentences, near misses suggested."""

from __future__ import annotations

import difflib
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from layerctl.cli.options import verbosity_options
from layerctl.core.errors import ReaderLeftError
from layerctl.core.loading import Loading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Group", "LazyGroup"]


class Group(click.Group):
    """A group whose commands all have -q and -v, and whose help has each command's first sentence, whole."""

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command, with the options that every command has."""
        command = super().get_command(ctx, name)
        return _with_verbosity(command) if command is not None else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a name that is nearly right gets a suggestion."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=3, cutoff=0.5)
            if near and "No such command" in error.message:
                names = " or ".join(f"{name!r}" for name in near)
                raise click.UsageError(f"No such command {args[0]!r}. Did you mean {names}?", ctx) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each command with the first sentence of its help."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, _first_sentence(command)) for name, command in self.commands.items() if not command.hidden]
            )


class LazyGroup(Group):
    """A group that knows its commands by name and imports one when it is invoked.

    Args:
        sections: title -> command -> (the module that defines it as `command`, its help in one sentence). The help
            stands there so that the group's own help imports no command.
    """

    def __init__(self, *args: Any, sections: Mapping[str, Mapping[str, tuple[str, str]]], **extra: Any) -> None:
        super().__init__(*args, **extra)
        self.sections = sections
        self._modules = {name: module for commands in sections.values() for name, (module, _) in commands.items()}
        self.params += verbosity_options()

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Parse the arguments; the help is written here."""
        with _readers_told_apart():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _readers_told_apart():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of the sections."""
        return list(self._modules)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a command."""
        if name not in self._modules:
            return None
        with Loading():
            command = import_module(self._modules[name]).command
        assert isinstance(command, click.Command)
        return _with_verbosity(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections."""
        width = max(map(len, self._modules))
        for title, commands in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), text) for name, (_, text) in commands.items()])


def _with_verbosity(command: click.Command) -> click.Command:
    """Add -q and -v, once; a group's commands get them when they are asked for."""
    if not isinstance(command, click.Group) and not any(option.name == "quiet" for option in command.params):
        command.params += verbosity_options()
    return command


def _first_sentence(command: click.Command) -> str:
    text = " ".join((command.help or "").split("\n\n")[0].split())
    end = text.find(". ")
    return text if end < 0 else text[: end + 1]


@contextmanager
def _readers_told_apart() -> Iterator[None]:
    """Tell a reader that went away from other errors of the operating system, before click makes an exit code of it."""
    try:
        yield
    except BrokenPipeError:
        raise ReaderLeftError from None
