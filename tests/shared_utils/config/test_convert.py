"""From text, lists and JSON trees to the types that fields ask for."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, NotRequired, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_utils import config
from shared_utils.config.types import convert
from shared_utils.config.types.scalars import ConversionError, StringList, copy_value


class Colour(enum.Enum):
    """An enum of texts."""

    RED = "r"
    GREEN = "g"


class Level(enum.IntEnum):
    """An enum of numbers."""

    LOW = 1
    HIGH = 2


@dataclasses.dataclass(frozen=True)
class Retry:
    """A dataclass with a default."""

    times: int
    pause: timedelta = timedelta(seconds=1)


@dataclasses.dataclass
class Database:
    """A dataclass that holds another one."""

    host: str
    port: int
    retry: Retry | None = None
    tags: list[str] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        if self.port > 65535:
            raise ValueError(f"canary {self.port}")


class Row(TypedDict):
    """A typed dict."""

    id: int
    name: NotRequired[str]


UserId = NewType("UserId", int)

GOOD: list[tuple[Any, Any, Any]] = [
    ("text", str, "text"),
    ("", str, ""),
    (5, str, "5"),
    (True, str, "true"),
    (StringList(["a", "b"]), str, "a,b"),
    ({"a": 1}, str, '{"a": 1}'),
    (b"bytes", str, "bytes"),
    ("text", bytes, b"text"),
    ("20", int, 20),
    (" -7\n", int, -7),
    ("+007", int, 7),
    (5.0, int, 5),
    ("1.5", float, 1.5),
    ("1e3", float, 1000.0),
    (3, float, 3.0),
    *[(word, bool, True) for word in ("true", "True", "YES", "on", "1", "enabled", "y", " t ", True, 1)],
    *[(word, bool, False) for word in ("false", "False", "no", "OFF", "0", "disabled", "n", False, 0)],
    ("0.10", Decimal, Decimal("0.10")),
    (0.1, Decimal, Decimal("0.1")),
    ("/tmp/x", Path, Path("/tmp/x")),
    ("2026-11-23T04:30:00Z", datetime, datetime(2026, 11, 23, 4, 30, tzinfo=UTC)),
    ("2026-11-23", date, date(2026, 11, 23)),
    ("90", timedelta, timedelta(seconds=90)),
    ("1h30m", timedelta, timedelta(minutes=90)),
    ("1 h 30 min", timedelta, timedelta(minutes=90)),
    ("250ms", timedelta, timedelta(milliseconds=250)),
    ("PT1H30M", timedelta, timedelta(minutes=90)),
    ("P1DT0.5S", timedelta, timedelta(days=1, milliseconds=500)),
    ("01:30:00", timedelta, timedelta(minutes=90)),
    (1.5, timedelta, timedelta(seconds=1.5)),
    ("r", Colour, Colour.RED),
    ("Green", Colour, Colour.GREEN),
    ("2", Level, Level.HIGH),
    ("LOW", Level, Level.LOW),
    ("a", Literal["a", "b"], "a"),
    ("2", Literal[1, 2], 2),
    ("true", Literal[True], True),
    ("5", int | None, 5),
    ("", int | None, None),
    ("null", int | None, None),
    (None, str | None, None),
    ("", str | None, ""),
    ("5", int | str, 5),
    ("x", int | str, "x"),
    ("a, b,c", list, ["a", "b", "c"]),
    ("", list[int], []),
    ("1,2", list[int], [1, 2]),
    ("[1, 2]", list[int], [1, 2]),
    (StringList(["1", "2"]), list[int], [1, 2]),
    (StringList(["a", "b"]), None, ["a", "b"]),
    ("1,2", tuple[int, ...], (1, 2)),
    ("a,2", tuple[str, int], ("a", 2)),
    ("1,2,2", set[int], {1, 2}),
    ("1,2", frozenset[int], frozenset({1, 2})),
    ('{"a": 1}', dict, {"a": 1}),
    ('{"a": "1"}', dict[str, int], {"a": 1}),
    ('{"1": [2]}', dict[int, list[str]], {1: ["2"]}),
    ("[0.123456789012345678901]", list[Decimal], [Decimal("0.123456789012345678901")]),
    ('{"host": "h", "port": "5", "unknown": 1}', Database, Database("h", 5)),
    ('{"host": "h", "port": 5, "retry": {"times": 3, "pause": "2s"}, "tags": ["x"]}', Database,
     Database("h", 5, Retry(3, timedelta(seconds=2)), ["x"])),
    ('{"id": "1"}', Row, {"id": 1}),
    ("7", UserId, 7),
    ("7", Annotated[int, "units"], 7),
    ("127.0.0.1", IPv4Address, IPv4Address("127.0.0.1")),
    ("hidden", config.Secret, config.Secret("hidden")),
    ({"enabled": True, "share": 5}, bool, True),
    ("anything", Any, "anything"),
    ("anything", object, "anything"),
    ('{"a": [1, {"b": null}]}', dict[str, Any], {"a": [1, {"b": None}]}),
]  # fmt: skip


@pytest.mark.parametrize(("content", "kind", "expected"), GOOD, ids=repr)
def test_values_become_what_the_type_says(content: Any, kind: Any, expected: Any) -> None:
    """Each type takes the spellings that people use for it."""
    value = convert(content, kind)
    assert value == expected
    assert type(value) is type(expected)


BAD: list[tuple[Any, Any]] = [
    ("abc", int), ("1.5", int), ("1_000", int), ("", int), ("٣", int), (True, int), (1.5, int), ([], int), (None, int),
    ("9" * 5000, int),
    ("nan", float), ("inf", float), ("1_0", float), ("", float), (True, float), (None, float), ({}, float),
    ("1e999", float),
    ("maybe", bool), ("", bool), (2, bool), (None, bool), ([], bool), ({"on": True}, bool),
    ("NaN", Decimal), ("Infinity", Decimal), ("x", Decimal), (True, Decimal), ("1_0", Decimal),
    ("", Path), ("a\0b", Path),
    ("yesterday", datetime), ("2026-13-01", date), (5, datetime),
    ("soon", timedelta), ("1h banana", timedelta), ("P", timedelta), ("PT", timedelta), ("", timedelta),
    (True, timedelta),
    ("9" * 30, timedelta), ("1:99:00", timedelta),
    ("b", Colour), ("3", Level), ([], Colour),
    ("c", Literal["a", "b"]), (None, Literal["a"]),
    ("x", int | None), ("x", int | bool),
    ("[1, 2", list[int]), ('{"a": 1}', list[int] | None), ("a,b", list[int]), (5, list),
    ("1,2,3", tuple[int, int]),
    ("[]", dict), ("a=b", dict), ("", dict), ('{"a": "x"}', dict[str, int]), ("[" * 100_000, list),
    ("{}", Database), ('{"host": "h", "port": 70000}', Database),
    ('{"host": "h", "port": "x"}', Database), ("5", list[Database]),
    ("5", Database),
    ("{}", Row), ('{"id": "x"}', Row),
    ("300.0.0.1", IPv4Address),
    (b"\xff", str), (None, str),
]  # fmt: skip


@pytest.mark.parametrize(("content", "kind"), BAD, ids=lambda value: repr(value)[:40])
def test_what_does_not_fit_is_said_without_a_secret(content: Any, kind: Any) -> None:
    """A value of another form is refused with what was expected, and shown only when it is no secret."""
    with pytest.raises(ConversionError) as caught:
        convert(content, kind)
    told = caught.value.message(sensitive=True)
    assert told.startswith(("expected ", "at "))
    if isinstance(content, str) and len(content) > 2 and content not in told:
        assert "canary" not in caught.value.message(sensitive=False)
    assert len(caught.value.message(sensitive=False)) < 400


def test_where_in_a_tree_a_value_does_not_fit() -> None:
    """The message names the place in a nested value."""
    with pytest.raises(ConversionError) as caught:
        convert('{"a": [{"host": "h", "port": "x"}]}', dict[str, list[Database]])
    assert caught.value.message(sensitive=True) == "at a[0].port: expected a whole number"


def test_functions_may_stand_for_types() -> None:
    """get() takes any function of the text as a type."""
    assert convert("[1]", json.loads) == [1]
    with pytest.raises(ConversionError, match="what loads accepts"):
        convert("canary", json.loads)


@given(
    st.text(),
    st.sampled_from([str, int, float, bool, list, dict, Decimal, timedelta, datetime, Path, Colour, Database]),
)
def test_any_text_is_converted_or_refused(text: str, kind: Any) -> None:
    """No text makes a conversion end in anything but a value or ConversionError."""
    with contextlib.suppress(ConversionError):
        convert(text, kind)


@given(st.integers())
def test_whole_numbers_survive(number: int) -> None:
    """What str() writes, int reads."""
    assert convert(str(number), int) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_survive(number: float) -> None:
    """What repr() writes, float and Decimal read."""
    assert convert(repr(number), float) == number
    assert convert(repr(number), Decimal) == Decimal(repr(number))


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=3), TREES, max_size=3))
def test_trees_survive_and_are_copied(tree: dict[str, Any]) -> None:
    """What json writes, dict reads; and a copy shares nothing that can be changed."""
    assert convert(json.dumps(tree), dict) == tree
    copy = copy_value(tree)
    assert copy == tree

    def containers(node: Any) -> set[int]:
        if isinstance(node, dict):
            return {id(node)}.union(*map(containers, node.values()))
        return {id(node)}.union(*map(containers, node)) if isinstance(node, list) else set()

    assert not containers(copy) & containers(tree)
