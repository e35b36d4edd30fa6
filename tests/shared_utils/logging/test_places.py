"""Levels by number and name, the place that a line names, the stream that it goes to, and what is said of a failure."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import get_logger, instrument, logging
from shared_utils.logging.fields import MISSING, escape, name_of, parse_level, standard
from shared_utils.logging.output import report_failure, write_line
from shared_utils.logging.settings import SETTINGS
from shared_utils.logging.state import OUTSIDE
from tests.support.log_lines import strict

if TYPE_CHECKING:
    from shared_utils.testing import CapturedLogs

LEVELS: list[tuple[object, int | None]] = [
    *((0, 0), (1, 1), (20, 20), (1000, 1000), (1001, None), (-1, None), (True, None), (False, None)),
    *(("0", 0), (" 20 ", 20), ("1000", 1000), ("1001", None), ("9" * 5000, None), ("-1", None), ("+5", None)),
    *(("info", 20), (" Info\n", 20), ("WARN", 30), ("warning", 30), ("fatal", 50), ("CRITICAL", 50), ("trace", 10)),
    *(("NOTSET", 10), ("exception", 40), ("ERROR", 40), ("debug", 10), ("", None), ("loud", None), (" ", None)),
    *((20.0, None), (None, None), (b"INFO", None), ("²", None)),
]


@pytest.mark.parametrize(("level", "number"), LEVELS, ids=lambda value: repr(value)[:20])
def test_a_level_is_a_number_or_a_name(level: object, number: int | None) -> None:
    """Within 0 to 1000, however it is written; nothing else is a level."""
    assert parse_level(level) == number


@pytest.mark.parametrize(
    ("number", "below"), [(0, 10), (9, 10), (10, 10), (19, 10), (20, 20), (29, 20), (49, 40), (50, 50), (1000, 50)]
)
def test_a_line_is_reported_under_the_standard_level_below(
    captured_logs: CapturedLogs, number: int, below: int
) -> None:
    """So that filters by level know it."""
    assert standard(number) == below
    name = {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}[below]
    assert name_of(number) == name
    logging.configure(level=0)
    write_line(number, "fast", {})
    write_line(number, "full", {"a": {1}})
    assert [line["level"] for line in captured_logs] == [name, name]


@pytest.mark.parametrize("character", [chr(n) for n in (0x7F, 0x80, 0x9F, 0x2028, 0x2029, 0xD800, 0xDFFF)], ids=ascii)
def test_what_ends_a_line_is_escaped(character: str) -> None:
    """Each such character alone, also in a line of ASCII; what comes right before and behind it is not."""
    before, behind = chr(ord(character) - 1), chr(ord(character) + 1)
    assert escape(f'"{character}"') == f'"\\u{ord(character):04x}"'
    assert json.loads(escape(f'"{character}é"')) == f"{character}é"
    for other in (before, behind):
        if other in "~\xa0\u2027\u202a\ud7ff\ue000":
            assert escape(f'"{other}"') == f'"{other}"'


@pytest.mark.parametrize(
    ("stacklevel", "place"),
    [
        (1, "inner"),
        (2, "outer"),
        (3, "test_the_stacklevel_counts_callers"),
        (0, "inner"),
        (-1, "inner"),
        ("2", "inner"),
    ],
)
def test_the_stacklevel_counts_callers(captured_logs: CapturedLogs, stacklevel: Any, place: str) -> None:
    """1 is who logged, 2 its caller, ...; what is no number is 1."""

    def inner() -> None:
        get_logger().info("it", stacklevel=stacklevel)

    def outer() -> None:
        inner()

    outer()
    line = captured_logs.one()
    assert line["location"].partition(":")[0] == place
    assert "stacklevel" not in line


def test_more_callers_than_there_are_name_the_outermost(captured_logs: CapturedLogs) -> None:
    """No line is lost because of it."""
    get_logger().info("it", stacklevel=100_000)
    assert captured_logs.one()["message"] == "it"
    assert "location" in captured_logs.one()


def test_the_line_number_is_that_of_the_call(captured_logs: CapturedLogs) -> None:
    """By the fast way and by the full one, and where a serializer makes the line."""
    here = sys._getframe().f_lineno
    get_logger().info("fast")
    get_logger().info("full", a={1})
    logging.configure(serializer=json.dumps)
    get_logger().info("serialized")
    places = [line["location"].rpartition(":")[2] for line in captured_logs]
    assert places == [str(here + 1), str(here + 2), str(here + 4)]


@pytest.mark.parametrize("way", ["fast", "full", "serialized"])
def test_a_line_that_is_written_for_others_has_what_is_given(captured_logs: CapturedLogs, way: str) -> None:
    """A finished location, a name, a message under `event`; nothing that was not given."""
    if way == "serialized":
        logging.configure(serializer=json.dumps)
    extra = {"a": {1}} if way == "full" else {"a": 1}
    write_line(20, "first", extra, "place:5", "named")
    write_line(20, "second", extra)
    write_line(20, MISSING, {**extra, "event": "third"})
    write_line(20, MISSING, extra)
    write_line(20, "fifth", {**extra, "event": "kept"})
    first, second, third, fourth, fifth = captured_logs
    assert (first["location"], first["logger"], first["message"]) == ("place:5", "named", "first")
    assert second.keys() == {"level", "message", "timestamp", "service", "a"}
    assert (third["message"], "event" in third) == ("third", False)
    assert fourth.get("message", "") == ""
    assert (fifth["message"], fifth["event"]) == ("fifth", "kept")


class Stream(io.StringIO):
    """A standard output that counts its calls, and fails where it is told to."""

    def __init__(self, fails: dict[str, Exception] | None = None) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.fails = fails or {}

    def write(self, text: str) -> int:
        """Take a text."""
        self.calls.append("write")
        if "write" in self.fails:
            raise self.fails["write"]
        return super().write(text)

    def flush(self) -> None:
        """Pass on what was taken."""
        self.calls.append("flush")
        if "flush" in self.fails:
            raise self.fails["flush"]


def test_a_line_is_one_write_and_flushed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of threads never mix, and none waits in a buffer when Lambda freezes."""
    stream = Stream()
    monkeypatch.setattr("sys.stdout", stream)
    get_logger().info("it")
    get_logger().info("long", text="x" * 5000)
    assert stream.calls == ["write", "flush"] * 2
    assert [strict(line)["message"] for line in stream.getvalue().splitlines()] == ["it", "long"]
    assert stream.getvalue().endswith("}\n")


