"""What can be read back; and lines that nobody logs: of threads, of tasks, of records of other processes."""

from __future__ import annotations

import asyncio
import gc
import json
import logging as standard_logging
import pickle
import time

import numpy as np
import pytest

from shared_utils import get_logger, instrument, logging
from shared_utils.redaction.values import register_secret
from shared_utils.testing import LambdaContext
from tests.support.programs import lines_of


def test_the_correlation_id_can_be_read_set_and_passed_on(captured_logs, lambda_context):
    """What the event held is read as it came; what is set stands in the lines until the invocation ends."""
    read = []

    @instrument(correlation_id="id")
    def handler(event, context):
        read.append(logging.get_correlation_id())
        logging.set_correlation_id(event["next"])
        read.append(logging.get_correlation_id())
        logging.info("it")

    handler({"id": "c-1", "next": 17}, lambda_context)
    handler({"next": None}, lambda_context)
    assert read == ["c-1", "17", None, None]
    assert logging.get_correlation_id() is None
    logging.set_correlation_id("script")
    logging.info("outside")
    assert [line.get("correlation_id") for line in captured_logs] == ["17", None, "script"]


def test_a_correlation_id_that_is_set_is_redacted_and_cut_in_lines(captured_logs):
    """A line shows 256 characters of it, none of a secret."""
    register_secret("c4n4ry-Sq7xZ")
    logging.set_correlation_id("c4n4ry-Sq7xZ" + "x" * 5000)
    logging.info("it")
    assert len(logging.get_correlation_id()) == 4096
    assert "c4n4ry" not in json.dumps(captured_logs)
    assert len(captured_logs[0]["correlation_id"]) <= 256


def test_bound_values_can_be_read(captured_logs):
    """All that is bound in this context, in a dict of the caller's own."""
    with logging.bound(a=1):
        values = logging.bound_values()
        assert values == {"a": 1}
        values["b"] = 2
        logging.info("it")
    assert logging.bound_values() == {}
    assert "b" not in captured_logs[0]


def test_the_buffer_can_be_cleared(captured_logs, lambda_context):
    """What it held is not written when an error comes; what follows is."""
    logging.configure(buffer=True)

    @instrument
    def handler(event, context):
        logging.debug("thrown away")
        logging.clear_buffer()
        logging.debug("kept")
        logging.error("bad")

    handler({}, lambda_context)
    logging.clear_buffer()
    assert captured_logs.messages == ["kept", "bad"]


def test_a_records_text_of_an_exception_is_kept(captured_logs):
    """A record that came through a queue or a pickle has its traceback as text only."""
    try:
        raise ValueError("password=c4n4ry")
    except ValueError:
        record = standard_logging.LogRecord("worker", 40, "f.py", 1, "bad", (), None)
        record.exc_text = standard_logging.Formatter().formatException(__import__("sys").exc_info())
    standard_logging.getLogger("worker").handle(pickle.loads(pickle.dumps(record)))
    line = captured_logs.one(message="bad")
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("ValueError: password=[REDACTED]")


def test_an_exception_that_ends_a_thread_is_a_line():
    """With its traceback, the thread's name and the invocation's id; sys.exit in a thread is none."""
    (line,) = lines_of(
        "import sys, threading\nfrom shared_utils import instrument\nfrom shared_utils.testing import LambdaContext\n"
        "def fail(): raise OSError('disk')\n"
        "@instrument\ndef handler(event, context):\n    for target in (fail, sys.exit):\n"
        "        thread = threading.Thread(target=target, name='worker-1')\n"
        "        thread.start()\n        thread.join()\n"
        "handler({}, LambdaContext(aws_request_id='r-1'))"
    )
    assert (line["message"], line["thread"], line["level"]) == ("uncaught exception in a thread", "worker-1", "ERROR")
    assert (line["exception_name"], line["function_request_id"]) == ("OSError", "r-1")


def test_a_threads_exception_goes_where_another_hook_says():
    """A hook of the application's stays; after basicConfig Python's own is back."""
    lines_of(
        "import threading\ndef hook(args): print('{\"hook\": true}')\nthreading.excepthook = hook\n"
        "from shared_utils import get_logger, logging\nget_logger()\nassert threading.excepthook is hook\n"
        "threading.excepthook = threading.__excepthook__\nlogging.configure()\n"
        "assert threading.excepthook is not threading.__excepthook__\nlogging.configure(stdlib=False)\n"
        "assert threading.excepthook is threading.__excepthook__"
    )


@pytest.mark.parametrize("late", [False, True], ids=["in its invocation", "in the next one"])
def test_a_tasks_exception_that_nobody_awaits_is_a_line(captured_logs, late):
    """It has the traceback and the id of the invocation that began it, also when it fails in the next one."""
    first, second = LambdaContext(), LambdaContext()

    async def fail(pause: float) -> None:
        await asyncio.sleep(pause)
        raise OSError("disk")

    tasks = []

    @instrument
    async def handler(event, context):
        if event:
            tasks.append(asyncio.create_task(fail(0.05 if late else 0)))
        await asyncio.sleep(0 if event and late else 0.2)
        tasks.clear()
        gc.collect()

    handler(True, first)
    if late:
        time.sleep(0.1)
        handler(False, second)
    line = captured_logs.one(level="ERROR")
    assert line["message"].startswith("Task exception was never retrieved")
    assert line["exception_name"] == "OSError"
    assert line["function_request_id"] == first.aws_request_id


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.int64(5), 5),
        (np.uint8(5), 5),
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.longdouble(0.5), 0.5),
        (np.bool_(True), True),
        (np.float32("nan"), "NaN"),
        (np.array(5), 5),
        (np.datetime64("2026-01-31T12:00:00"), "2026-01-31T12:00:00"),
    ],
)
def test_numbers_that_are_not_pythons_stay_numbers(captured_logs, value, shown):
    """Scalars of numpy, alone, in lists and as values of dicts."""
    get_logger().info("it", one=value, many=[value], nested={"x": value})
    line = captured_logs.one(message="it")
    assert (line["one"], line["many"], line["nested"]) == (shown, [shown], {"x": shown})
    assert type(line["one"]) is type(shown)


def test_an_integer_of_any_class_stays_one(captured_logs):
    """What has `__index__` is an integer, secrets among them excepted."""

    class Five:
        def __index__(self) -> int:
            return 5

    register_secret(48151623)
    get_logger().info("it", five=Five(), secret=np.int64(48151623))
    line = captured_logs.one()
    assert (line["five"], line["secret"]) == (5, "[REDACTED]")
