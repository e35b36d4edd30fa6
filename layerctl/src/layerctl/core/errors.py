"""What can go wrong for a user, and the exit codes that say so.

0 is fine, 1 means that a check found something, 2 that the usage was wrong or the work could not be done.
"""

from __future__ import annotations

__all__ = ["LayerctlError", "ReaderLeftError"]


class LayerctlError(Exception):
    """Something that the user can mend. Shown as one line, without a traceback, with exit code 2.

    Args:
        what: what is wrong and where, in one line, naming the offending file or value.
        hint: what to do next.
    """

    exit_code = 2

    def __init__(self, what: str, *, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what}; {self.hint}" if self.hint else self.what


class ReaderLeftError(Exception):
    """Nobody reads the output any more (`| head`). No OSError: of a broken pipe click would make exit code 1."""
