"""The full way to a line: what is an exception, a stack, a serializer's text; what is left of what does not fit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import get_logger, logging
from shared_utils.logging.output import write_line
from tests.support.log_lines import strict

if TYPE_CHECKING:
    import io
    from collections.abc import Callable

    from shared_utils.testing import CapturedLogs

ERROR = ValueError("c0")


@pytest.mark.parametrize(
    ("given", "known"),
    [
        *((True, "ValueError"), (1, "ValueError"), (ERROR, "ValueError"), ((ValueError, ERROR, None), "ValueError")),
        *((False, None), (0, None), (None, None), ((None, None, None), None), ((), None), ((1, 2), None)),
    ],
)
def test_what_is_an_exception(captured_logs: CapturedLogs, given: Any, known: str | None) -> None:
    """While one is handled: what the standard library takes for one, and nothing that is false."""
    try:
        raise ERROR
    except ValueError:
        get_logger().info("it", exc_info=given)
    line = captured_logs.one()
    assert line.get("exception_name") == known
    assert "exc_info" not in line


@pytest.mark.parametrize("given", ["text", 1.5, ["a"], {"a": 1}])
def test_a_value_of_this_name_is_a_value(captured_logs: CapturedLogs, given: Any) -> None:
    """What is no exception is shown as it is."""
    try:
        raise ERROR
    except ValueError:
        get_logger().info("it", exc_info=given)
    line = captured_logs.one()
    assert line["exc_info"] == given
    assert "exception_name" not in line


@pytest.mark.parametrize(
    ("given", "shown"), [(True, True), (1, True), (False, False), (0, False), (None, False), ("", False)]
)
def test_a_stack_is_shown_when_asked_for(captured_logs: CapturedLogs, given: Any, *, shown: bool) -> None:
    """By a true value."""
    get_logger().info("it", stack_info=given, a={1})
    assert ("stack" in captured_logs.one()) is shown
    if shown:
        assert captured_logs.one()["stack"].startswith("  File ")
        assert "\n  File " in captured_logs.one()["stack"]


def test_a_line_of_a_text_that_fits_nowhere_says_so(written: io.StringIO) -> None:
    """What a serializer makes too long, whatever it gets: level and time are left, under the names asked for."""
    logging.configure(
        serializer=lambda line: json.dumps({**line, **({"x": "y" * 3000} if "service" in line else {})}),
        max_line_bytes=2000,
        keys={"level": "lvl"},
    )
    get_logger("named").warning("it", a=1)
    line = strict(written.getvalue())
    assert line.keys() == {"lvl", "message", "timestamp"}
    assert (line["lvl"], line["message"]) == ("WARNING", "a line was too long")


class TextError(Exception):
    """A failure of a serializer."""


def fails(line: dict[str, Any]) -> str:
    """Make no text."""
    raise TextError


@pytest.mark.parametrize("way", ["fast", "full"])
@pytest.mark.parametrize(
    ("serializer", "told"),
    [
        (fails, "TextError"),
        (lambda line: "a\nb", "ValueError"),
        (lambda line: "a\rb", "ValueError"),
        (lambda line: "\n", "ValueError"),
        (lambda line: b"\xff", "UnicodeDecodeError"),
        (lambda line: 5, "AttributeError"),
        (lambda line: '{"a":"\ud800"}', "UnicodeEncodeError"),
    ],
)
def test_the_first_line_says_how_a_serializer_failed(
    captured_logs: CapturedLogs, way: str, serializer: Callable[[dict[str, Any]], Any], told: str
) -> None:
    """By the name of the error; each line is written as JSON."""
    logging.configure(serializer=serializer)
    for number in range(2):
        get_logger().info("it", number=number, **({"a": {1}} if way == "full" else {}))
    first, second = captured_logs
    assert first["serializer_failed"] == told
    assert (first["number"], second["number"]) == (0, 1)
    assert "serializer_failed" not in second


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
@pytest.mark.parametrize("kind", [str, bytes, bytearray])
def test_a_serializers_text_is_the_line(written: io.StringIO, kind: Any, end: str) -> None:
    """Text or bytes, as it is, without the end of a line that it brings along."""

    def serializer(line: dict[str, Any]) -> Any:
        text = f"XX {line['message']} XX{end}"
        return text if kind is str else kind(text.encode())

    logging.configure(serializer=serializer)
    get_logger().info("it")
    get_logger().info("ü", a={1})
    assert written.getvalue() == "XX it XX\nXX ü XX\n"


@pytest.mark.parametrize("limit", [1200, 2000, 5000])
@pytest.mark.parametrize("service", ["s", "s" * 300])
def test_a_line_that_is_cut_uses_its_room(written: io.StringIO, limit: int, service: str) -> None:
    """What there is room for stays, with a short service and with a long one."""
    logging.configure(max_line_bytes=limit, service=service)
    for length in (limit, 3 * limit, 50 * limit):
        written.truncate(0)
        written.seek(0)
        get_logger().info("it", text="x" * length)
        line = written.getvalue()
        assert 0.4 * limit < len(line) <= limit
        assert strict(line)["service"] == service


def test_a_traceback_has_its_own_bound(captured_logs: CapturedLogs) -> None:
    """However long a line may be, the text of a traceback is cut where nobody reads it any more."""

    def recurse(depth: int) -> None:
        if depth:
            recurse(depth - 1)
        raise ValueError("x" * 100_000)

    logging.configure(max_line_bytes=256 * 1024)
    try:
        recurse(100)
    except ValueError:
        get_logger().exception("it")
    text = captured_logs.one()["exception"]
    assert len(text) < 70_000
    assert text.startswith("Traceback")
    assert text.endswith("x" * 100)


@pytest.mark.parametrize("where", [None, "place:5"])
def test_a_stack_is_shown_without_a_frame_to_begin_with(captured_logs: CapturedLogs, where: str | None) -> None:
    """That of a line whose place is a finished text begins where the line is made."""
    write_line(30, "it", {"stack_info": True}, where)
    line = captured_logs.one()
    assert line["message"] == "it"
    assert "test_a_stack_is_shown_without_a_frame_to_begin_with" in line["stack"]
    assert line.get("location") == where


def test_the_end_of_a_stack_is_the_line_that_logs(captured_logs: CapturedLogs) -> None:
    """As it stands in the source, without its newline."""
    get_logger().info("it", stack_info=True)  # X
    assert captured_logs.one()["stack"].endswith('get_logger().info("it", stack_info=True)  # X')


@pytest.mark.parametrize("extra", [1, {1}])
def test_a_serializers_text_is_written_but_for_its_line_ends(written: io.StringIO, extra: Any) -> None:
    """Other white space is its own affair."""
    logging.configure(serializer=lambda record: f" {json.dumps(record, default=str)} \r\n\n")
    get_logger().info("it", extra=extra)
    assert written.getvalue()[:2] == " {"
    assert written.getvalue()[-3:] == "} \n"


def test_a_long_stack_is_cut_in_its_middle(captured_logs: CapturedLogs) -> None:
    """The line that logs is its end, and says most."""
    logging.configure(max_line_bytes=10_000)

    def deeper(depth: int) -> None:
        if depth:
            between(depth - 1)
        else:
            get_logger().info("it", stack_info=True)

    def between(depth: int) -> None:  # equal lines in a row are counted only
        deeper(depth)

    deeper(150)
    stack = captured_logs.one()["stack"]
    assert "characters cut]" in stack
    assert stack.startswith("  File ")
    assert stack.endswith('get_logger().info("it", stack_info=True)')
