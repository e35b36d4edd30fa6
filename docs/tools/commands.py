"""A page for each command of layerctl: its help, usage and options, as the parser has them."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

import click

from layerctl.cli.app import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["pages"]

_NOTE = "<!-- Written by `make reference` from layerctl's parser. -->\n"


def pages() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each page: the index, and a page for each command."""
    context = click.Context(cli, info_name="layerctl", **cli.context_settings)
    index = [_NOTE, "# Commands\n", f"{_paragraphs(cli)}\n"]
    for title, names in cli.sections.items():
        index += [f"## {title}\n", "| command | what it does |", "|---|---|"]
        for name in names:
            command = cli.get_command(context, name)
            assert command is not None
            index.append(f"| [`layerctl {name}`]({name}.md) | {_first_sentence(command)} |")
            yield f"{name}.md", _page(command, context, name)
        index.append("")
    index.append(
        "[What all of them have in common](../../command-line.md): options, exit codes, completion, the cache.\n"
    )
    yield "README.md", "\n".join(index)


def _page(command: click.Command, parent: click.Context, name: str) -> str:
    context = click.Context(command, info_name=name, parent=parent)
    parts = [_NOTE, *_section(command, context, level=1)]
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None and not found.hidden:
                parts += _section(found, click.Context(found, info_name=child, parent=context), level=2)
    return "\n".join(parts)


def _section(command: click.Command, context: click.Context, *, level: int) -> Iterator[str]:
    yield f"{'#' * level} {context.command_path}\n"
    yield f"```text\n{' '.join([context.command_path, *command.collect_usage_pieces(context)])}\n```\n"
    yield f"{_paragraphs(command)}\n"
    rows = [
        _row(parameter, context) for parameter in command.get_params(context) if isinstance(parameter, click.Option)
    ]
    rows = [row for row in rows if row]
    if rows:
        yield "\n".join(["| option | meaning |", "|---|---|", *rows]) + "\n"


def _row(option: click.Option, context: click.Context) -> str:
    if "--help" in option.opts:  # click keeps the names that it had when the command was first used, in whatever way
        return f"| `{', '.join(context.help_option_names)}` | {option.help} |"
    record = option.get_help_record(context)
    if record is None:
        return ""
    names, meaning = record
    return f"| `{_cell(names)}` | {_prose(_cell(meaning))} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _paragraphs(command: click.Command) -> str:
    """Return the help, whose paragraphs are wrapped for a terminal, for a page."""
    paragraphs = inspect.cleandoc(command.help or command.short_help or "").split("\n\n")
    return "\n\n".join(_paragraph(paragraph) for paragraph in paragraphs)


def _paragraph(paragraph: str) -> str:
    if paragraph.startswith("\b"):  # click's mark for text that keeps its lines
        return "```text\n" + paragraph.removeprefix("\b").strip("\n") + "\n```"
    return _prose(" ".join(paragraph.split()))


def _prose(text: str) -> str:
    """Return text whose brackets are none of Markdown's."""
    return re.sub(r"[\[\]<]", r"\\\g<0>", text)


def _first_sentence(command: click.Command) -> str:
    return _paragraphs(command).partition("\n\n")[0]
