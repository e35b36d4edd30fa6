"""What a path and its parameters say, whoever asked last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_utils.config.aws.retry import Deadline
from shared_utils.config.cache import Cache
from shared_utils.config.entries import Entry, Query
from shared_utils.config.outcomes import MISSING, Failure, Value
from shared_utils.config.sources.registry import parse
from tests.support.fake_clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared_utils.config.references import Reference

    Step = tuple[Any, ...]

NAMES = ("a", "b", "c/d")
CHANGES = st.tuples(st.just("set"), st.sampled_from(NAMES), st.sampled_from([None, 1, 2]))
ASKS = st.tuples(st.just("ask"), st.sampled_from(NAMES), st.sampled_from([300.0, 0.0]))
PATHS = st.tuples(
    st.just("path"), st.lists(CHANGES | ASKS, max_size=3), st.sampled_from([300.0, 0.0])
)  # with what happens between its answer and its arrival


class Tree:
    """Parameters below a path, read through a cache; and what the latest read of each has found."""

    def __init__(self) -> None:
        self.parameters: dict[str, int] = {"a": 1, "b": 1}
        self.meanwhile: list[Step] = []
        self.reads = 0
        self.known: dict[str, tuple[int, int | None]] = {}  # name: the place of the read, and what it found
        self.held: list[tuple[str | None, Entry]] = []
        self.cache = Cache(self.fetch, lambda *_: None, Clock().now)

    def fetch(self, references: Sequence[Reference], deadline: Deadline, deliver: Callable[..., None]) -> None:
        """Answer as the service would have at the beginning of the read."""
        for reference in references:
            self.reads += 1
            order, found = self.reads, dict(self.parameters)
            if reference.children is None:
                name = reference.name.removeprefix("/app/")
                self.learn(order, {name: found.get(name)})
                value = Value(found[name], sensitive=name == "a") if name in found else None
            else:
                steps, self.meanwhile = self.meanwhile, []
                for step in steps:
                    self.do(step)
                self.learn(order, {name: found.get(name) for name in NAMES})
                value = Value(found, sensitive_names=frozenset("a")) if found else None
            deliver(reference.base, value or Failure(MISSING, "none"))

    def learn(self, order: int, found: dict[str, int | None]) -> None:
        """Remember what a read found, unless a later one found something."""
        for name, value in found.items():
            if self.known.get(name, (0, None))[0] < order:
                self.known[name] = order, value

    def do(self, step: Step) -> None:
        """Change a parameter, or read something and compare it with what is known."""
        kind, what, how = step
        if kind == "set":
            self.parameters.pop(what, None)
            if how is not None:
                self.parameters[what] = how
        elif kind == "ask":
            found = self.ask(f"ssm:///app/{what}", how)
            expected = self.known[what][1]
            if isinstance(found, Failure):
                assert expected is None
            else:
                assert found.value.content == expected
                assert found.value.sensitive is (what == "a")
                self.held.append((what, found))
        else:
            self.meanwhile = what
            found = self.ask("ssm:///app/", how)
            self.meanwhile = []
            if isinstance(found, Entry):
                assert found.value.content == {name: one for name, (_, one) in self.known.items() if one is not None}
                assert found.value.sensitive_names == {"a"}
                self.held.append((None, found))
        for name, entry in self.held:
            if entry.current and name is not None:
                assert entry.value.content == self.known[name][1]

    def ask(self, text: str, max_age: float) -> Entry | Failure:
        """Read through the cache."""
        reference = parse(text)
        return self.cache.read([Query(reference, max_age, 0.0)], Deadline(5))[reference.base]


@settings(max_examples=60)
@given(steps=st.lists(CHANGES | ASKS | PATHS, max_size=12))
def test_of_each_parameter_the_latest_answer_is_given(steps: list[Step]) -> None:
    """Whatever is read by itself or with its path, at once or late: the answer of the latest read."""
    tree = Tree()
    for step in steps:
        tree.do(step)


STEPS: dict[str, list[Step]] = {
    "a newer single value": [("path", [("set", "a", 2), ("ask", "a", 0.0)], 0.0), ("path", [], 300.0)],
    "a newer value of a new name": [("path", [("set", "c/d", 2), ("ask", "c/d", 0.0)], 0.0), ("path", [], 300.0)],
    "a newer missing one": [("path", [("set", "a", None), ("ask", "a", 0.0)], 0.0), ("path", [], 300.0)],
    "one that is gone": [
        ("ask", "a", 0.0),
        ("ask", "b", 0.0),
        ("set", "a", None),
        ("path", [], 0.0),
        ("ask", "a", 300.0),
    ],
    "one that came back": [
        ("set", "a", None),
        ("ask", "a", 0.0),
        ("set", "a", 2),
        ("path", [], 0.0),
        ("ask", "a", 300.0),
    ],
    "a path that is gone": [
        ("path", [], 0.0),
        ("set", "a", None),
        ("set", "b", None),
        ("path", [], 0.0),
        ("ask", "a", 300.0),
        ("ask", "b", 300.0),
    ],
    "a change seen by itself": [("path", [], 0.0), ("set", "b", 2), ("ask", "b", 0.0), ("path", [], 300.0)],
    "a loss seen by itself": [("path", [], 0.0), ("set", "b", None), ("ask", "b", 0.0), ("path", [], 300.0)],
}


@pytest.mark.parametrize("case", STEPS)
def test_of_each_parameter_the_latest_answer_is_given_also_when(case: str) -> None:
    """The orders of events that matter, each by itself, and beside entries that belong to no path."""
    tree = Tree()
    assert isinstance(tree.ask("env://OTHER", 300.0), (Entry, Failure))
    for step in STEPS[case]:
        tree.do(step)


def test_a_path_is_kept_while_its_parameters_say_the_same() -> None:
    """A parameter read by itself that has not changed costs no further read of the path, nor does another path."""
    tree = Tree()
    for step in (("path", [], 300.0), ("ask", "a", 0.0), ("ask", "b", 300.0), ("path", [], 300.0)):
        tree.do(step)
    assert tree.reads == 2
