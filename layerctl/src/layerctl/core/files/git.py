"""Asks git about a folder."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ask_git"]


def ask_git(root: Path, *arguments: str) -> str | None:
    """Git's answer about a folder, with paths relative to it; None outside of a checkout, or where git is not there."""
    # a hook's GIT_DIR would make git speak about another repository
    environ = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    # core.fsmonitor names a program that git would start: nothing of a folder that is looked at is executed
    command = ["git", "-C", str(root), "-c", "core.quotepath=off", "-c", "core.fsmonitor=false", *arguments]
    try:
        answer = subprocess.run(command, env=environ, capture_output=True, check=True, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return None
    return os.fsdecode(answer.stdout)
