"""The cache by itself, under clocks that tests set and a source that tests script."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared_utils.config.aws.retry import Deadline
from shared_utils.config.cache import Cache
from shared_utils.config.entries import Entry, Query
from shared_utils.config.outcomes import MISSING, UNAVAILABLE, Failure, Value
from shared_utils.config.references import Reference
from shared_utils.config.sources.registry import parse
from tests.support.fake_clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_AGE, MAX_STALE = 300.0, 3600.0
SECONDS = st.floats(min_value=0, max_value=5000, allow_nan=False)


class Source:
    """What the cache reads from: a value, or a failure; counts the reads of each reference."""

    def __init__(self) -> None:
        self.value: object = 0
        self.failure: Failure | None = None
        self.reads: list[str] = []
        self.stale: list[str] = []
        self.clock = Clock()
        self.cache = Cache(self.fetch, lambda base, failure, age: self.stale.append(base), self.clock.now)

    def fetch(
        self, references: Sequence[Reference], deadline: Deadline, deliver: Callable[[str, Value | Failure], None]
    ) -> None:
        """Deliver the value, or the failure while there is one."""
        for reference in references:
            self.reads.append(reference.base)
            deliver(reference.base, self.failure or Value(self.value))

    def ask(self, text: str = "ssm:///a", max_age: float = MAX_AGE, max_stale: float = MAX_STALE) -> object:
        """Return the value's content, or the failure."""
        reference = parse(text)
        outcome = self.cache.read([Query(reference, max_age, max_stale)], Deadline(5))[reference.base]
        return outcome.value.content if isinstance(outcome, Entry) else outcome


class CacheMachine(RuleBasedStateMachine):
    """Any order of reads, changes, failures and clock steps keeps the promises of the cache."""

    def __init__(self) -> None:
        super().__init__()
        self.source = Source()
        self.version = 0
        self.read_at: dict[int, tuple[float, float]] = {}

    def age(self, version: int) -> float:
        """The age of a version by whichever clock says more."""
        monotonic, wall = self.read_at[version]
        return max(self.source.clock.monotonic - monotonic, self.source.clock.wall - wall)

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        """Both clocks go on."""
        self.source.clock.advance(seconds)

    @rule(seconds=SECONDS)
    def lambda_freezes(self, seconds: float) -> None:
        """Only the wall clock goes on."""
        self.source.clock.wall += seconds

    @rule(seconds=SECONDS)
    def the_wall_clock_steps_back(self, seconds: float) -> None:
        """The wall clock is corrected."""
        self.source.clock.wall -= seconds

    @rule()
    def the_value_changes(self) -> None:
        """The source has another value."""
        self.version += 1
        self.source.value = self.version

    @rule(kind=st.sampled_from([MISSING, UNAVAILABLE]))
    def the_source_fails(self, kind: str) -> None:
        """The source answers with a failure from now on."""
        self.source.failure = Failure(kind, "it is")

    @rule()
    def the_source_recovers(self) -> None:
        """The source answers with the value again."""
        self.source.failure = None

    @rule()
    def everything_is_forgotten(self) -> None:
        """The cache is cleared."""
        self.source.cache.clear()
        self.read_at.clear()

    @rule(max_age=st.sampled_from([0.0, 1.0, 300.0]), max_stale=st.sampled_from([0.0, 600.0, 3600.0]))
    def somebody_reads(self, max_age: float, max_stale: float) -> None:
        """A read keeps to its limits of age, and asks the source once at most."""
        before = len(self.source.reads)
        answer = self.source.ask(max_age=max_age, max_stale=max_stale)
        asked = len(self.source.reads) - before
        assert asked <= 1
        if asked and self.source.failure is None:
            self.read_at[self.version] = (self.source.clock.monotonic, self.source.clock.wall)
            assert answer == self.version
        if isinstance(answer, int):
            assert self.age(answer) <= max_age * 1.1 + max_stale
            if not asked and not self.source.stale:
                assert self.age(answer) < max_age * 1.1  # never served as fresh when it is not
        if max_age == 0:
            assert asked == 1
        if asked and self.source.failure is not None and self.source.failure.kind == MISSING:
            assert isinstance(answer, Failure)

    @precondition(lambda self: self.source.failure is None)
    @rule()
    def a_fresh_value_is_not_read_again(self) -> None:
        """A value younger than nine tenths of its time is given without asking."""
        before = len(self.source.reads)
        answer = self.source.ask(max_age=MAX_AGE)
        if len(self.source.reads) > before:
            self.read_at[self.version] = (self.source.clock.monotonic, self.source.clock.wall)
        before = len(self.source.reads)
        if isinstance(answer, int) and answer in self.read_at and self.age(answer) < MAX_AGE * 0.9:
            assert self.source.ask(max_age=MAX_AGE) == answer
            assert len(self.source.reads) == before
        if len(self.source.reads) and isinstance(answer, int):
            self.read_at.setdefault(answer, (self.source.clock.monotonic, self.source.clock.wall))

    @invariant()
    def nothing_is_left_under_way(self) -> None:
        """When nobody reads, nothing is marked as being read."""
        assert not self.source.cache._in_flight


