"""Programs in fresh processes, for what a process can do only once: import, configure, take over."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

__all__ = ["lines_of", "run"]


def run(source: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program that must succeed, with these variables and no others; warnings are errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", source],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return done


def lines_of(source: str, **environment: str) -> list[dict[str, Any]]:
    """Return the lines of JSON that a program writes to standard output."""
    return [json.loads(line) for line in run(source, **environment).stdout.splitlines()]
