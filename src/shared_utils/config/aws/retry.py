"""How long a read may take, and when it is tried again."""

from __future__ import annotations

import time
from threading import Thread

from shared_utils._random import fraction
from shared_utils.config.outcomes import BRIEFLY, FAILING, MORE_TIME, NEVER, THROTTLED, UNAVAILABLE, Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    _T = TypeVar("_T")

__all__ = ["Deadline", "current_deadline", "retry", "run_within"]

_ATTEMPTS = 4
"""Tries of a request that is tried again briefly: a dead connection, an answer cut off."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
"""Seconds. Full jitter: each pause is drawn evenly from zero to min(longest, first * 2 ** tries).

Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
"""
_LAST_TRY = 0.1
"""Seconds before the deadline at which the last try begins."""
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


def retry(
    attempt: Callable[[], _T],
    deadline: Deadline,
    *,
    failing_attempts: int | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> _T:
    """Return `attempt()`, called again as the failure says, until the deadline.

    Args:
        attempt: one try.
        deadline: when to give up.
        failing_attempts: tries while the service is failing; None: until the deadline.
        sleep: waits for some seconds.

    Raises:
        Failure: the last one.
    """
    tries = 0
    limits = {NEVER: 1, BRIEFLY: _ATTEMPTS, FAILING: failing_attempts, THROTTLED: None}
    last = Failure(UNAVAILABLE, "no time was left to ask", hint=MORE_TIME, retry=BRIEFLY)
    while deadline.remaining() > 0:
        try:
            return attempt()
        except Failure as failure:
            last = failure
        tries += 1
        limit = limits[last.retry]
        if limit is not None and tries >= limit:
            break
        left = deadline.remaining()
        pause = _after_throttling(left) if last.retry == THROTTLED else _full_jitter(tries - 1)
        if left <= _LAST_TRY:
            break
        sleep(min(pause, left - _LAST_TRY))
    raise last


def _full_jitter(tries: int) -> float:
    """Return a pause in seconds."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(tries, 9)) * fraction()


def _after_throttling(left: float) -> float:
    """Return a pause in seconds: somewhere in the first half of the time that is left.

    A fleet that starts at once then spreads over seconds at its second try already: about as few requests in all as
    there can be (benchmarks/burst.py), where short pauses would have every try meet the same crowd.
    """
    return max(_FIRST_PAUSE, left / 2 * fraction())


def run_within(seconds: float, work: Callable[[], _T]) -> _T:
    """Return `work()`, called in a thread that is left to itself after some seconds.

    Where no thread can be had (the interpreter is shutting down), it is called in this one, without the limit.

    Raises:
        TimeoutError: it has not ended.
    """
    results: list[_T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # raised again in the calling thread
            errors.append(error)

    thread = Thread(target=run, name="shared_utils.config", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return work()
    thread.join(max(0.0, seconds))
    if errors:
        raise errors.pop()
    if not results:
        raise TimeoutError
    return results[0]
