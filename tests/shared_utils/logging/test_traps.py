"""The ten ways in which the logger that people compare us with loses or falsifies lines (numbered as in the notes).

Each test does what fails there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest

from shared_utils import get_logger, instrument, logging
from shared_utils.invocation import lifecycle as _invocation


@pytest.mark.parametrize("message", ["1", "null", "NaN", "true", '{"a":1}', "[1]", '"', "", "1e999", "Infinity"])
def test_trap_20_a_message_that_looks_like_json_stays_the_text_it_is(captured_logs, message):
    """Numbers, null, NaN and JSON text as a message come back as the very same text."""
    get_logger().info(message, value=message)
    line = captured_logs.one()
    assert line["message"] == message
    assert line["value"] == message


@pytest.mark.parametrize("buffer", [True, 100])
def test_trap_21_buffering_loses_nothing_outside_an_invocation(captured_logs, buffer):
    """With buffering on, a line at init or in a script is written at once: no invocation would ever flush it."""
    logging.configure(buffer=buffer)
    get_logger().debug("at init")
    assert captured_logs.messages == ["at init"]


def test_trap_21_buffering_needs_no_trace_id(captured_logs, lambda_context, monkeypatch):
    """Lines are buffered, and flushed by an error, in an invocation that has no X-Ray trace."""
    monkeypatch.delenv("_X_AMZN_TRACE_ID", raising=False)
    logging.configure(buffer=True)
    log = get_logger()

    @instrument
    def handler(event, context):
        log.debug("detail")
        log.error("it broke")

    handler({}, lambda_context)
    assert captured_logs.messages == ["detail", "it broke"]


def test_trap_22_buffered_lines_show_values_as_they_were_when_written(captured_logs, lambda_context):
    """A value that changes between the call and the flush is shown as it was at the call."""
    logging.configure(buffer=True)
    log = get_logger()

    @instrument
    def handler(event, context):
        todo = {"state": "new"}
        logging.bind(step="first")
        log.debug("before", todo=todo)
        todo["state"] = "done"
        logging.bind(step="second")
        log.error("after", todo=todo)

    handler({}, lambda_context)
    before, after = captured_logs
    assert (before["todo"], before["step"]) == ({"state": "new"}, "first")
    assert (after["todo"], after["step"]) == ({"state": "done"}, "second")
    assert before["timestamp"] <= after["timestamp"]


def test_trap_23_bound_values_of_threads_do_not_mix(captured_logs):
    """Four threads that bind the same key at the same time each log their own value."""
    together = threading.Barrier(4)

    def work(number: int) -> None:
        logging.bind(number=number)
        together.wait()
        logging.info("working", mine=number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(line["number"] for line in captured_logs) == [0, 1, 2, 3]
    assert all(line["number"] == line["mine"] for line in captured_logs)


class Unprintable:
    """Raises whenever anyone looks at it."""

    def __str__(self) -> str:
        raise RuntimeError("no str")

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __iter__(self):
        raise RuntimeError("no iter")


def _circular() -> list:
    ring: list = [1]
    ring.append({"ring": ring})
    return ring


@pytest.mark.parametrize(
    "value",
    [{(1, 2): "tuple key"}, _circular(), Unprintable(), {Unprintable(): Unprintable()}],
    ids=["tuple-key", "circular", "unprintable", "unprintable-key"],
)
def test_trap_24_no_value_loses_the_line(captured_logs, value):
    """A tuple as a key, a circular value or an object that cannot be printed costs nothing but itself."""
    get_logger().info("still here", value=value, other=1)
    line = captured_logs.one(message="still here")
    assert line["other"] == 1
    assert line["value"]


@pytest.mark.parametrize(
    "key",
    [
        "name",
        "message",
        "event",
        "level",
        "timestamp",
        "location",
        "msg",
        "args",
        "exc_text",
        "logger",
        "self",
        "method_name",
    ],
)
def test_trap_25_any_keyword_may_be_logged(captured_logs, key):
    """A keyword named like something of the logger's own is kept, and the line's own key as well."""
    get_logger().info("the message", **{key: "mine"})
    line = captured_logs.one()
    assert line["message"] == "the message"
    assert line["level"] == "INFO"
    assert line["timestamp"].endswith("Z")
    assert "mine" in (line.get(key), line.get(f"{key}_"))


def test_trap_26_a_later_level_applies_to_loggers_that_exist(captured_logs):
    """Changing the level after a logger was made, or bound, changes what that logger writes."""
    early = get_logger("early")
    bound = early.bind(a=1)
    early.debug("not yet")
    logging.configure(level="DEBUG")
    early.debug("now")
    bound.debug("now too")
    logging.configure(level="ERROR")
    early.warning("no more")
    get_logger("late").error("still")
    assert captured_logs.messages == ["now", "now too", "still"]


def test_trap_27_redaction_is_in_the_logger(captured_logs):
    """A password is masked without any set-up."""
    get_logger().info("login", user={"name": "ann", "Password": "hunter2"})
    assert captured_logs.one()["user"] == {"name": "ann", "Password": "[REDACTED]"}


def test_trap_28_nothing_bound_survives_the_invocation(captured_logs, lambda_context):
    """Values bound in one invocation, also by structlog's own functions, are not in the next one's lines."""
    import structlog

    log = get_logger()

    @instrument
    def handler(event, context):
        if event["first"]:
            logging.bind(user="ann")
            structlog.contextvars.bind_contextvars(tenant="acme")
        log.info("working")

    handler({"first": True}, lambda_context)
    handler({"first": False}, lambda_context)
    log.info("afterwards")
    first, second, afterwards = captured_logs
    assert (first["user"], first["tenant"]) == ("ann", "acme")
    assert not {"user", "tenant"} & (second.keys() | afterwards.keys())


RESTORE = """
import json, sys, types
hooks = types.ModuleType("snapshot_restore_py")
registered = []
hooks.register_after_restore = lambda function, *args, **kwargs: registered.append(function)
sys.modules["snapshot_restore_py"] = hooks  # Lambda's runtime brings this module; here it is the test's
from shared_utils import get_logger, instrument
log = get_logger()
@instrument
def handler(event, context):
    log.info("served")
handler({}, None)
handler({}, None)
for function in registered:
    function()
handler({}, None)
handler({}, None)
"""


def test_trap_29_the_first_invocation_after_a_snapstart_restore_is_cold():
    """cold_start is true for the first invocation of an environment and for the first one after a restore."""
    environment = {**os.environ, "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
    done = subprocess.run([sys.executable, "-c", RESTORE], env=environment, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["cold_start"] for line in lines] == [True, False, True, False]


def test_trap_29_sampling_does_not_depend_on_state_that_a_snapshot_would_clone(captured_logs, monkeypatch):
    """The dice of debug sampling are the operating system's: environments restored from one snapshot differ."""
    import random

    logging.configure(sample_rate=0.5)
    log = get_logger()
    drawn = set()
    for _ in range(64):
        random.seed(1)
        invocation = _invocation.Invocation(None)
        _invocation.begin(invocation)
        drawn.add(log.is_enabled_for(10))
        _invocation.end(invocation)
    assert drawn == {True, False}


def test_provisioned_concurrency_has_no_cold_start(captured_logs, lambda_context, monkeypatch):
    """Under provisioned concurrency the environment was initialised before: not even the first invocation is cold."""
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "provisioned-concurrency")

    @instrument
    def handler(event, context):
        logging.info("served")

    handler({}, lambda_context)
    assert captured_logs.one()["cold_start"] is False
