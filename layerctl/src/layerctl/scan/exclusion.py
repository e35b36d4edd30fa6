"""What is not looked at because somebody said so: patterns, and what git ignores."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from layerctl.core.errors import LayerctlError
from layerctl.core.files.find import find_above
from layerctl.core.files.git import ask_git

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pathspec import GitIgnoreSpec

__all__ = ["Exclusion", "ignored_by_git"]


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Which files and folders are left out, whether they are named or found.

    Attributes:
        patterns: each set with the folder that it is relative to.
        ignored: whether files that git ignores are left out of folders, too.
    """

    patterns: tuple[tuple[Path, GitIgnoreSpec], ...] = ()
    ignored: bool = True

    def and_patterns(self, patterns: Iterable[str], base: Path) -> Exclusion:
        """This and patterns in the form of a .gitignore that lies in `base`.

        Raises:
            LayerctlError: a pattern that git does not take.
        """
        lines = [line for line in patterns if line]
        if not lines:
            return self
        from pathspec import GitIgnoreSpec  # half of what a search costs to import, and most have no patterns

        try:
            spec = GitIgnoreSpec.from_lines(lines)
        except ValueError as error:
            raise LayerctlError(f"exclude: {error}", hint="write patterns as in a .gitignore") from None
        bases = dict.fromkeys((base.absolute(), base.resolve()))  # one may be a link to the other
        return Exclusion((*self.patterns, *((path, spec) for path in bases)), self.ignored)

    def leaves_out(self, path: str, *, folder: bool = False) -> bool:
        """Whether a pattern is for a path, or for a folder above it."""
        if not self.patterns:
            return False
        whole = os.path.abspath(path)  # noqa: PTH100 (links stay as they are written, and no Path per file)
        for base, spec in self.patterns:
            relative = os.path.relpath(whole, base)
            if relative.partition("/")[0] != ".." and spec.match_file(relative + "/" * folder):
                return True
        return False


def ignored_by_git(folder: Path) -> frozenset[str] | None:
    """The files and folders below a folder that .gitignore files name and git does not track, as paths.

    Nothing is ignored outside of a checkout, nor in a folder that is ignored itself: somebody named it. Users' own
    ignore files do not count, so that everybody sees the same.

    Returns:
        None where there is a checkout and git did not answer.
    """
    if find_above(".git", start=folder) is None:
        return frozenset()
    listed = ask_git(
        folder, "ls-files", "-z", "--others", "--ignored", "--exclude-per-directory=.gitignore", "--directory"
    )
    if listed is None:
        return None
    names = [name.rstrip("/") for name in listed.split("\0") if name]
    return frozenset() if "." in names else frozenset(str(folder / name) for name in names)
