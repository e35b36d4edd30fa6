"""What commands that go through folders leave out, and how they say so."""

from __future__ import annotations

import functools
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from layerctl.cli.output import detail, error, note, warning
from layerctl.core.text import count_text, some
from layerctl.scan.model import EXCLUDED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from layerctl.scan.model import FileProblem, LeftOut

__all__ = ["exclude_option", "tell_left_out", "tell_problems"]

F = TypeVar("F", bound="Callable[..., Any]")

_NAMED = 6  # how many names a line has


def exclude_option(*, for_uses: bool = False) -> Callable[[F], F]:
    """Add --exclude; the function gets what is left out as `exclusion`.

    Args:
        for_uses: the command asks who uses a version, and must not overlook one: what git ignores and what
            [tool.layerctl] excludes is searched, and --exclude is for what cannot be read.
    """

    def decorate(command: F) -> F:
        @functools.wraps(command)
        def with_exclusion(*args: Any, exclude: Sequence[str], **rest: Any) -> Any:
            from layerctl.rules.selection import Selection
            from layerctl.scan.exclusion import Exclusion

            exclusion = Exclusion(ignored=not for_uses)
            if not for_uses:
                repository = Selection.load()
                exclusion = exclusion.and_patterns(repository.exclude, repository.root)
            return command(*args, exclusion=exclusion.and_patterns(exclude, Path.cwd()), **rest)

        return click.option(  # type: ignore[return-value]
            "--exclude",
            multiple=True,
            metavar="PATTERN",
            help="Files and folders to leave out, in the form of a .gitignore here: tests/fixtures/, *.sln.template. "
            "Repeatable; "
            + ("a version that they name is in use all the same." if for_uses else "adds to those of [tool.layerctl]."),
        )(with_exclusion)

    return decorate


def tell_left_out(left_out: Iterable[LeftOut], notes: Iterable[str] = ()) -> None:
    """Say what was not looked at: how many for each reason, by name; with -v every path."""
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for path, why in left_out:
        by_reason[why].append(path)
    if by_reason:
        reasons = (f"{why}: {_some(paths)}" for why, paths in by_reason.items())
        ways = "-v shows each" if set(by_reason) == {EXCLUDED} else "name one to search it, -v shows each"
        note(f"note: left out {'; '.join(reasons)} ({ways})")
    for why, paths in by_reason.items():
        for path in paths:
            detail(f"left out: {path} ({why})")
    for text in notes:
        note(f"note: {text}")


def _some(paths: Sequence[str]) -> str:
    names = {path.rpartition("/")[2] for path in paths}
    return some(names, _NAMED) + (f" ({len(paths)})" if len(paths) > len(names) else "")


def tell_problems(problems: Sequence[FileProblem]) -> None:
    """Say what could not be read: an error for what was named, a warning for what was found in a folder."""
    found = 0
    for problem in problems:
        (error if problem.named else warning)(str(problem))
        found += not problem.named
    if found:
        note(f"note: {count_text(found, 'problem')} of files that were found in folders: mend them, or --exclude them")
