"""What every command shows: a table or JSON on standard output, progress on a terminal's standard error."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = ["note", "print_json", "print_table", "progress", "size_text"]


def print_json(data: Any) -> None:
    """Write data for machines."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def note(text: str) -> None:
    """Say something to people, beside the result: on standard error."""
    click.echo(text, err=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Write a table for people. It is never cut: in a pipe or a narrow window a line is as long as it needs to be."""
    from rich import box
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console = Console(file=sys.stdout, soft_wrap=True)
    width = Measurement.get(console, console.options.update(max_width=10_000), table).maximum
    console.width = max(width, 20)
    with console.capture() as text:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in text.get().splitlines()).strip("\n"))


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[str], None]]:
    """Show a progress bar on standard error while a block runs, when that is a terminal.

    Yields:
        a function to call with the name of each thing that is done.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)

        def done(name: str) -> None:
            bar.update(task, advance=1, description=f"{what}: {name}")

        yield done


def size_text(size: int) -> str:
    """Bytes for people: ``9.7 MB``, ``812.0 kB``, ``17 B`` (decimal, as Lambda's limits are)."""
    for unit, scale in (("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:,.1f} {unit}"
    return f"{size} B"