@pytest.mark.parametrize("error", [OSError("full"), ValueError("closed"), RuntimeError("entered twice")])
@pytest.mark.parametrize("how", ["write", "flush"])
def test_a_stream_that_fails_is_no_error(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], how: str, error: Exception
) -> None:
    """What it does not take goes to the descriptor, once, as UTF-8 and with its newline; what it keeps does not."""
    stream = Stream({how: error})
    monkeypatch.setattr("sys.stdout", stream)
    get_logger().info("it é")
    out = capfd.readouterr().out
    assert (strict(out)["message"] if how == "write" else out) == ("it é" if how == "write" else "")
    assert out.endswith("\n") or how == "flush"
    assert (stream.getvalue() == "") is (how == "write")


class Ascii(Stream):
    """A standard output that can encode ASCII only."""

    def write(self, text: str) -> int:
        """Take a text of ASCII."""
        text.encode("ascii")
        return super().write(text)


def test_a_stream_of_ascii_gets_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is the same JSON, one line, with every other character escaped."""
    stream = Ascii()
    monkeypatch.setattr("sys.stdout", stream)
    get_logger().info("é", text="a😀b\u20ac", plain="x")
    line = strict(stream.getvalue())
    assert (line["message"], line["text"], line["plain"]) == ("é", "a😀b\u20ac", "x")
    assert stream.getvalue().isascii()
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize("level", ["debug", "info", "error", "critical"])
@pytest.mark.parametrize(
    ("message", "shown"), [("the lost one", "the lost one"), ("x" * 999, "x" * 999), ("x" * 1000, "str"), (5, "int")]
)
def test_a_line_that_cannot_be_made_is_told(
    captured_logs: CapturedLogs,
    monkeypatch: pytest.MonkeyPatch,
    *,
    lambda_context: Any,
    level: str,
    message: Any,
    shown: str,
) -> None:
    """As an error at least, with its message where that is a text of usual length, and with the invocation's fields."""

    def fail(*args: object) -> None:
        raise MemoryError("c4n4ry")

    @instrument
    def handler(event: object, context: object) -> None:
        get_logger().info("before")
        monkeypatch.setattr("shared_utils.logging.output._render", fail)
        getattr(get_logger(), level)(message)
        monkeypatch.undo()

    logging.configure(level="DEBUG", service="orders")
    handler({}, lambda_context)
    line = next(one for one in captured_logs if "failed" in one["message"])
    assert line["message"] == f"logging failed: MemoryError; the line was: {shown}"
    assert line["level"] == ("CRITICAL" if level == "critical" else "ERROR")
    assert (line["service"], line["function_name"]) == ("orders", "test-function")
    assert line["timestamp"].endswith("Z")


def test_a_line_whose_settings_cannot_be_worked_out_is_told(
    captured_logs: CapturedLogs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is known of the invocation, too."""

    def fail(settings: object) -> None:
        raise ValueError("no settings")

    monkeypatch.setattr(type(SETTINGS), "ensure_configured", fail)
    write_line(20, "the lost one", {"a": 1})
    line = captured_logs.one()
    assert (line["level"], line["message"]) == ("ERROR", "logging failed: ValueError; the line was: the lost one")


@pytest.mark.parametrize("serializer", [None, json.dumps])
def test_lines_of_each_way_have_lambdas_names_for_levels(
    captured_logs: CapturedLogs, monkeypatch: pytest.MonkeyPatch, serializer: Any
) -> None:
    """Where Lambda's own lines are JSON; a line that could not be made has them, too."""
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", "JSON")
    logging.configure(serializer=serializer)
    for number, name in ((30, "WARN"), (40, "ERROR"), (50, "FATAL")):
        captured_logs.clear()
        write_line(number, "fast", {"a": 1})
        write_line(number, "full", {"a": {1}})
        report_failure(number, "lost", ValueError(), OUTSIDE)
        assert [line["level"] for line in captured_logs] == [name, name, "ERROR" if number < 40 else name]
