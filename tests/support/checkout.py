"""A copy of the repository as it is now, for tests that change it, build in it or walk through it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["copy_checkout", "own_files"]

ROOT = Path(__file__).resolve().parents[2]


def own_files() -> list[str]:
    """What git tracks, and what it would; nothing that is generated."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if (ROOT / name).is_file()]


def copy_checkout(folder: Path) -> Path:
    """Copy the repository's own files.

    Its environments are this one's by links, so that making them anew, which takes a minute, is no part of a test.

    Returns:
        `folder`.
    """
    for name in own_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").mkdir()
    for item in Path(sys.prefix).iterdir():
        if item.name != ".ready":
            (folder / ".venv" / item.name).symlink_to(item)
    (folder / ".venv" / ".ready").touch()
    (folder / ".venv-sam").symlink_to(ROOT / ".venv-sam")
    return folder
