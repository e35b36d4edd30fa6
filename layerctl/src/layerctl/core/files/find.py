"""Finds configuration files: in a folder, or in the nearest one above it."""

from __future__ import annotations

from pathlib import Path

__all__ = ["find_above", "repository_root"]


def find_above(*names: str, start: Path | None = None) -> Path | None:
    """Return the first of `names` that exists in `start` or in the nearest folder above it; None: in none.

    Args:
        names: paths relative to each folder, the preferred one first.
        start: default: the current folder.
    """
    folder = (start or Path.cwd()).resolve()
    candidates = (here / name for here in (folder, *folder.parents) for name in names)
    return next((path for path in candidates if path.exists()), None)


def repository_root(start: Path | None = None) -> Path:
    """Return the folder of the repository around `start`; without a repository, `start` itself."""
    found = find_above(".git", start=start)
    return found.parent if found is not None else (start or Path.cwd()).resolve()
