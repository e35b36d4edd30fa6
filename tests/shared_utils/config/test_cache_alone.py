"""The cache alone: how much it keeps, when it asks again, and what late, missing and failing answers do."""

from __future__ import annotations

import contextlib
import threading
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils.config.aws.retry import Deadline
from shared_utils.config.cache import Cache
from shared_utils.config.entries import Entry, Query
from shared_utils.config.outcomes import BRIEFLY, MISSING, MORE_TIME, UNAVAILABLE, Failure, Value
from shared_utils.config.sources.registry import parse
from tests.support.fake_clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shared_utils.config.references import Reference


class Alone:
    """A cache whose source answers with what it is told to, by reference; anything else is an error."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.reads: list[str] = []
        self.calls = 0
        self.answers: dict[str, Value | Failure] = {}
        self.before: Callable[[], None] = lambda: None
        self.stale: list[tuple[str, str, float]] = []
        self.cache = Cache(
            self.fetch, lambda base, failure, age: self.stale.append((base, failure.kind, age)), self.clock.now
        )

    def fetch(self, references: Sequence[Reference], deadline: Deadline, deliver: Callable[..., None]) -> None:
        """Deliver the answers that there are."""
        self.calls += 1
        for reference in references:
            self.reads.append(reference.base)
        self.before()
        for reference in references:
            if reference.base in self.answers:
                deliver(reference.base, self.answers[reference.base])

    def ask(self, *texts: str, max_age: float = 300.0, max_stale: float = 0.0, seconds: float = 5.0) -> list[Any]:
        """Return the contents, or the failures."""
        queries = [Query(parse(text), max_age, max_stale) for text in texts]
        outcomes = self.cache.read(queries, Deadline(seconds))
        found = [outcomes[query.reference.base] for query in queries]
        return [one.value.content if isinstance(one, Entry) else one for one in found]

    @contextlib.contextmanager
    def held(self, ask: Callable[[], object]) -> Iterator[None]:
        """Let another thread ask, and hold its read for the time of a `with` block."""
        asked, go = threading.Event(), threading.Event()

        def wait() -> None:
            asked.set()
            assert go.wait(10)

        self.before = wait
        reader = threading.Thread(target=ask)
        reader.start()
        assert asked.wait(10)
        try:
            yield
        finally:
            go.set()
            reader.join(10)


def test_of_several_questions_each_is_answered() -> None:
    """Those that are known, known to be missing, and new, in any order; only the new ones are read."""
    alone = Alone()
    names = [f"ssm:///{name}" for name in ("fresh", "missing", "new", "other")]
    alone.answers = {name: Value(name) for name in names} | {names[1]: Failure(MISSING, "none")}
    for shift in range(4):
        alone.cache.clear()
        alone.ask(names[0], names[1])
        alone.reads.clear()
        alone.calls = 0
        order = [*names[shift:], *names[:shift]]
        answers = dict(zip(order, alone.ask(*order), strict=True))
        assert {name: answers[name] for name in names if name != names[1]} == {
            name: name for name in names if name != names[1]
        }
        assert answers[names[1]].kind == MISSING
        assert sorted(alone.reads) == sorted(names[2:])
        assert alone.calls == 1  # together


@pytest.mark.parametrize("kind", ["value", "missing"])
def test_exactly_so_many_are_kept(kind: str) -> None:
    """1,024 values and as many failures; one more takes the place of the oldest."""
    alone = Alone()
    names = [f"ssm:///{number}" for number in range(1025)]
    alone.answers = {name: Value(name) if kind == "value" else Failure(MISSING, "none") for name in names}
    for name in names[:1024]:
        alone.ask(name)
    alone.ask(names[0])
    assert len(alone.reads) == 1024
    alone.ask(names[1024])
    alone.ask(*names[1:])
    assert len(alone.reads) == 1025
    alone.ask(names[0])
    assert len(alone.reads) == 1026


def test_a_value_that_is_read_again_is_not_the_oldest() -> None:
    """The place of a value in the order of age is that of its latest read."""
    alone = Alone()
    names = [f"ssm:///{number}" for number in range(1025)]
    alone.answers = {name: Value(name) for name in names}
    for name in (*names[:1024], names[0], names[1024]):
        alone.ask(name, max_age=300.0 if name != names[0] else 0.0)
    alone.reads.clear()
    alone.ask(names[0])
    assert alone.reads == []
    alone.ask(names[1])
    assert alone.reads == [names[1]]


def test_equal_answers_are_the_same() -> None:
    """A parameter that was read anew and is equal to what its path says costs no further read of the path."""
    alone = Alone()
    alone.answers = {"ssm:///app/": Value({"a": [1, "x"]}), "ssm:///app/a": Value([1, "x"])}
    alone.ask("ssm:///app/")
    alone.ask("ssm:///app/a", max_age=0.0)
    assert alone.ask("ssm:///app/") == [{"a": [1, "x"]}]
    assert alone.reads == ["ssm:///app/", "ssm:///app/a"]


def test_a_path_that_arrives_late_makes_no_newer_value_older() -> None:
    """What was read by itself meanwhile is as fresh as that read."""
    alone = Alone()
    alone.answers = {"ssm:///app/": Value({"a": 1}), "ssm:///app/a": Value(1)}

    def meanwhile() -> None:
        alone.before = lambda: None
        alone.clock.advance(200)
        alone.ask("ssm:///app/a")

    alone.before = meanwhile
    alone.ask("ssm:///app/")
    alone.clock.advance(200)
    assert alone.ask("ssm:///app/a") == [1]
    assert alone.reads == ["ssm:///app/", "ssm:///app/a"]


def test_a_value_that_arrives_after_a_later_read_missed_it_is_missing() -> None:
    """The later read knows better; a later read that only failed does not."""
    for kind in (MISSING, UNAVAILABLE):
        alone = Alone()

        def meanwhile(alone: Alone = alone, kind: str = kind) -> None:
            alone.before = lambda: None
            alone.answers = {"ssm:///a": Failure(kind, "it is")}
            alone.ask("ssm:///a")
            alone.answers = {"ssm:///a": Value(1)}

        alone.before = meanwhile
        (found,) = alone.ask("ssm:///a")
        assert getattr(found, "kind", found) == (MISSING if kind == MISSING else 1)


@pytest.mark.parametrize("newer", [Value(2), Failure(UNAVAILABLE, "down")])
def test_what_arrives_late_is_not_given_when_a_later_read_found_something(newer: Value | Failure) -> None:
    """Both readers get the later answer; a later failure is none."""
    alone = Alone()

    def meanwhile() -> None:
        alone.before = lambda: None
        alone.answers = {"ssm:///a": newer}
        alone.ask("ssm:///a")
        alone.answers = {"ssm:///a": Value(1)}

    alone.before = meanwhile
    assert alone.ask("ssm:///a") == ([2] if isinstance(newer, Value) else [1])


def test_pauses_grow_with_each_failure_and_start_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is twice the one before, up to a minute; after a good answer the first one is short again."""
    monkeypatch.setattr("shared_utils.config.entries.fraction", lambda: 0.5)
    alone = Alone()

    def pauses(seconds: int) -> list[float]:
        asked = []
        for _ in range(seconds):
            before = len(alone.reads)
            alone.ask("ssm:///a", max_age=1.0)
            asked += [alone.clock.monotonic] if len(alone.reads) > before else []
            alone.clock.advance(1)
        return [later - earlier for earlier, later in pairwise(asked)]

    alone.answers = {"ssm:///a": Failure(UNAVAILABLE, "down")}
    assert pauses(190) == [2, 4, 8, 16, 32, 60, 60]
    alone.clock.advance(60)
    alone.answers = {"ssm:///a": Value(1)}
    assert alone.ask("ssm:///a") == [1]
    alone.clock.advance(2)
    alone.answers = {"ssm:///a": Failure(UNAVAILABLE, "down")}
    assert pauses(15) == [2, 4, 8]


