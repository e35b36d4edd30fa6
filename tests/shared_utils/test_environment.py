"""Reading environment variables: the first that is set, switches, and snapshots that notice a change."""

from __future__ import annotations

import os

import pytest

from shared_utils import _env, _random


@pytest.mark.parametrize(
    ("set_to", "found"),
    [
        ({}, None),
        ({"A_": "", "B_": " b "}, ("B_", "b")),
        ({"A_": "a", "B_": "b"}, ("A_", "a")),
        ({"A_": "  "}, None),
    ],
)
def test_the_first_variable_that_is_set_wins(monkeypatch, set_to, found):
    """An empty or blank variable counts as not set."""
    for name, text in set_to.items():
        monkeypatch.setenv(name, text)
    assert _env.first_of("A_", "B_") == found


@pytest.mark.parametrize(("text", "on"), [("1", True), (" TRUE ", True), ("off", False), ("", False), ("maybe", None)])
def test_switches_understand_powertools_words(text, on):
    """Any case, white space around it; a word that is neither is None."""
    assert _env.switch(text) is on


def test_a_snapshot_notices_a_change(monkeypatch):
    """What `stored` looks up changes with the variable, and decodes to its text."""
    lookup, keys = _env.stored(("A_", "B_"))
    monkeypatch.delenv("A_", raising=False)
    monkeypatch.setenv("B_", "é")
    before = tuple(map(lookup, keys))
    assert [_env.decoded(value) for value in before] == [None, "é"]
    os.environ["A_"] = "x"
    assert tuple(map(lookup, keys)) != before
    del os.environ["A_"]


def test_random_fractions_lie_from_zero_to_one():
    """Never 1, never the same."""
    drawn = [_random.fraction() for _ in range(1000)]
    assert all(0 <= number < 1 for number in drawn)
    assert len(set(drawn)) > 990
