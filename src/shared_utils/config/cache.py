"""Values already read: how long each is good, and one read at a time for each.

Threads: the first thread that asks for a value that is not fresh puts an `InFlight` there and reads; the others wait
for it. Results are delivered one by one, so that no thread waits for a slower neighbour of a batch.

One truth: of two answers to one question, the one of the read that began later is kept, and nobody is given the other
any more. A path and the single parameters below it are one question in this sense.
"""

from __future__ import annotations

from threading import RLock, get_ident

from shared_utils.config.entries import Entry, InFlight, Moment, NegativeEntry, Query
from shared_utils.config.outcomes import BRIEFLY, MISSING, MORE_TIME, UNAVAILABLE, Failure, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared_utils.config.aws.retry import Deadline
    from shared_utils.config.references import Reference

    Outcomes = dict[str, "Entry | Failure"]
    Deliver = Callable[[str, "Value | Failure"], None]
    Fetch = Callable[[Sequence[Reference], Deadline, Deliver], None]

__all__ = ["Cache"]

_LARGEST = 1024
"""Entries kept. References made of user input must not grow a process for ever."""
_ABSENT = object()


class Cache:
    """Entries by reference, read through `fetch(references, deadline, deliver)`.

    `fetch` calls `deliver(base, value or failure)` once for each reference, from any thread, as results come in.
    `on_stale(base, failure, age)` is told when an old value replaces a failed read.
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
        self._reads = 0  # so far: a clock may stand still, and then cannot say which read began before which
        self._epoch = 0  # grows with each clear()
        self._entries: dict[str, Entry] = {}
        self._negative: dict[str, NegativeEntry] = {}
        self._paths: dict[str, Reference] = {}  # those of the entries that have children
        self.forget_in_flight()

    def forget_in_flight(self) -> None:
        """Start with a new lock and no read under way: in a forked child the threads that held them are gone."""
        self._lock = RLock()  # reentrant: a signal handler may read while its thread holds it
        self._in_flight: dict[str, InFlight] = {}

    def clear(self) -> None:
        """Forget everything. A read under way still answers those who wait for it, but is not kept."""
        with self._lock:
            self._epoch += 1
            for base in list(self._entries):
                self._drop(base)
            self._negative = {}
            self._in_flight = {}

    def read(self, queries: Sequence[Query], deadline: Deadline) -> Outcomes:
        """Return an entry or a failure for every query, by the `base` of its reference, within the deadline."""
        arrival = self._reads
        pending = {query.reference.base: query for query in queries}
        outcomes: Outcomes = {}
        while pending:
            mine, others = self._claim(pending, outcomes, arrival)
            if mine:
                self._read_own(mine, deadline, outcomes)
            for base, in_flight in others.items():
                self._wait_for(pending[base], in_flight, deadline, arrival, outcomes)
            for base in outcomes:
                pending.pop(base, None)
        return outcomes

    def _claim(
        self, pending: dict[str, Query], outcomes: Outcomes, arrival: int
    ) -> tuple[dict[str, tuple[Query, InFlight]], dict[str, InFlight]]:
        """Answer what the cache can; return the reads that this thread makes now, and those that others make."""
        mine: dict[str, tuple[Query, InFlight]] = {}
        others: dict[str, InFlight] = {}
        stale: dict[str, tuple[Failure, Entry]] = {}
        with self._lock:
            now = self._now()
            for base, query in pending.items():
                entry = self._entries.get(base)
                if entry is not None and (query.is_fresh(entry, now) or entry.order > arrival):
                    outcomes[base] = entry
                    continue
                negative = self._negative.get(base)
                if negative is not None and (negative.applies(query, now) or negative.order > arrival):
                    outcomes[base] = outcome = self._stale_or_failure(query, negative.failure, now)
                    if isinstance(outcome, Entry):
                        stale[base] = negative.failure, outcome
                    continue
                in_flight = self._in_flight.get(base)
                if in_flight is not None and in_flight.owner != get_ident():
                    others[base] = in_flight
                    continue
                self._reads += 1
                mine[base] = query, InFlight(now, self._reads, self._epoch)
                if in_flight is None:  # else this thread is interrupted in it, and cannot wait for itself
                    self._in_flight[base] = mine[base][1]
        for base, (failure, entry) in stale.items():
            self._tell_once(base, failure, entry)
        return mine, others

    def _read_own(self, mine: dict[str, tuple[Query, InFlight]], deadline: Deadline, outcomes: Outcomes) -> None:
        """Make the reads of this thread, and let those who wait continue, whatever happens."""

        def deliver(base: str, result: Value | Failure) -> None:
            query, in_flight = mine[base]
            outcomes[base] = self._store_result(query, in_flight, result)

        try:
            self._fetch([query.reference for query, _ in mine.values()], deadline, deliver)
        finally:
            for base, (_, in_flight) in mine.items():
                self._end(base, in_flight)
        for base in mine:
            if base not in outcomes:  # a job was still running at the deadline
                outcomes[base] = Failure(UNAVAILABLE, "the read ended without an answer", hint=MORE_TIME)

    def _wait_for(
        self, query: Query, in_flight: InFlight, deadline: Deadline, arrival: int, outcomes: Outcomes
    ) -> None:
        """Wait for another thread's read. Without an outcome it must be asked for again."""
        base = query.reference.base
        if not in_flight.wait(deadline.remaining()):
            what = "another thread's read of it did not end in time"
            late = Failure(UNAVAILABLE, what, hint=MORE_TIME, retry=BRIEFLY)
            outcomes[base] = self._stale_or_failure(query, late, self._now())
        elif in_flight.outcome is not None and (query.max_age > 0 or in_flight.order > arrival):
            outcome = in_flight.outcome
            if isinstance(outcome, Failure):
                failure, outcome = outcome, self._stale_or_failure(query, outcome, self._now())
                if isinstance(outcome, Entry):
                    self._tell_once(base, failure, outcome)
            outcomes[base] = outcome

    def _store_result(self, query: Query, in_flight: InFlight, result: Value | Failure) -> Entry | Failure:
        """Keep a result, hand it to the waiting threads, and return the outcome for the reading one."""
        now = self._now()
        outcome: Entry | Failure
        with self._lock:
            newer = self._entries.get(query.reference.base)
            if newer is not None and newer.order > in_flight.order:
                outcome = newer
            elif in_flight.epoch != self._epoch:  # cleared meanwhile: the result is handed out, not kept
                outcome = Entry(result, in_flight.started, in_flight.order) if isinstance(result, Value) else result
            elif isinstance(result, Value):
                outcome = self._keep(query.reference, Entry(result, in_flight.started, in_flight.order))
            else:
                outcome = self._keep_failure(query.reference, result, in_flight.order, now)
            in_flight.outcome = outcome
            if isinstance(outcome, Failure):
                outcome = self._stale_or_failure(query, outcome, now)
            self._end(query.reference.base, in_flight)
        if isinstance(result, Failure) and isinstance(outcome, Entry) and outcome.order < in_flight.order:
            self._tell_once(query.reference.base, result, outcome)
        return outcome

    def _keep(self, reference: Reference, entry: Entry) -> Entry | Failure:
        """Keep an entry, and return the newest answer: another one if a read that began later gave it."""
        base = reference.base
        negative = self._negative.get(base)
        if negative is not None and negative.order > entry.order and negative.failure.kind == MISSING:
            return negative.failure
        if reference.children is not None:
            entry.value = self._with_newer_children(reference, entry)
        self._negative.pop(base, None)
        self._put(base, entry)
        if reference.children is not None:
            self._paths[base] = reference
        return entry

    def _keep_failure(self, reference: Reference, failure: Failure, order: int, now: Moment) -> Failure:
        """Keep a failure, and return it."""
        base = reference.base
        before = self._negative.pop(base, None)
        self._negative[base] = NegativeEntry(failure, now, order, 1 if before is None else before.count + 1)
        if failure.kind == MISSING:  # it is gone: an old value would be a mistake
            self._drop(base)
            self._drop_paths(base, _ABSENT, order)
            if reference.children is not None:
                for child, entry in list(self._entries.items()):
                    if reference.children.name_of(child) is not None and entry.order < order:
                        self._drop(child)
        if len(self._negative) > _LARGEST:
            del self._negative[next(iter(self._negative))]
        return failure

    def _with_newer_children(self, reference: Reference, path: Entry) -> Value:
        """Return a path's value with what later reads of single parameters found; keep the rest as single entries."""
        children = reference.children
        assert children is not None
        content: dict[str, object] = dict(path.value.content)  # type: ignore[call-overload]
        for base, known in list(self._entries.items()):
            name = children.name_of(base)
            if name is None:
                continue
            if known.order > path.order:
                content[name] = known.value.content
            elif name not in content:  # it is gone
                self._drop(base)
                self._drop_paths(base, _ABSENT, path.order)
        for base, negative in list(self._negative.items()):
            name = children.name_of(base)
            if name is not None and negative.order > path.order and negative.failure.kind == MISSING:
                content.pop(name, None)
        for name, part in content.items():
            base = children.base_of(name)
            other = self._entries.get(base)
            if other is None or other.order < path.order:
                sensitive = name in path.value.sensitive_names
                self._negative.pop(base, None)
                self._put(base, Entry(Value(part, sensitive=sensitive), path.read_at, path.order))
        return Value(content, sensitive=path.value.sensitive, sensitive_names=path.value.sensitive_names)

    def _put(self, base: str, entry: Entry) -> None:
        self._drop(base)  # so that the dict stays in order of age
        self._entries[base] = entry
        self._drop_paths(base, entry.value.content, entry.order)
        if len(self._entries) > _LARGEST:
            self._drop(next(iter(self._entries)))

    def _drop(self, base: str) -> None:
        entry = self._entries.pop(base, None)
        self._paths.pop(base, None)
        if entry is not None:
            entry.current = False

    def _drop_paths(self, base: str, content: object, order: int) -> None:
        """Forget the older answers for paths that say something else of this parameter."""
        for path, reference in list(self._paths.items()):
            assert reference.children is not None
            name = reference.children.name_of(base)
            entry = self._entries[path]
            if name is not None and entry.order < order:
                told = entry.value.content.get(name, _ABSENT)  # type: ignore[attr-defined]
                if told is not content and told != content:
                    self._drop(path)

    def _stale_or_failure(self, query: Query, failure: Failure, now: Moment) -> Entry | Failure:
        """Return the old value when there is one and the query allows it, else `failure`."""
        entry = self._entries.get(query.reference.base)
        if entry is None or failure.kind == MISSING or not query.allows_stale(entry, now):
            return failure
        return entry

    def _tell_once(self, base: str, failure: Failure, entry: Entry) -> None:
        """Tell that an old value stands in for a failed read: to its first reader who takes one, and to no other."""
        with self._lock:
            negative = self._negative.get(base)
            is_told = negative is not None and negative.told
            if negative is not None:
                negative.told = True
        if not is_told:
            self._on_stale(base, failure, self._now().since(entry.read_at))

    def _end(self, base: str, in_flight: InFlight) -> None:
        """Let the waiting threads continue."""
        with self._lock:
            if self._in_flight.get(base) is in_flight:
                del self._in_flight[base]
            in_flight.end()
