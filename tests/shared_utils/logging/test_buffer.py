"""The buffer of low lines: whose details come out, how many bytes it holds, what is said of what was dropped."""

from __future__ import annotations

import contextvars
import sys
import threading

import pytest

from shared_utils import instrument, logging
from shared_utils.errors import LoggingError
from shared_utils.invocation import lifecycle
from shared_utils.logging.buffer import LineBuffer
from shared_utils.logging.output import LineLogger, write_line


def test_an_error_brings_out_the_details_of_its_own_invocation_only(captured_logs, lambda_context):
    """What a good invocation kept is gone with it."""
    logging.configure(buffer=True)

    @instrument
    def handler(event, context):
        logging.debug("detail", of=event)
        if event == "bad":
            logging.error("broken")

    for event in ("good", "good", "bad", "good", "bad"):
        handler(event, lambda_context)
    assert [(line["message"], line.get("of")) for line in captured_logs] == [
        *(("detail", "bad"), ("broken", None), ("detail", "bad"), ("broken", None))
    ]


def test_what_an_invocation_leaves_behind_brings_none_of_its_details_out(captured_logs, lambda_context):
    """Work that goes on in its name may fail later: what the invocation kept is gone with its end."""
    logging.configure(buffer=True)
    left: list[contextvars.Context] = []

    @instrument
    def handler(event, context):
        logging.debug("detail")
        left.append(contextvars.copy_context())

    handler({}, lambda_context)
    left[0].run(logging.error, "late")
    assert captured_logs.messages == ["late"]
    assert captured_logs[0]["function_request_id"] == lambda_context.aws_request_id


@pytest.mark.parametrize("character", ["x", "ü", "€", "😀"])
def test_the_size_is_counted_in_bytes(character):
    """Lines count as UTF-8 writes them, with their newline."""
    line = character * 100
    size = len(line.encode()) + 1
    buffer = LineBuffer(3 * size)
    for _ in range(4):
        buffer.add(line)
    assert buffer.take() == ([line] * 3, 1)
    smaller = LineBuffer(3 * size - 1)
    for _ in range(3):
        smaller.add(line)
    assert smaller.take() == ([line] * 2, 1)


def test_the_size_is_right_after_many_lines_were_dropped_and_taken():
    """However many lines came and went before, as many fit in, of any length; one of exactly the capacity does too."""
    buffer = LineBuffer(300)
    for _ in range(2):
        for number in range(10):
            buffer.add(f"{number}" * (99 if number % 2 else 49))  # 100 and 50 bytes
        lines, dropped = buffer.take()
        assert [line[0] for line in lines] == ["6", "7", "8", "9"]
        assert dropped == 6
    for length, kept in ((298, 1), (299, 1), (300, 0)):
        buffer.add("x" * length)
        assert [len(part) for part in buffer.take()[:1]] == [kept]


def test_another_thread_may_take_the_lines_at_any_step_of_adding_one():
    """Nothing raises, and the buffer has its whole room afterwards, whichever step of the interpreter it was."""

    def add_while_taken(buffer, at):
        steps = -1

        def trace(frame, event, argument):
            nonlocal steps
            if frame.f_code is not LineBuffer.add.__code__:
                return None
            frame.f_trace_opcodes = True
            if event == "opcode":
                steps += 1
                if steps == at:
                    other = threading.Thread(target=buffer.take)
                    other.start()
                    other.join()
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            buffer.add("c" * 149)
        finally:
            sys.settrace(before)
        return steps

    at, steps = 0, 0
    while at <= steps:
        buffer = LineBuffer(300)
        buffer.add("a" * 99)
        buffer.add("b" * 99)
        steps = add_while_taken(buffer, at)
        for letter in "def":
            buffer.add(letter * 99)
        assert [line[0] for line in buffer.take()[0]] == ["d", "e", "f"], at
        at += 1
    assert at > 20


