"""Whichever way a line takes, it says the same: fast or in full, by a serializer, buffered, within a span."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import get_logger, instrument, logging
from shared_utils.logging.buffer import LineBuffer
from shared_utils.logging.fields import encode_fields, timestamp
from shared_utils.logging.output import LineLogger, write_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared_utils.testing import CapturedLogs


@pytest.mark.parametrize("keys", [None, {"message": "msg", "location": None, "function_arn": None}])
@pytest.mark.parametrize("serializer", [None, json.dumps])
def test_a_line_is_the_same_by_either_way(
    captured_logs: CapturedLogs, lambda_context: Any, serializer: Any, keys: Any
) -> None:
    """A value that needs a look changes nothing in the rest of the line."""
    logging.configure(serializer=serializer, keys=keys, service="orders")

    @instrument
    def handler(event: object, context: object) -> None:
        for extra in (1, {1}):
            with logging.bound(b="x"):
                get_logger("named", own=[1]).warning("it", extra=extra, text="ü\u2028")

    handler({}, lambda_context)
    fast, full = ({**line, "timestamp": "", "extra": 0} for line in captured_logs)
    assert fast == full
    assert (fast["logger"], fast["own"], fast["b"], fast["level"]) == ("named", [1], "x", "WARNING")
    assert list(fast) == list(full)


@pytest.mark.parametrize("key", ["level", "location", "message", "timestamp", "function_name"])
def test_a_serializer_does_not_get_a_value_for_the_lines_own(captured_logs: CapturedLogs, key: str) -> None:
    """A value under one of the line's keys stands beside it, as without a serializer."""
    logging.configure(serializer=json.dumps)
    get_logger().info("it", **{key: "mine"})
    line = captured_logs.one()
    assert "mine" in {line.get(key), line.get(key + "_")}
    assert (line["level"], line["message"]) == ("INFO", "it")
    assert line["location"].startswith("test_a_serializer_does_not_get")
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("serializer", [None, json.dumps])
@pytest.mark.parametrize("message", [{"a": 1}, 5, None, b"x"])
def test_a_message_that_is_no_text_is_shown(captured_logs: CapturedLogs, serializer: Any, message: object) -> None:
    """With a serializer as without."""
    logging.configure(serializer=serializer)
    get_logger().info(message)
    assert "failed" not in captured_logs.one()
    assert captured_logs.one()["message"] == (message if message != b"x" else "x")


def test_one_positional_value_may_be_a_tuple(captured_logs: CapturedLogs) -> None:
    """It is one value; only a mapping gives several, by name; an empty one is a value as well."""
    get_logger().info("%s", (1, 2))
    get_logger().info("%(a)s %(b)s", {"a": 1, "b": 2})
    get_logger().info("%s", {})
    assert captured_logs.messages == ["(1, 2)", "1 2", "{}"]


