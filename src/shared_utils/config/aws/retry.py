"""How long a read may take, and when it is tried again."""

from __future__ import annotations

import time

from shared_utils._random import fraction
from shared_utils.config.outcomes import UNAVAILABLE, Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    _T = TypeVar("_T")

__all__ = ["Deadline", "current_deadline", "retry"]

_ATTEMPTS = 4
_BASE_DELAY, _LONGEST_DELAY = 0.05, 1.0
"""Seconds. Full jitter: each pause is drawn evenly from zero to min(longest, base * 2 ** attempt).

Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
"""
_RESERVE = 0.1
"""The share of an invocation's remaining time that a read leaves to the function."""


class Deadline:
    """The moment by which a read must end."""

    __slots__ = ("_at",)

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + max(0.0, seconds)

    def remaining(self) -> float:
        """Return the seconds left, never below zero."""
        return max(0.0, self._at - time.monotonic())


def current_deadline(longest: float) -> Deadline:
    """Return the deadline for a read that starts now: `longest` seconds, or less when the invocation ends before."""
    from shared_utils.invocation.lifecycle import current

    invocation = current()
    left = None if invocation is None else invocation.remaining_ms()
    if left is None:
        return Deadline(longest)
    return Deadline(min(longest, left / 1000 * (1 - _RESERVE)))


def retry(attempt: Callable[[], _T], deadline: Deadline, sleep: Callable[[float], None] = time.sleep) -> _T:
    """Return `attempt()`, called again after a transient failure while tries and time are left.

    Raises:
        Failure: the last one, when it is not transient or nothing is left.
    """
    for number in range(_ATTEMPTS):
        if deadline.remaining() <= 0:
            break
        try:
            return attempt()
        except Failure as failure:
            last = failure
        pause = _full_jitter(number)
        if not last.transient or number == _ATTEMPTS - 1 or pause >= deadline.remaining():
            raise last
        sleep(pause)
    raise Failure(UNAVAILABLE, "no time was left to ask", transient=True)


def _full_jitter(attempt: int) -> float:
    """Return a pause in seconds."""
    longest: float = min(_LONGEST_DELAY, _BASE_DELAY * 2.0**attempt)
    return longest * fraction()
