"""Logging on the built layer in AWS's emulator: what Lambda would see."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from layerctl.local.emulator import Emulator

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("built-layer")]

HANDLER = """
import logging as standard_logging, time
from shared_utils import get_logger, instrument, logging, metrics

log = get_logger()
logging.configure(buffer=True)
log.debug("at init")
log.info("at init")

@instrument(log_event=True)
def handler(event, context):
    log.info("served", password="canary")
    log.debug("detail")
    standard_logging.getLogger("library").warning("from a library")
    metrics.count("Served")
    print("printed")
    if event == "raise":
        raise KeyError("on purpose")
    if event == "sleep":
        time.sleep(30)
    return "done"
"""

NAMESPACE = {"POWERTOOLS_METRICS_NAMESPACE": "tests", "POWERTOOLS_SERVICE_NAME": "todos"}


def records(lines: tuple[str, ...]) -> list[dict]:
    """Return the log lines among what the function wrote, metric documents aside."""
    parsed = [json.loads(line) for line in lines if line.startswith("{")]
    return [record for record in parsed if "_aws" not in record]


def test_first_and_second_invocation(emulated: Callable[..., Emulator]) -> None:
    """Each line is there once, in order, with the invocation's fields; only the first invocation is cold."""
    function = emulated(HANDLER, environment=NAMESPACE)
    first, second = function.invoke("one"), function.invoke("two")
    assert (first.json(), second.json()) == ("done", "done")
    messages = ["invocation event", "served", "from a library"]
    assert [record["message"] for record in records(first.lines)] == ["at init", "at init", *messages]
    assert [record["message"] for record in records(second.lines)] == messages
    for answer, cold in ((first, True), (second, False)):
        served = next(record for record in records(answer.lines) if record["message"] == "served")
        assert served["cold_start"] is cold
        assert served["service"] == "todos"
        assert served["function_name"] == "function"
        assert served["function_memory_size"] == "128"
        assert served["function_request_id"] == answer.request_id
        assert "printed" in answer.lines
    assert "canary" not in "".join(first.lines + second.lines)


def test_an_uncaught_exception(emulated: Callable[..., Emulator]) -> None:
    """It is one line of ours, after the buffered details; the runtime reports it too, and the caller gets the error."""
    answer = emulated(HANDLER, environment=NAMESPACE).invoke("raise")
    assert answer.error["errorType"] == "KeyError"
    lines = records(answer.lines)
    assert [line["message"] for line in lines[-2:]] == ["detail", "uncaught exception"]
    assert lines[-1]["stack_trace"]["frames"][-1]["function"] == "handler"
    assert sum("uncaught exception" in line for line in answer.lines) == 1
    assert any('"Served"' in line for line in answer.lines)


def test_a_time_out(emulated: Callable[..., Emulator]) -> None:
    """The warning, the buffered details and the metrics are there, and the next invocation is a cold one."""
    function = emulated(HANDLER, environment=NAMESPACE, timeout=3)
    answer = function.invoke("sleep")
    assert answer.timed_out
    lines = records(answer.lines)
    assert [line["message"] for line in lines[-2:]] == ["the invocation is about to time out", "detail"]
    assert "time.sleep(30)" in lines[-2]["stack"]
    assert lines[-2]["location"].startswith("handler:")
    assert any('"Served"' in line for line in answer.lines)
    after = function.invoke("again")
    assert after.json() == "done"
    assert next(line for line in records(after.lines) if line["message"] == "served")["cold_start"] is True


def test_lambdas_own_log_format_and_level(emulated: Callable[..., Emulator]) -> None:
    """With JSON log format at WARN the lines have the names of levels that Lambda's filter knows."""
    source = """
import logging as standard_logging
from shared_utils import get_logger, instrument, logging
log = get_logger()

@instrument
def handler(event, context):
    for level in ("debug", "info", "warning", "error", "critical"):
        getattr(log, level)("ours")
        getattr(standard_logging.getLogger("library"), level)("theirs")
"""
    answer = emulated(source, log_format="JSON", log_level="WARN").invoke({})
    assert [(line["message"], line["level"]) for line in records(answer.lines)] == [
        (message, level) for level in ("WARN", "ERROR", "FATAL") for message in ("ours", "theirs")
    ]


def test_an_async_handler(emulated: Callable[..., Emulator]) -> None:
    """Async handlers run under the runtime, on one loop, and their exceptions reach the caller."""
    source = """
import asyncio
from shared_utils import get_logger, instrument
log = get_logger()
loops = set()

@instrument
async def handler(event, context):
    loops.add(id(asyncio.get_running_loop()))
    await asyncio.sleep(0)
    await log.ainfo("served")
    if event == "raise":
        raise ValueError("on purpose")
    return len(loops)
"""
    function = emulated(source)
    assert [function.invoke({}).json(), function.invoke({}).json()] == [1, 1]
    answer = function.invoke("raise")
    assert answer.error["errorType"] == "ValueError"
    assert [line["message"] for line in records(answer.lines)] == ["served", "uncaught exception"]


def test_tenant_and_start_up(emulated: Callable[..., Emulator]) -> None:
    """The tenant that Lambda names is in each line; asyncio is not loaded by a function that does not use it."""
    source = """
import sys
from shared_utils import get_logger, instrument
log = get_logger()

@instrument
def handler(event, context):
    log.info("served")
    return "asyncio" in sys.modules
"""
    answer = emulated(source).invoke({}, **{"X-Amz-Tenant-Id": "acme"})
    assert answer.json() is False
    assert records(answer.lines)[0]["tenant_id"] == "acme"