@pytest.mark.parametrize("names", [frozenset("a"), frozenset()])
def test_a_secret_path_stays_one(names: frozenset[str]) -> None:
    """With all that is known of it, also when parts of it are newer."""
    alone = Alone()
    alone.answers = {"ssm:///app/": Value({"a": 1}, sensitive=True, sensitive_names=names)}
    reference = parse("ssm:///app/")
    entry = alone.cache.read([Query(reference, 300.0, 0.0)], Deadline(5))[reference.base]
    assert isinstance(entry, Entry)
    assert (entry.value.sensitive, entry.value.sensitive_names) == (True, names)


def test_a_read_that_ends_without_an_answer_says_so() -> None:
    """What was not answered is a failure with a hint, beside what was."""
    alone = Alone()
    alone.answers = {"ssm:///a": Value(1)}
    good, bad = alone.ask("ssm:///a", "ssm:///b")
    assert good == 1
    assert (bad.kind, bad.hint) == (UNAVAILABLE, MORE_TIME)
    assert "the read ended without an answer" in str(vars(bad) if hasattr(bad, "__dict__") else bad.message)


def test_what_arrives_after_everything_was_forgotten_is_handed_out_and_not_kept() -> None:
    """With its value, or its failure; the next one asks again."""
    alone = Alone()
    alone.before = alone.cache.clear
    alone.answers = {"ssm:///a": Value(1), "ssm:///b": Failure(MISSING, "none")}
    for _ in range(3):
        good, bad = alone.ask("ssm:///a", "ssm:///b")
        assert (good, bad.kind) == (1, MISSING)
    assert len(alone.reads) == 6


