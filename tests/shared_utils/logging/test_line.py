"""One call, one line: strict JSON of bounded size, whatever is logged."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import enum
import fractions
import ipaddress
import json
import math
import pathlib
import re
import types
import uuid
from dataclasses import dataclass, field
from typing import NamedTuple

import attrs
import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared_utils import get_logger, logging
from shared_utils.logging.render import render
from shared_utils.logging.state import current
from tests.support.log_lines import strict
from tests.support.programs import lines_of

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Colour(enum.Enum):
    """An enumeration."""

    RED = "red"


@dataclass
class Point:
    """A dataclass with a field that its repr hides."""

    x: int
    hidden: str = field(default="canary", repr=False)


@attrs.define
class AttrsPoint:
    """An attrs class with a field that its repr hides."""

    x: int
    hidden: str = attrs.field(default="canary", repr=False)


class Model(pydantic.BaseModel):
    """A pydantic model with a secret."""

    x: int
    password: pydantic.SecretStr = pydantic.SecretStr("canary")


class Named(NamedTuple):
    """A named tuple."""

    x: int
    y: int


class Hostile:
    """Raises from everything."""

    def __str__(self) -> str:
        raise ValueError("canary")

    __repr__ = __iter__ = __len__ = __bool__ = __hash__ = __eq__ = __str__


class HostileDict(dict):
    """A dict that cannot be walked through its own methods."""

    def items(self):
        """Raise."""
        raise ValueError("canary")

    __iter__ = keys = values = __len__ = items


class Liar:
    """Claims to be of a class that it is not, and raises when asked."""

    @property
    def __class__(self):
        raise ValueError("canary")


def _deep(levels: int) -> list:
    value: list = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
        ([math.inf], ["Infinity"]),
        (b"bytes \xff", "bytes \\xff"),
        (bytearray(b"abc"), "abc"),
        (memoryview(b"abc"), "abc"),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"a"}), ["a"]),
        (collections.deque([1, 2]), [1, 2]),
        ((1, (2,)), [1, [2]]),
        ({"a": 1}.keys(), ["a"]),
        (Named(1, 2), {"x": 1, "y": 2}),
        (Point(1), {"x": 1, "hidden": "[REDACTED]"}),
        (AttrsPoint(1), {"x": 1, "hidden": "[REDACTED]"}),
        (Model(x=1), {"x": 1, "password": "[REDACTED]"}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.defaultdict(list, a=[1]), {"a": [1]}),
        (decimal.Decimal("1.10"), "1.10"),
        (decimal.Decimal("NaN"), "NaN"),
        (fractions.Fraction(1, 3), "1/3"),
        (1 + 2j, "(1+2j)"),
        (dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC), "2026-01-31T12:00:00+00:00"),
        (dt.date(2026, 1, 31), "2026-01-31"),
        (dt.timedelta(seconds=90), "0:01:30"),
        (pathlib.PurePosixPath("/a/b"), "/a/b"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (ipaddress.ip_address("127.0.0.1"), "127.0.0.1"),
        (Colour.RED, "red"),
        (enum.IntEnum("Number", "ONE").ONE, 1),
        (ValueError("broken"), "ValueError: broken"),
        ({None: 1, True: 2, 3: 4, 1.5: 5}, {"null": 1, "true": 2, "3": 4, "1.5": 5}),
        ({1: "int", "1": "text"}, {"1": "int", "1_1": "text"}),
        ({Colour.RED: 1}, {"red": 1}),
        ({b"k": 1}, {"b'k'": 1}),
        (10**5000, "<int of 16610 bits>"),
        ("\ud800", "\ud800"),
        ("a\u2028b\x85c\nd", "a\u2028b\x85c\nd"),
        (HostileDict(a=1), {"a": 1}),
        (type, "<class 'type'>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_shown_as(written, value, shown):
    """Each kind of value has its JSON form, in a line of its own, at the top, in a dict and in a list."""
    get_logger().info("it", value=value, inside={"list": [value]})
    text = written.getvalue()
    assert text.splitlines(keepends=True) == [text]
    line = strict(text)
    assert line["value"] == shown
    assert line["inside"] == {"list": [shown]}


@pytest.mark.parametrize("make", [lambda: _deep(40), lambda: _deep(100_000), Liar, Hostile, lambda: [{"a": Hostile()}]])
def test_what_has_no_json_form_still_makes_a_line(written, make):
    """Nesting without end, liars and what raises from everything cost nothing but themselves."""
    get_logger().info("it", value=make())
    assert strict(written.getvalue())["value"]


def test_a_line_starts_with_what_people_look_for(written):
    """Level, location, message and time come first, in this order, then the service."""
    get_logger().info("hello", a=1)
    line = strict(written.getvalue())
    assert list(line) == ["level", "location", "message", "timestamp", "service", "a"]
    assert RFC_3339.fullmatch(line["timestamp"])
    assert re.fullmatch(r"test_a_line_starts_with_what_people_look_for:\d+", line["location"])


def test_the_location_is_the_callers_through_every_way_of_logging(captured_logs):
    """Module functions, bound loggers, structlog's own and stacklevel name the function that logged."""
    import structlog

    def speak() -> None:
        logging.info("module")
        get_logger().bind(a=1).info("bound")
        structlog.get_logger("lib").info("structlog")
        get_logger().log("info", "log")
        helper()

    def helper() -> None:
        get_logger().info("helper", stacklevel=2)

    speak()
    assert {line["location"].partition(":")[0] for line in captured_logs} == {"speak"}
    logging.configure(location=False)
    speak()
    assert not any("location" in line for line in captured_logs[5:])