TestCacheMachine = CacheMachine.TestCase


@given(seconds=st.floats(min_value=0, max_value=269), steps=st.lists(st.floats(-1000, 0), max_size=5))
def test_a_value_is_good_for_its_time(seconds: float, steps: list[float]) -> None:
    """Within nine tenths of the TTL no read is made, whatever the wall clock is set back by."""
    source = Source()
    source.ask()
    source.clock.advance(seconds)
    for step in steps:
        source.clock.wall += step
        source.ask()
    assert len(source.reads) == 1


@given(failures=st.integers(min_value=1, max_value=12))
def test_back_off_grows_with_each_failure_in_a_row(failures: int) -> None:
    """A failing source is asked less and less often, but at least every minute or so."""
    source = Source()
    source.ask()
    source.failure = Failure(UNAVAILABLE, "down")
    source.clock.advance(400)
    pauses = []
    for _ in range(failures):
        waited = 0.0
        before = len(source.reads)
        while len(source.reads) == before:
            assert source.ask() == 0
            source.clock.advance(0.5)
            waited += 0.5
        pauses.append(waited)
    assert max(pauses) <= 67
    assert source.stale == ["ssm:///a"] * len(source.stale)
    assert len(source.stale) == len(source.reads) - 1  # one warning for each failed read, none in between


def test_what_is_missing_is_not_replaced_by_an_old_value() -> None:
    """A deleted parameter is missing, though its old value is still at hand."""
    source = Source()
    source.ask()
    source.clock.advance(400)
    source.failure = Failure(MISSING, "gone")
    assert isinstance(source.ask(), Failure)
    source.failure = Failure(UNAVAILABLE, "down")
    source.clock.advance(10)
    assert isinstance(source.ask(), Failure)


def test_readers_differ_in_how_old_a_value_may_be() -> None:
    """One reader's patience is not another's: max_age and max_stale are the reader's own."""
    source = Source()
    source.ask()
    source.clock.advance(100)
    source.failure = Failure(UNAVAILABLE, "down")
    assert source.ask(max_age=300) == 0
    assert isinstance(source.ask(max_age=10, max_stale=10), Failure)
    assert source.ask(max_age=10, max_stale=1000) == 0
    assert len(source.reads) == 2


def test_a_reader_who_takes_an_old_value_after_one_who_did_not_is_told() -> None:
    """A failed read that its own reader got as an error is told once to those who are given the old value for it."""
    source = Source()
    source.ask()
    source.clock.advance(2)
    source.failure = Failure(UNAVAILABLE, "it is")
    assert isinstance(source.ask(max_age=0, max_stale=0), Failure)
    assert source.stale == []
    assert source.ask(max_age=1, max_stale=600) == 0
    assert source.ask(max_age=1, max_stale=600) == 0
    assert source.stale == ["ssm:///a"]
    assert len(source.reads) == 2


def test_the_cache_does_not_grow_for_ever() -> None:
    """References made of user input push the oldest values out instead of filling the memory."""
    source = Source()
    for number in range(1500):
        source.ask(f"ssm:///n{number}")
    assert len(source.cache._entries) <= 1024
    assert source.ask("ssm:///n1499") == 0
    assert len(source.reads) == 1500