def test_what_has_its_answer_can_be_read_again_before_the_rest_has() -> None:
    """By another thread that takes nothing old: it does not wait for what else the first one reads."""
    alone = Alone()
    found: list[Any] = []
    real = alone.fetch

    def fetch(references: Sequence[Reference], deadline: Deadline, deliver: Callable[..., None]) -> None:
        deliver("ssm:///a", Value("first"))
        alone.answers = {"ssm:///a": Value("second")}
        alone.cache._fetch = real
        other = threading.Thread(target=lambda: found.extend(alone.ask("ssm:///a", max_age=0.0)), daemon=True)
        other.start()
        other.join(2)
        found.append("the rest")
        deliver("ssm:///b", Value("b"))

    alone.cache._fetch = fetch
    assert alone.ask("ssm:///a", "ssm:///b") == ["first", "b"]
    assert found == ["second", "the rest"]


@pytest.mark.parametrize("found_by", ["ssm:///app/", "ssm:///app/a"])
def test_once_a_value_is_found_its_failures_count_no_longer(found_by: str) -> None:
    """By itself or with its path: it is asked for again at once, and a new failure is the first one."""
    alone = Alone()
    alone.answers = {"ssm:///app/a": Failure(UNAVAILABLE, "down")}
    for _ in range(6):
        alone.ask("ssm:///app/a")
        alone.clock.advance(3600)
    alone.ask("ssm:///app/a")
    alone.clock.advance(3600 if found_by == "ssm:///app/a" else 0.5)
    alone.answers = {"ssm:///app/a": Value(1), "ssm:///app/": Value({"a": 1})}
    alone.ask(found_by)
    alone.clock.advance(0.25)
    alone.reads.clear()
    assert alone.ask("ssm:///app/a", max_age=0.125) == [1]
    assert alone.reads == ["ssm:///app/a"]
    alone.answers = {"ssm:///app/a": Failure(UNAVAILABLE, "down")}
    alone.clock.advance(0.25)
    for _ in range(2):
        alone.ask("ssm:///app/a", max_age=0.125)
        alone.clock.advance(3)
    assert alone.reads == ["ssm:///app/a"] * 3


@pytest.mark.parametrize("allowed", [(0.0,) * 3, (3600.0,) * 3, (0.0, 3600.0, 3600.0)])
def test_who_waits_for_a_read_that_fails_gets_the_old_value_too(allowed: Sequence[float]) -> None:
    """Where it allows one that old; else the failure. It is told of once, with the age."""
    alone = Alone()
    alone.answers = {"ssm:///a": Value("old")}
    alone.ask("ssm:///a")
    alone.clock.advance(400)
    alone.answers = {"ssm:///a": Failure(UNAVAILABLE, "down")}
    found: list[Any] = []
    readers = [
        threading.Thread(target=lambda most=most: found.extend(alone.ask("ssm:///a", max_stale=most)))
        for most in allowed[1:]
    ]
    with alone.held(lambda: found.extend(alone.ask("ssm:///a", max_stale=allowed[0]))):
        for reader in readers:
            reader.start()
    for reader in readers:
        reader.join(10)
    kinds = [(each.kind, str(each)) if isinstance(each, Failure) else each for each in found]
    assert sorted(kinds, key=str) == sorted(("old" if most else (UNAVAILABLE, "down") for most in allowed), key=str)
    assert len(alone.reads) == 2
    assert alone.stale == ([("ssm:///a", UNAVAILABLE, 400.0)] if any(allowed) else [])


def test_what_another_read_cannot_answer_is_asked_for_again_beside_what_is_answered() -> None:
    """A read that began before does not answer who takes nothing old; the rest of the question has its answer."""
    alone = Alone()
    alone.answers = {"ssm:///a": Value("a"), "ssm:///b": Value("b")}
    first_asks, second_has_asked = threading.Event(), threading.Event()

    def wait() -> None:
        if alone.calls == 1:
            first_asks.set()
            assert second_has_asked.wait(10)
        second_has_asked.set()

    alone.before = wait
    first = threading.Thread(target=alone.ask, args=("ssm:///a",))
    first.start()
    assert first_asks.wait(10)
    assert alone.ask("ssm:///b", "ssm:///a", max_age=0.0) == ["b", "a"]
    first.join(10)
    assert alone.reads == ["ssm:///a", "ssm:///b", "ssm:///a"]


@pytest.mark.parametrize("max_stale", [0.0, 3600.0])
def test_who_waits_too_long_is_told(max_stale: float) -> None:
    """Another thread's read that does not end in time is a failure to be tried again soon, or the old value."""
    alone = Alone()
    alone.answers = {"ssm:///a": Value("old")}
    alone.ask("ssm:///a")
    alone.clock.advance(400)
    with alone.held(lambda: alone.ask("ssm:///a")):
        (late,) = alone.ask("ssm:///a", max_stale=max_stale, seconds=0.01)
    if max_stale:
        assert late == "old"
    else:
        assert (late.kind, late.hint, late.retry) == (UNAVAILABLE, MORE_TIME, BRIEFLY)
        assert late.what == "another thread's read of it did not end in time"
    assert len(alone.reads) == 2
