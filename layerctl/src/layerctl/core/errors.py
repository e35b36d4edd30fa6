"""What can go wrong for a user, and the exit codes that say so.

0 is fine, 1 means that a check found something, 2 that the usage was wrong or the work could not be done.
"""

from __future__ import annotations

__all__ = ["LayerctlError", "ReaderLeftError"]


class LayerctlError(Exception):
    """Something that the user can mend. Shown as one line, without a traceback, with exit code 2.

    Args:
        what: what is wrong and where, in one line, naming the offending file or value.
        remedy: what to do next.
    """

    exit_code = 2

    def __init__(self, what: str, *, remedy: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy}" if self.remedy else self.what


class ReaderLeftError(Exception):
    """Nobody reads the output any more (`| head`). No OSError: of a broken pipe click would make exit code 1."""