def test_times_are_those_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the millisecond, rounded down, also when the clock steps back."""
    for nanoseconds, text in (
        (1_700_000_000_000_000_000, "2023-11-14T22:13:20.000Z"),
        (1_700_000_000_000_999_999, "2023-11-14T22:13:20.000Z"),
        (1_700_000_000_999_000_000, "2023-11-14T22:13:20.999Z"),
        (1_700_000_000_999_999_999, "2023-11-14T22:13:20.999Z"),
        (1_700_000_001_000_000_000, "2023-11-14T22:13:21.000Z"),
        (1_700_000_000_042_000_000, "2023-11-14T22:13:20.042Z"),
        (951_782_399_007_000_000, "2000-02-28T23:59:59.007Z"),
        (0, "1970-01-01T00:00:00.000Z"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(time, "time_ns", lambda now=nanoseconds: now)
            assert timestamp() == text


def test_fields_are_encoded_as_json() -> None:
    """Text, numbers, truth values, nothing and containers; renamed, or left out."""
    fields = {"a": 'ü"', "b": 1, "c": True, "d": 1.5, "e": {"x": ["ü", 1]}, "f": None, "g": False, "gone": 1}
    assert encode_fields(fields, {"a": 'A"', "gone": None}) == (
        ',"A\\"":"ü\\"","b":1,"c":true,"d":1.5,"e":{"x":["ü",1]},"f":null,"g":false'
    )
    assert encode_fields({}, {}) == ""


def test_every_line_that_is_too_large_is_counted() -> None:
    """Each alone, and after others were dropped; taking starts the count anew."""
    buffer = LineBuffer(10)
    for _ in range(3):
        buffer.add("x" * 10)
    buffer.add("x" * 9)
    buffer.add("y" * 9)
    assert buffer.take() == (["y" * 9], 4)
    assert buffer.take() == ([], 0)


def test_what_was_dropped_is_told_by_a_warning(captured_logs: CapturedLogs, lambda_context: Any) -> None:
    """Before the lines that are left, with their number."""
    logging.configure(buffer=1000, location=False)

    @instrument
    def handler(event: object, context: object) -> None:
        for number in range(20):
            logging.debug("detail", number=number)
        logging.error("broken")

    handler({}, lambda_context)
    told, *details, error = captured_logs
    assert (told["message"], told["level"]) == ("log buffer was full: the oldest lines are missing", "WARNING")
    assert told["dropped_lines"] == 20 - len(details) == details[0]["number"]
    assert error["message"] == "broken"


NUMBERS = {
    "debug": 10,
    "info": 20,
    "msg": 20,
    "log": 20,
    "warning": 30,
    "warn": 30,
    "error": 40,
    "err": 40,
    "exception": 40,
    "critical": 50,
    "fatal": 50,
}


@pytest.mark.parametrize("method", NUMBERS)
@pytest.mark.parametrize("above", [0, 1])
def test_what_structlog_calls_finally_writes_or_buffers(
    captured_logs: CapturedLogs, lambda_context: Any, method: str, above: int
) -> None:
    """A line of exactly the level is written at once, one below waits; from ERROR on it brings out what waited."""
    number = NUMBERS[method]
    logging.configure(level=number + above, buffer=True)
    seen: list[str] = []

    @instrument
    def handler(event: object, context: object) -> None:
        if number > 10 or above:
            LineLogger().debug('{"message":"waits"}')
        getattr(LineLogger("named"), method)('{"message":"the line"}')
        seen.extend(captured_logs.messages)

    handler({}, lambda_context)
    if above:
        assert seen == []
    else:
        assert seen == (["waits", "the line"] if number >= 40 else ["the line"])


@pytest.mark.parametrize("number", [10, 40, 50])
def test_a_record_that_cannot_be_made_is_told(
    captured_logs: CapturedLogs, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Lines of other rooms do not raise either."""

    def fail(*args: object) -> None:
        raise MemoryError("c4n4ry")

    monkeypatch.setattr("shared_utils.logging.output._render", fail)
    write_line(number, "the lost one", {})
    line = captured_logs.one()
    assert line["message"] == "logging failed: MemoryError; the line was: the lost one"
    assert line["level"] == ("CRITICAL" if number == 50 else "ERROR")


@pytest.fixture
def trace() -> Iterator[Any]:
    """OpenTelemetry's API, which is not loaded any more afterwards."""
    loaded = sys.modules.get("opentelemetry.trace")
    import opentelemetry.trace as module

    yield module
    if loaded is None:
        del sys.modules["opentelemetry.trace"]


def test_a_line_has_the_ids_of_the_active_span(captured_logs: CapturedLogs, trace: Any) -> None:
    """As hexadecimal digits of full length; a value of the caller's own, bound or given, comes first."""
    span = trace.NonRecordingSpan(trace.SpanContext(trace_id=0xA1, span_id=0xB2, is_remote=False))
    with trace.use_span(span):
        get_logger().info("in a span", a=1)
        get_logger(trace_id="own").info("own")
        with logging.bound(span_id="bound"):
            get_logger().info("bound")
        get_logger().info("given", trace_id="given")
    get_logger().info("outside")
    ids = [(line.get("trace_id"), line.get("span_id")) for line in captured_logs]
    trace_id, span_id = f"{0xA1:032x}", f"{0xB2:016x}"
    assert ids == [
        (trace_id, span_id),
        ("own", span_id),
        (trace_id, "bound"),
        ("given", span_id),
        (None, None),
    ]
    assert captured_logs[0]["a"] == 1
