"""How long a value is fresh, how long a failure keeps others from asking, and who waits for a read."""

from __future__ import annotations

import threading

import pytest

from shared_utils.config.entries import Entry, InFlight, Moment, NegativeEntry, Query
from shared_utils.config.outcomes import MISSING, UNAVAILABLE, Failure, Value
from shared_utils.config.sources.registry import parse


@pytest.fixture(params=[0.0, 0.5, 0.999])
def jitter(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> float:
    """The factor by which a time is spread."""
    monkeypatch.setattr("shared_utils.config.entries.fraction", lambda: request.param)
    return 0.9 + 0.2 * float(request.param)


def query(max_age: float, max_stale: float = 0.0) -> Query:
    """Return a question of such patience."""
    return Query(parse("ssm:///a"), max_age, max_stale)


def test_ages_are_spread_and_end_exactly(jitter: float) -> None:
    """A value is fresh up to its time and not at it; a stale one likewise, with the patience added to it."""
    entry = Entry(Value(1), Moment(0, 0), 1)
    assert entry.current is True
    end = 300 * jitter
    for now, fresh, stale in (
        (end - 0.01, True, True),
        (end, False, True),
        (end + 59.9, False, True),
        (end + 60, False, False),
    ):
        assert query(300, 60).is_fresh(entry, Moment(now, 0)) is fresh
        assert query(300, 60).is_fresh(entry, Moment(0, now)) is fresh
        assert query(300, 60).allows_stale(entry, Moment(now, 0)) is stale


@pytest.mark.parametrize(
    ("kind", "pauses"),
    [
        (MISSING, [5, 10, 20, 40, 60, 60, 60, 60, 60, 60, 60, 60]),
        (UNAVAILABLE, [2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60]),
    ],
)
def test_pauses_double_up_to_a_minute_and_are_spread(jitter: float, kind: str, pauses: list[float]) -> None:
    """Nobody asks again before the end of a pause, everybody at it; who wants the newest value always asks."""
    for count, pause in enumerate(pauses, start=1):
        negative = NegativeEntry(Failure(kind, "it is"), Moment(0, 0), 1, count)
        assert negative.pause == pytest.approx(pause * jitter)
        end = negative.pause
        assert negative.applies(query(300), Moment(end - 0.001, 0))
        assert not negative.applies(query(300), Moment(end, 0))
        assert not negative.applies(query(0), Moment(0, 0))
        # That a value is missing holds no longer than a value would; that a service is down does.
        assert negative.applies(query(0.5), Moment(0.4, 0))
        assert negative.applies(query(0.5), Moment(0.5, 0)) is (kind == UNAVAILABLE)


def test_a_read_under_way_belongs_to_its_thread_and_ends_once() -> None:
    """Who waits is let go by its end, also one that comes later; before it, the waiting is in vain."""
    in_flight = InFlight(Moment(0, 0), 1, 0)
    assert in_flight.owner == threading.get_ident()
    assert not in_flight.wait(0.001)
    assert not in_flight.wait(-1)
    in_flight.end()
    in_flight.end()
    assert in_flight.wait(0.001)
    assert in_flight.wait(-1)


@pytest.mark.parametrize(("seconds", "waits"), [(0.25, 0.25), (0.0, 0.0), (-1.0, 0.0), (7.5, 7.5)])
@pytest.mark.parametrize("ends", [True, False])
def test_a_read_is_waited_for_as_long_as_there_is_time(seconds: float, waits: float, *, ends: bool) -> None:
    """To the moment; without any the lock is tried, and who waited gives it to the next."""
    in_flight = InFlight(Moment(0, 0), 1, 0)
    did: list[object] = []

    class Running:
        def acquire(self, *, timeout: float) -> bool:
            did.append(timeout)
            return ends

        def release(self) -> None:
            did.append("released")

    in_flight._running = Running()  # type: ignore[assignment]
    assert in_flight.wait(seconds) is ends
    assert did == [waits, "released"][: 2 if ends else 1]