def test_a_line_of_ours_waits_unless_it_was_asked_for(captured_logs, lambda_context):
    """What the package itself has to say below the level comes out with an error, too."""
    logging.configure(buffer=True)

    @instrument
    def handler(event, context):
        write_line(10, "detail", {})
        write_line(10, "asked for", {}, at_once=True)
        assert captured_logs.messages == ["asked for"]
        write_line(40, "broken", {})

    handler({}, lambda_context)
    assert captured_logs.messages == ["asked for", "detail", "broken"]


@pytest.mark.parametrize(
    ("seen", "replaying", "written"), [(True, False, True), (True, True, False), (False, True, True)]
)
def test_a_finished_line_is_left_out_where_it_was_written_before(
    captured_logs, monkeypatch, lambda_context, *, seen, replaying, written
):
    """By an earlier run of a durable execution; nothing is left out as long as none has been seen."""
    monkeypatch.setattr(lifecycle, "replays", ["it"] if seen else [])

    @instrument
    def handler(event, context):
        lifecycle.current().is_replaying = lambda: replaying
        LineLogger().error('{"message":"it"}')

    handler({}, lambda_context)
    assert captured_logs.messages == (["it"] if written else [])


def test_a_line_that_is_too_large_is_dropped_alone(captured_logs, lambda_context):
    """It takes no small lines with it, and is counted."""
    logging.configure(buffer=20 * 1024)

    @instrument
    def handler(event, context):
        for number in range(5):
            logging.debug("small", number=number)
        logging.debug("large", text="x" * 21_000)
        logging.debug("small", number=5)
        logging.error("broken")

    handler({}, lambda_context)
    assert [line["number"] for line in captured_logs.find(message="small")] == list(range(6))
    assert captured_logs[0]["dropped_lines"] == 1
    assert not captured_logs.find(message="large")


def test_a_second_error_says_nothing_of_what_was_dropped_before(captured_logs, lambda_context):
    """Dropped lines are reported once, with the error that would have shown them."""
    logging.configure(buffer=2000, location=False)

    @instrument
    def handler(event, context):
        for _ in range(100):
            logging.debug("detail")
        logging.error("first")
        logging.debug("more")
        logging.error("second")

    handler({}, lambda_context)
    assert [line["message"] for line in captured_logs[-3:]] == ["first", "more", "second"]
    assert len([line for line in captured_logs if "dropped_lines" in line]) == 1


@pytest.mark.parametrize("rate", [5, 1.01, -0.01, True, "1", float("inf")])
def test_a_rate_outside_of_zero_to_one_is_refused(captured_logs, rate):
    """In code by an error; the environment's is ignored with a warning."""
    with pytest.raises(LoggingError, match=r"sample_rate=.*expected a number from 0 to 1"):
        logging.configure(sample_rate=rate)


@pytest.mark.parametrize("text", ["5", "-1", "nan", "inf", "a"])
@pytest.mark.parametrize("name", ["SHARED_UTILS_LOG_SAMPLE_RATE", "POWERTOOLS_LOGGER_SAMPLE_RATE"])
def test_a_rate_of_the_environment_that_is_none_is_ignored_with_a_warning(captured_logs, monkeypatch, name, text):
    """Nothing is sampled then."""
    monkeypatch.setenv(name, text)
    logging.configure(sample_rate=None)
    logging.info("it")
    warning, line = captured_logs
    assert warning["message"] == f"{name} is not valid and is ignored"
    assert "sampling_rate" not in line


@pytest.mark.parametrize(
    ("ours", "theirs", "wins"), [("0.5", "1", 0.5), (None, "0.25", 0.25), ("", "0.25", 0.25), ("0", "1", 0)]
)
def test_of_two_variables_for_the_rate_ours_wins(captured_logs, monkeypatch, ours, theirs, wins):
    """SHARED_UTILS_LOG_SAMPLE_RATE, then POWERTOOLS_LOGGER_SAMPLE_RATE; an empty one counts as not set."""
    if ours is not None:
        monkeypatch.setenv("SHARED_UTILS_LOG_SAMPLE_RATE", ours)
    monkeypatch.setenv("POWERTOOLS_LOGGER_SAMPLE_RATE", theirs)
    logging.configure()
    logging.info("it")
    assert captured_logs.one().get("sampling_rate", 0) == wins
