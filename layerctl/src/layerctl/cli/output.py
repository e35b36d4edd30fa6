"""What every command shows: results on standard output; notes, warnings and progress on standard error.

`-q` leaves out notes and progress, `-v` adds details. Errors and warnings are always shown.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from layerctl.core.text import some

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rich.console import Console

__all__ = [
    "detail",
    "error",
    "note",
    "on_interrupt",
    "print_json",
    "print_table",
    "progress",
    "set_verbosity",
    "transfer",
    "waiting",
    "warning",
]

_VERBOSITY = "layerctl.verbosity"


def set_verbosity(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    """Keep what `-q` and `-v` say, for this invocation; `parameter` tells which of them it is."""
    if value:
        context.meta[_VERBOSITY] = -1 if parameter.name == "quiet" else 1


def _verbosity() -> int:
    context = click.get_current_context(silent=True)
    return int(context.meta.get(_VERBOSITY, 0)) if context is not None else 0


def note(text: str) -> None:
    """Say something to people, beside the result."""
    if _verbosity() >= 0:
        click.echo(text, err=True)


def detail(text: str) -> None:
    """Say what only those want to know who asked for more (`-v`)."""
    if _verbosity() > 0:
        click.echo(text, err=True)


def warning(text: str) -> None:
    """Say what is doubtful. It does not change the exit code."""
    click.echo(f"warning: {text}", err=True)


def error(text: str) -> None:
    """Say what went wrong, where the command goes on to the rest."""
    click.echo(f"error: {text}", err=True)


def print_json(data: Any) -> None:
    """Write data for machines."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


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
def on_interrupt(text: str) -> Iterator[None]:
    """Say what is done, and what is not, when Ctrl-C ends a block; the command's exit code says the rest."""
    try:
        yield
    except KeyboardInterrupt:
        error(f"interrupted {text}")
        raise


@contextmanager
def progress(what: str, names: Sequence[str]) -> Iterator[Callable[[str], None]]:
    """Show a progress bar while a block runs. Ctrl-C says what is done and what is not.

    Args:
        what: what is done to each of them, e.g. ``publishing``.
        names: what there is to do.

    Yields:
        a function to call with the name of each thing that is done.
    """
    finished: list[str] = []
    with _bar(what, len(names)) as advance:

        def done(name: str) -> None:
            finished.append(name)
            advance(len(finished), len(names), f"{what}: {name}")

        try:
            yield done
        except KeyboardInterrupt:
            left = [name for name in names if name not in finished]
            error(f"interrupted while {what}; done: {some(finished, 40) or 'nothing'}; not done: {some(left, 40)}")
            raise


@contextmanager
def transfer(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar for work that counts bytes or files; yields a function to call with done and total.

    Ctrl-C says what was under way.
    """
    with on_interrupt(f"while {what}"), _bar(what, None) as advance:
        yield lambda done, total: advance(done, total, what)


@contextmanager
def waiting(what: str) -> Iterator[Callable[[str], None]]:
    """Show that something is under way; yields a function to call with each further step.

    Ctrl-C says what was under way.
    """
    with on_interrupt(f"while {what}"):
        console = _console()
        if console is None:
            yield lambda text: None
            return
        with console.status(what) as status:
            yield status.update


@contextmanager
def _bar(what: str, total: int | None) -> Iterator[Callable[[int, int, str], None]]:
    console = _console()
    if console is None:
        yield lambda done, total, text: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done, total, text: bar.update(task, completed=done, total=total, description=text)


def _console() -> Console | None:
    """The terminal to show progress on; None where there is none, or `-q` is given. Costs nothing then."""
    if _verbosity() < 0 or not sys.stderr.isatty():
        return None
    from rich.console import Console

    return Console(stderr=True)
