"""What goes wrong around an invocation is told, and the handler is served all the same."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import instrument, logging
from shared_utils.invocation import lifecycle
from shared_utils.testing import LambdaContext
from tests.support.programs import lines_of

if TYPE_CHECKING:
    from shared_utils.testing import CapturedLogs


@pytest.mark.parametrize("callbacks", ["_begin_callbacks", "_end_callbacks", "_timeout_callbacks"])
def test_a_callback_that_fails_is_told_once_and_stops_nobody(
    captured_logs: CapturedLogs, monkeypatch: pytest.MonkeyPatch, callbacks: str
) -> None:
    """Neither the handler nor the callback behind it, at the beginning, at the end and when time runs out."""
    called = []

    def fail(invocation: lifecycle.Invocation) -> None:
        raise LookupError("on purpose")

    monkeypatch.setattr(lifecycle, callbacks, [*getattr(lifecycle, callbacks), fail, called.append])

    @instrument
    def handler(event: object, context: object) -> str:
        end = time.monotonic() + 10
        while callbacks == "_timeout_callbacks" and not called and time.monotonic() < end:
            time.sleep(0.01)
        return "served"

    assert handler({}, LambdaContext(timeout=0.3)) == "served"
    assert len(called) == 1
    told = [line for line in captured_logs if line["message"] == "shared_utils failed around an invocation"]
    assert [(line["level"], "LookupError: on purpose" in line["exception"]) for line in told] == [("ERROR", True)]


def test_an_invocation_that_has_ended_has_no_time_left(captured_logs: CapturedLogs) -> None:
    """What it leaves behind may ask: Lambda's own object would tell the time of the invocation that runs then."""
    handler = instrument(lambda event, context: lifecycle.here())
    ended = handler({}, LambdaContext(timeout=30))
    assert ended.remaining_ms() is None


def test_a_context_whose_attributes_raise_is_one_that_lacks_them(captured_logs: CapturedLogs) -> None:
    """A test's context may be anything, and no attribute of it decides whether the handler is served."""

    class Context:
        def __getattr__(self, name: str) -> Any:
            raise OSError(name)

    @instrument
    def handler(event: object, context: object) -> str:
        logging.info("in it")
        return "served"

    assert handler({}, Context()) == "served"
    assert [line["message"] for line in captured_logs] == ["in it"]


def test_a_process_that_may_have_no_more_threads_is_served_without_the_warning() -> None:
    """And with it as soon as a thread can be had."""
    program = """
import _thread, time
from shared_utils import instrument, logging
from shared_utils.testing import LambdaContext
@instrument
def handler(event, context):
    time.sleep(0.4)
    logging.info(event)
usual = _thread.stack_size(1 << 46)  # more than an address space has
handler("none", LambdaContext(timeout=0.3))
_thread.stack_size(usual)
handler("again", LambdaContext(timeout=0.3))
"""
    assert [line["message"] for line in lines_of(program)] == ["none", "the invocation is about to time out", "again"]


def test_snapstart_without_the_runtimes_hooks_is_served() -> None:
    """Outside of Lambda's runtime nothing is ever restored."""
    program = """
import sys
sys.modules["snapshot_restore_py"] = None
from shared_utils import instrument, logging
handler = instrument(lambda event, context: logging.info("served"))
handler({}, None)
handler({}, None)
"""
    lines = lines_of(program, AWS_LAMBDA_INITIALIZATION_TYPE="snap-start")
    assert [line["cold_start"] for line in lines] == [True, False]