def test_positional_values_are_formatted_into_the_message(captured_logs):
    """As in structlog and the standard library; a format that does not fit shows its parts instead of raising."""
    log = get_logger()
    log.info("%s of %d", "one", 2)
    log.info("%(a)s", {"a": 1})
    log.info("no place", "left over")  # noqa: PLE1205 - that is the point
    log.info("100%", 1)
    assert captured_logs.messages == ["one of 2", "1", "no place left over", "100% 1"]


def test_a_message_need_not_be_text(captured_logs):
    """A dict, number or nothing as the message is shown as such; `event=` gives the message as in structlog."""
    log = get_logger()
    log.info({"a": 1})
    log.info(3.5)
    log.info(None)
    log.info(event="by keyword")
    log.info()
    assert captured_logs.messages == [{"a": 1}, 3.5, None, "by keyword", ""]


def test_the_lines_own_keys_cannot_be_overwritten(captured_logs, lambda_context):
    """A value under one of the line's keys is kept with an underscore; service and ids may be set by the caller."""
    log = get_logger(service="mine")
    log.info("it", level="a", level_="b", timestamp=1, cold_start="free outside an invocation", correlation_id="c-1")
    line = captured_logs.one()
    assert line["level"] == "INFO"
    assert {"a", "b"} <= {value for key, value in line.items() if key.startswith("level_")}
    assert line["timestamp_"] == 1
    assert line["cold_start"] == "free outside an invocation"
    assert (line["service"], line["correlation_id"]) == ("mine", "c-1")


ODD = [
    None,
    True,
    math.nan,
    -math.inf,
    10**5000,
    "\ud800",
    "\u2028\x85\x00\x1b",
    b"\xff\x00",
    decimal.Decimal("sNaN"),
    dt.datetime.max,  # noqa: DTZ901 - a naive one on purpose
    uuid.UUID(int=7),
    1j,
    ValueError("\ud800"),
    Colour.RED,
    Point(1),
    Hostile(),
    object(),
    _circular := [1],
]
_circular.append({"again": _circular})


def odd(number: int) -> object:
    """Return one of the odd values; hypothesis would print them all if it had them itself."""
    return ODD[number]


keys = st.one_of(st.text(max_size=5), st.sampled_from([None, True, 1, 1.5, "1", (1, 2), b"k", math.nan, "\ud800"]))
scalars = st.one_of(st.text(max_size=8), st.integers(), st.floats(), st.integers(0, len(ODD) - 1).map(odd))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=5,
)


@settings(
    max_examples=5000,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.text(st.characters(codec=None), max_size=20), st.dictionaries(st.text(max_size=5), values, max_size=3))
def test_every_call_is_one_line_of_strict_json_with_its_message(captured_logs, message, named):
    """Whatever the message and the values are: one line, strict JSON, at most 256 KB, and the message intact."""
    line = render(20, message, named, "here:1", None, (), current())
    assert "\n" not in line
    assert len(line.splitlines()) == 1
    assert len(line.encode()) < 256 * 1024  # also proves that no lone surrogate is left
    record = strict(line)
    assert record["message"] == json.loads(json.dumps(message))
    assert record["level"] == "INFO"
    assert RFC_3339.fullmatch(record["timestamp"])


def test_an_internal_failure_is_itself_a_line(captured_logs, monkeypatch):
    """When a line cannot be made at all, the handler goes on, and a line says which one is missing."""

    def fail(*args: object) -> None:
        raise MemoryError

    monkeypatch.setattr("shared_utils.logging.output._render", fail)
    get_logger().info("the lost one")
    line = captured_logs.one(level="ERROR")
    assert "the lost one" in line["message"]
    assert "MemoryError" in line["message"]


def test_memory_stays_flat(captured_logs):
    """Ten thousand lines, each with keys never seen before, leave no more behind than a bounded cache."""
    import tracemalloc

    def log_many(start: int) -> None:
        for number in range(start, start + 5000):
            render(20, "it", {f"key{number}": number, "other": [number]}, None, None, (), current())

    log_many(0)
    tracemalloc.start()
    try:
        log_many(5000)
        before = tracemalloc.get_traced_memory()[0]
        log_many(10_000)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 20_000
    assert len(current().base_fields_json) < 1000


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "UTC"])
def test_times_are_utc_under_any_time_zone(zone):
    """The timestamp's text is the time in UTC, whatever TZ says."""
    before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    (line,) = lines_of("from shared_utils import logging\nlogging.info('it')", TZ=zone)
    after = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
    assert before <= dt.datetime.fromisoformat(line["timestamp"]) <= after
