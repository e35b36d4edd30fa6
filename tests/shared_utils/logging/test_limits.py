"""How long a line may be, in bytes, and what stays when it is cut."""

from __future__ import annotations

import pytest

from shared_utils import get_logger, logging
from tests.support.log_lines import strict


@pytest.mark.parametrize("limit", [1024, 10_000, 256 * 1024])
@pytest.mark.parametrize(
    "values",
    [
        {"big": "x" * 10_000_000},
        {"big": "\x00é😀" * 200_000},
        {"big": ["y" * 1000] * 1000},
        {"big": {f"key{n}": n for n in range(100_000)}},
        {"big": list(range(300_000))},
        {f"k{n}": "v" * 500 for n in range(2000)},
        {"k" * 300_000: 1},
    ],
    ids=["long", "escapes", "list", "dict", "numbers", "many", "long-key"],
)
def test_a_line_is_never_longer_than_the_limit(written, values, limit):
    """What is too long is cut with a marker; message and JSON stay whole."""
    logging.configure(max_line_bytes=limit)
    get_logger().info("the message", **values)
    text = written.getvalue()
    assert len(text.encode()) <= limit
    line = strict(text)
    assert line["message"] == "the message"
    assert "cut" in text or "too long" in text


def test_a_message_that_is_too_long_is_cut(written):
    """A message of 10 MB becomes a line of at most 256 KB that says how much is missing."""
    get_logger().info("m" * 10_000_000)
    text = written.getvalue()
    assert len(text) <= 256 * 1024
    assert "of 10000000 characters cut" in strict(text)["message"]


@pytest.mark.parametrize("length", [300, 800, 1500, 2500, 5000])
def test_what_is_cut_keeps_its_beginning(captured_logs, length):
    """However little too long a text is, what there is room for stays; of a traceback both ends do."""
    logging.configure(max_line_bytes=1024, location=False)
    get_logger().info("m" * length, more="v" * 5000)
    message = captured_logs[-1]["message"]
    assert message.startswith("m" * 200)
    logging.configure(max_line_bytes=4096)
    try:
        raise ValueError("first" + "x" * length + "final")
    except ValueError:
        get_logger().exception("it", more="v" * 3000)
    trace = captured_logs[-1]["exception"]
    assert trace.startswith("Traceback")
    assert trace.endswith("final")


def test_what_fits_is_not_cut(written):
    """A line right at the limit is written whole."""
    logging.configure(max_line_bytes=2000, location=False)
    get_logger().info("m", v="")
    room = 2000 - len(written.getvalue())
    written.truncate(0)
    written.seek(0)
    get_logger().info("m", v="x" * room)
    assert len(written.getvalue()) == 2000
    assert strict(written.getvalue())["v"] == "x" * room


@pytest.mark.parametrize("way", ["fast", "full"])
@pytest.mark.parametrize("over", [-2, -1, 0, 1, 2])
def test_the_limit_counts_the_newline(written, way, over):
    """A line of exactly the limit, its newline counted, is whole; of one byte more it is cut, by either way."""
    logging.configure(max_line_bytes=2000, location=False)
    extra = {"s": {1}} if way == "full" else {}
    get_logger().info("m", v="", **extra)
    room = 2000 - len(written.getvalue())
    written.truncate(0)
    written.seek(0)
    get_logger().info("m", v="x" * (room + over), **extra)
    text = written.getvalue()
    assert len(text) == 2000 + over if over <= 0 else len(text) <= 2000
    assert ("cut" in strict(text)["v"]) is (over > 0)


@pytest.mark.parametrize("character", ["€", "ü", "😀", "\u2028", "\u2029", "\x7f", "\x85", "\ud800", "\x00", '"', "\\"])
@pytest.mark.parametrize("count", [300, 333, 400, 496, 600, 1200, 60_000])
@pytest.mark.parametrize("way", ["fast", "full"])
def test_the_limit_counts_bytes_as_they_are_written(written, character, count, way):
    """Characters that take several bytes, or are written as escapes of six, count as what they take."""
    logging.configure(max_line_bytes=2000, location=False)
    get_logger().info("m", v=character * count, **({"s": {1}} if way == "full" else {}))
    text = written.getvalue()
    assert len(text.encode()) <= 2000
    line = strict(text)
    assert line["message"] == "m"
    assert "cut" in line["v"] or line["v"] == character * count
    if count * 6 < 1800:
        assert line["v"] == character * count


@pytest.mark.parametrize("where", ["message", "key", "bound", "exception"])
def test_separators_of_lines_are_escaped_and_counted_everywhere(written, where):
    """60,000 of U+2028 in a message, a key, a bound value or an exception stay within 256 KB."""
    text = "\u2028" * 60_000
    if where == "message":
        get_logger().info(text)
    elif where == "key":
        get_logger().info("m", **{text: 1})
    elif where == "bound":
        get_logger(v=text).info("m")
    else:
        get_logger().error("m", exc_info=ValueError(text))
    line = written.getvalue()
    assert len(line.encode()) <= 256 * 1024
    assert "\u2028" not in line
    strict(line)
