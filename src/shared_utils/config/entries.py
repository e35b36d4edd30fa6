"""The records of the cache: questions, answers, failed reads, reads that are under way, and moments.

Lambda freezes the environment between invocations, and the monotonic clock can stand still meanwhile; the wall clock
goes on, but may be set. A value is as old as the *greater* of the two says: a wall clock that steps back makes nothing
older, and nothing younger than the monotonic clock knows it to be.
"""

from __future__ import annotations

import time
from threading import Lock, get_ident

from shared_utils._random import fraction
from shared_utils.config.outcomes import MISSING, Failure, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared_utils.config.references import Reference

__all__ = ["Entry", "InFlight", "Moment", "NegativeEntry", "Query"]

_FIRST_PAUSE, _MISSING_PAUSE, _LONGEST_PAUSE = 2.0, 5.0, 60.0
"""Seconds without another request after a failure, and after a missing value; doubled for each in a row."""


def _jitter() -> float:
    """Return a random factor within ±10 %, so that a fleet started together does not refresh together."""
    return 0.9 + 0.2 * fraction()


class Moment:
    """A point in time on both clocks."""

    __slots__ = ("monotonic", "wall")

    def __init__(self, monotonic: float, wall: float) -> None:
        self.monotonic = monotonic
        self.wall = wall

    @classmethod
    def now(cls) -> Moment:
        """Return the present."""
        return cls(time.monotonic(), time.time())

    def since(self, earlier: Moment) -> float:
        """Return the seconds from `earlier` to this moment: the greater of what the two clocks say."""
        return max(self.monotonic - earlier.monotonic, self.wall - earlier.wall)


class Query:
    """A question: the reference, how old its value may be, and how much older if the source fails (seconds)."""

    __slots__ = ("max_age", "max_stale", "reference")

    def __init__(self, reference: Reference, max_age: float, max_stale: float) -> None:
        self.reference = reference
        self.max_age = max_age
        self.max_stale = max_stale

    def is_fresh(self, entry: Entry, now: Moment) -> bool:
        """Whether `entry` answers it without a request."""
        return now.since(entry.read_at) < self.max_age * entry.factor

    def allows_stale(self, entry: Entry, now: Moment) -> bool:
        """Whether `entry` answers it when the source fails."""
        return now.since(entry.read_at) < self.max_age * entry.factor + self.max_stale


class Entry:
    """A value, the moment at which the read that gave it began, and the place of that read in the order of all reads.

    `current` becomes false when the process learns of a newer answer; nothing else ever changes.
    """

    __slots__ = ("current", "factor", "order", "read_at", "value")

    def __init__(self, value: Value, read_at: Moment, order: int) -> None:
        self.value = value
        self.read_at = read_at
        self.order = order
        self.factor = _jitter()
        self.current = True


class NegativeEntry:
    """A failed read, remembered for `pause` seconds; it is the last of `count` failures in a row.

    `told` says that an older value has stood in for it, and that this has been told.
    """

    __slots__ = ("at", "count", "failure", "order", "pause", "told")

    def __init__(self, failure: Failure, at: Moment, order: int, count: int) -> None:
        self.failure = failure
        self.at = at
        self.order = order
        self.count = count
        self.told = False
        first = _MISSING_PAUSE if failure.kind == MISSING else _FIRST_PAUSE
        self.pause = min(_LONGEST_PAUSE, first * 2.0 ** min(count - 1, 9)) * _jitter()

    def applies(self, query: Query, now: Moment) -> bool:
        """Whether it is too early to ask again. That a value is missing holds no longer than a value would."""
        pause = min(self.pause, query.max_age) if self.failure.kind == MISSING else self.pause
        return query.max_age > 0 and now.since(self.at) < pause


class InFlight:
    """A read under way, in the thread `owner`. `outcome` stays None when the reader ended without one."""

    __slots__ = ("_ended", "_running", "epoch", "order", "outcome", "owner", "started")

    def __init__(self, started: Moment, order: int, epoch: int) -> None:
        self.started = started
        self.order = order
        self.epoch = epoch
        self.owner = get_ident()
        self.outcome: Entry | Failure | None = None
        self._ended = False
        self._running = Lock()  # held while the read is under way: the cheapest event
        self._running.acquire()

    def wait(self, seconds: float) -> bool:
        """Wait until the read has ended; False when that took longer than `seconds`."""
        if not self._running.acquire(timeout=max(0.0, seconds)):
            return False
        self._running.release()  # for the next thread that waits
        return True

    def end(self) -> None:
        """Let the waiting threads continue. The cache's lock is held; a second call does nothing."""
        if not self._ended:
            self._ended = True
            self._running.release()