class Gate:
    """A source that lets a read through when it is told to."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.asked = threading.Event()
        self.reads: list[str] = []
        self.error: BaseException | None = None
        self.cache = Cache(self.fetch, lambda *_: None)

    def fetch(self, references: Sequence[Reference], deadline: Deadline, deliver: Any) -> None:
        """Wait for the gate, then deliver how many reads there were."""
        self.reads += [reference.base for reference in references]
        self.asked.set()
        self.open.wait(10)
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        for reference in references:
            deliver(reference.base, Value(len(self.reads)))

    def start(self, results: list[Any], *texts: str, max_age: float = 300.0, seconds: float = 10.0) -> threading.Thread:
        """Read in a thread; what comes of it is appended to `results`."""

        def work() -> None:
            wants = [Query(parse(text), max_age, 0.0) for text in texts]
            try:
                outcomes = self.cache.read(wants, Deadline(seconds))
            except BaseException as error:
                results.append(error)
                return
            results.append([getattr(outcomes[w.reference.base], "value", None) for w in wants])

        thread = threading.Thread(target=work)
        thread.start()
        return thread


def test_a_batch_and_a_single_read_wait_for_each_other() -> None:
    """A batch reads only what nobody is reading already, and a single read joins a batch."""
    gate = Gate()
    results: list[Any] = []
    threads = [gate.start(results, "ssm:///a")]
    gate.asked.wait(10)
    threads.append(gate.start(results, "ssm:///a", "ssm:///b"))
    while len(gate.reads) < 2:
        threading.Event().wait(0.01)
    threads.append(gate.start(results, "ssm:///b"))
    gate.open.set()
    for thread in threads:
        thread.join()
    assert sorted(gate.reads) == ["ssm:///a", "ssm:///b"]
    assert len(results) == 3


def test_a_reader_that_dies_lets_the_waiting_try_for_themselves() -> None:
    """When the thread that reads is interrupted, another one takes over; nobody hangs."""
    gate = Gate()
    gate.error = KeyboardInterrupt()
    results: list[Any] = []
    threads = [gate.start(results, "ssm:///a")]
    gate.asked.wait(10)
    threads.append(gate.start(results, "ssm:///a"))
    gate.open.set()
    for thread in threads:
        thread.join()
    assert sum(isinstance(result, KeyboardInterrupt) for result in results) == 1
    assert sum(isinstance(result, list) and result[0] is not None for result in results) == 1


def test_waiting_for_another_reader_ends_at_the_deadline() -> None:
    """A reader that waits for another one's read gives up at its own deadline."""
    gate = Gate()
    results: list[Any] = []
    leader = gate.start(results, "ssm:///a")
    gate.asked.wait(10)
    waiting = gate.start(results, "ssm:///a", seconds=0.1)
    waiting.join(10)
    assert results == [[None]]
    gate.open.set()
    leader.join()


def test_asking_anew_is_not_answered_by_a_read_that_began_before() -> None:
    """max_age=0 never takes the result of a read that was under way already: it may be older than the question."""
    gate = Gate()
    results: list[Any] = []
    threads = [gate.start(results, "ssm:///a")]
    gate.asked.wait(10)
    threads += [gate.start(results, "ssm:///a", max_age=0.0) for _ in range(5)]
    threading.Event().wait(0.2)
    gate.open.set()
    for thread in threads:
        thread.join()
    assert 2 <= len(gate.reads) <= 6
    contents = sorted(result[0].content for result in results)
    assert contents[0] == 1
    assert contents[1] >= 2


def test_what_is_read_while_everything_is_forgotten_is_not_kept() -> None:
    """A refresh during a read: the read answers its reader, and the next one asks again."""
    gate = Gate()
    results: list[Any] = []
    thread = gate.start(results, "ssm:///a")
    gate.asked.wait(10)
    gate.cache.clear()
    gate.open.set()
    thread.join()
    assert results[0][0].content == 1
    gate.start(results, "ssm:///a").join()
    assert len(gate.reads) == 2


@pytest.mark.parametrize("text", ["ssm:///a?region=eu-west-1", "ssm:///a:3", "ssm:///a?label=x", "secret://a"])
def test_what_changes_the_answer_is_part_of_the_key(text: str) -> None:
    """Region, version, label and service make another entry."""
    source = Source()
    source.ask()
    source.ask(text)
    assert len(set(source.reads)) == 2
