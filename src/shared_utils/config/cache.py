"""Values already read: how long they are good for, and one read at a time for each.

Time. Lambda freezes the environment between invocations, and the monotonic clock can stand still meanwhile; the wall
clock goes on, but may be set. A value is as old as the *greater* of the two says: a wall clock that steps back makes
nothing older, and nothing younger than the monotonic clock knows it to be.

Threads. Whoever first wants a key that is not fresh becomes its reader, by putting a `Flight` there; everybody else
waits for that flight. What is read is delivered key by key, so nobody waits for a slower neighbour of a batch.
"""

from __future__ import annotations

import os
import time
from _thread import allocate_lock

from shared_utils.config.failures import MISSING, UNAVAILABLE, Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared_utils.config.aws.retry import Deadline
    from shared_utils.config.references import Reference

    Outcome = "Entry | Failure"
    Deliver = Callable[[str, "Value | Failure"], None]
    Fetch = Callable[[Sequence[Reference], Deadline, Deliver], None]

__all__ = ["Cache", "Entry", "Moment", "Value", "Want", "jitter"]

_LARGEST = 1024
"""Entries kept. References made of user input must not grow a process for ever."""
_FIRST_HOLD, _MISSING_HOLD, _LONGEST_HOLD = 2.0, 5.0, 60.0
"""Seconds for which a failure, or that a value is missing, is believed: doubled for each in a row, up to the last."""


def jitter() -> float:
    """Return a random factor within ±10 %, so that a fleet started together does not refresh together.

    From the operating system, because a generator seeded before a SnapStart snapshot is the same in every copy.
    """
    return 0.9 + 0.2 * int.from_bytes(os.urandom(4), "little") / 0xFFFFFFFF


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


class Value:
    """What a source answered: str, bytes, list of str (StringList) or a JSON-like tree; and whether it is secret."""

    __slots__ = ("content", "sensitive")

    def __init__(self, content: object, *, sensitive: bool = False) -> None:
        self.content = content
        self.sensitive = sensitive


class Entry:
    """A value, and when the read that gave it began: the moment, and its place in the order of all reads.

    Never changed once it is made.
    """

    __slots__ = ("factor", "order", "read_at", "value")

    def __init__(self, value: Value, read_at: Moment, order: int) -> None:
        self.value = value
        self.read_at = read_at
        self.order = order
        self.factor = jitter()


class Want:
    """One reader's wish: the reference, how old the value may be, and how much older if the source fails (seconds)."""

    __slots__ = ("max_age", "max_stale", "reference")

    def __init__(self, reference: Reference, max_age: float, max_stale: float) -> None:
        self.reference = reference
        self.max_age = max_age
        self.max_stale = max_stale

    def is_fresh(self, entry: Entry, now: Moment) -> bool:
        """Whether `entry` is good without asking anybody."""
        return now.since(entry.read_at) < self.max_age * entry.factor

    def is_bearable(self, entry: Entry, now: Moment) -> bool:
        """Whether `entry` is better than an error."""
        return now.since(entry.read_at) < self.max_age * entry.factor + self.max_stale


class _Trouble:
    """A failed read, remembered for `hold` seconds; `count` failures in a row led here."""

    __slots__ = ("at", "count", "failure", "hold", "order")

    def __init__(self, failure: Failure, at: Moment, order: int, count: int) -> None:
        self.failure = failure
        self.at = at
        self.order = order
        self.count = count
        first = _MISSING_HOLD if failure.kind == MISSING else _FIRST_HOLD
        self.hold = min(_LONGEST_HOLD, first * 2.0 ** min(count - 1, 9)) * jitter()

    def is_believed(self, want: Want, now: Moment) -> bool:
        """Whether it is too early to ask again. That a value is missing is believed no longer than a value would be."""
        hold = min(self.hold, want.max_age) if self.failure.kind == MISSING else self.hold
        return want.max_age > 0 and now.since(self.at) < hold


class _Flight:
    """A read under way. `outcome` is set before the event; it stays None when the reader gave up without one."""

    __slots__ = ("ended", "landed", "order", "outcome", "started")

    def __init__(self, started: Moment, order: int) -> None:
        self.started = started
        self.order = order
        self.outcome: Entry | Failure | None = None
        self.ended = False
        self.landed = allocate_lock()  # a lock is the cheapest event: held while the read is under way
        self.landed.acquire()

    def wait(self, seconds: float) -> bool:
        """Wait until the read has ended; False when that took longer than `seconds`."""
        if not self.landed.acquire(timeout=max(0.0, seconds)):
            return False
        self.landed.release()  # the next in line
        return True


