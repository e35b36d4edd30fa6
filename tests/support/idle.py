"""Whether a process waits: what it was sent it has read, however busy the machine is."""

from __future__ import annotations

import time
from pathlib import Path

__all__ = ["wait_until_idle"]

QUIET, LONGEST = 0.3, 20.0  # seconds


def wait_until_idle(process: int, *, but: int | None = None) -> None:
    """Wait until no thread of a process, `but` the one with this identifier, has run or wanted to for a while."""
    began = quiet = time.monotonic()
    while time.monotonic() - quiet < QUIET and time.monotonic() - began < LONGEST:
        if any(_runs(thread) for thread in Path(f"/proc/{process}/task").iterdir() if thread.name != str(but)):
            quiet = time.monotonic()
        time.sleep(0.01)


def _runs(thread: Path) -> bool:
    try:
        state = (thread / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:  # it has ended
        return False
    return state in "RD"