class Cache:
    """Entries by reference, read through `fetch(references, deadline, deliver)`.

    `fetch` calls `deliver(base, value or failure)` once for each reference, from any thread, as results come in.
    `on_stale(reference, failure, age)` is told when an old value stands in for a failed read.
    """

    def __init__(
        self,
        fetch: Fetch,
        on_stale: Callable[[str, Failure, float], None],
        now: Callable[[], Moment] = Moment.now,
    ) -> None:
        self._fetch = fetch
        self._on_stale = on_stale
        self._now = now
        self.forget_readers()
        self._reads = 0  # so far: a clock may stand still, and then cannot say which read began before which
        self._entries: dict[str, Entry] = {}
        self._troubles: dict[str, _Trouble] = {}

    def forget_readers(self) -> None:
        """Start with a new lock and no read under way: in a forked child the threads that held them are gone."""
        self._lock = allocate_lock()
        self._flights: dict[str, _Flight] = {}

    def clear(self) -> None:
        """Forget everything. A read under way still answers those who wait for it, but is not kept."""
        with self._lock:
            self._entries = {}
            self._troubles = {}
            self._flights = {}

    def read(self, wants: Sequence[Want], deadline: Deadline) -> dict[str, Entry | Failure]:
        """Return an entry or a failure for every wanted reference, by its `base`, within the deadline."""
        arrival = self._reads
        pending = {want.reference.base: want for want in wants}
        outcomes: dict[str, Entry | Failure] = {}
        while pending:
            mine, others = self._claim(pending, outcomes, arrival)
            if mine:
                self._lead(mine, deadline, outcomes)
            for base, flight in others.items():
                self._await(pending[base], flight, deadline, arrival, outcomes)
            for base in outcomes:
                pending.pop(base, None)
        return outcomes

    def _claim(
        self, pending: dict[str, Want], outcomes: dict[str, Entry | Failure], arrival: int
    ) -> tuple[dict[str, tuple[Want, _Flight]], dict[str, _Flight]]:
        """Answer what can be answered at once; of the rest, say which reads are ours now and which are others'."""
        mine: dict[str, tuple[Want, _Flight]] = {}
        others: dict[str, _Flight] = {}
        with self._lock:
            now = self._now()
            for base, want in pending.items():
                entry = self._entries.get(base)
                if entry is not None and (want.is_fresh(entry, now) or entry.order > arrival):
                    outcomes[base] = entry
                    continue
                trouble = self._troubles.get(base)
                if trouble is not None and (trouble.is_believed(want, now) or trouble.order > arrival):
                    outcomes[base] = self._settle_for(want, trouble.failure, now)
                    continue
                flight = self._flights.get(base)
                if flight is not None:
                    others[base] = flight
                else:
                    self._reads += 1
                    self._flights[base] = flight = _Flight(now, self._reads)
                    mine[base] = (want, flight)
        return mine, others

    def _lead(
        self, mine: dict[str, tuple[Want, _Flight]], deadline: Deadline, outcomes: dict[str, Entry | Failure]
    ) -> None:
        """Read what is ours, and let go of those who wait for it, whatever happens."""

        def deliver(base: str, result: Value | Failure) -> None:
            want, flight = mine[base]
            outcomes[base] = self._land(want, flight, result)

        try:
            self._fetch([want.reference for want, _ in mine.values()], deadline, deliver)
        finally:
            for base, (_, flight) in mine.items():
                self._release(base, flight)
        for base in mine:
            if base not in outcomes:  # a fetch that keeps its word delivers everything
                outcomes[base] = Failure(UNAVAILABLE, "the read ended without an answer")

    def _await(
        self,
        want: Want,
        flight: _Flight,
        deadline: Deadline,
        arrival: int,
        outcomes: dict[str, Entry | Failure],
    ) -> None:
        """Wait for another thread's read. No outcome is set when it must be asked for again."""
        base = want.reference.base
        if not flight.wait(deadline.remaining()):
            late = Failure(UNAVAILABLE, "another thread's read of it did not end in time", transient=True)
            outcomes[base] = self._settle_for(want, late, self._now())
        elif flight.outcome is not None and (want.max_age > 0 or flight.order > arrival):
            outcome = flight.outcome
            outcomes[base] = self._settle_for(want, outcome, self._now()) if isinstance(outcome, Failure) else outcome

    def _land(self, want: Want, flight: _Flight, result: Value | Failure) -> Entry | Failure:
        """Keep a result, tell the waiting, and return what the leading reader gets."""
        base = want.reference.base
        now = self._now()
        with self._lock:
            current = self._flights.get(base) is flight  # not so after clear(): then the result is told, not kept
            if isinstance(result, Value):
                entry = Entry(result, flight.started, flight.order)
                if current:
                    self._keep(base, entry)
                flight.outcome = mine = entry
            else:
                if current:
                    self._keep_trouble(base, result, flight, now)
                flight.outcome = result
                mine = self._settle_for(want, result, now)  # type: ignore[assignment]
        self._release(base, flight)
        if isinstance(result, Failure) and isinstance(mine, Entry):
            self._on_stale(base, result, now.since(mine.read_at))
        return mine

    def _keep(self, base: str, entry: Entry) -> None:
        self._troubles.pop(base, None)
        self._entries.pop(base, None)  # so that the dict stays in order of age
        self._entries[base] = entry
        if len(self._entries) > _LARGEST:
            del self._entries[next(iter(self._entries))]

    def _keep_trouble(self, base: str, failure: Failure, flight: _Flight, now: Moment) -> None:
        before = self._troubles.pop(base, None)
        trouble = _Trouble(failure, now, flight.order, 1 if before is None else before.count + 1)
        self._troubles[base] = trouble
        if failure.kind == MISSING:
            self._entries.pop(base, None)  # it is gone: an old value is not a stand-in but a mistake
        if len(self._troubles) > _LARGEST:
            del self._troubles[next(iter(self._troubles))]

    def _settle_for(self, want: Want, failure: Failure, now: Moment) -> Entry | Failure:
        """Return the old value when there is one that this reader would rather have than `failure`."""
        entry = self._entries.get(want.reference.base)
        if entry is None or failure.kind == MISSING or not want.is_bearable(entry, now):
            return failure
        return entry

    def _release(self, base: str, flight: _Flight) -> None:
        """Let the waiting go on, once: a result that comes after its reader gave up finds nobody."""
        with self._lock:
            if self._flights.get(base) is flight:
                del self._flights[base]
            first, flight.ended = not flight.ended, True
        if first:
            flight.landed.release()

    def seeder(self) -> Callable[[str, Value], None]:
        """Return a function that keeps a value which a read beginning now brings along (a path, its parameters)."""
        started, order = self._now(), self._reads

        def seed(base: str, value: Value) -> None:
            with self._lock:
                known = self._entries.get(base)
                if known is None or known.order < order:
                    self._keep(base, Entry(value, started, order))

        return seed
