"""`instrument`: what happens around an invocation."""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import threading
import time
from unittest import mock

import pytest

from shared_utils import get_logger, instrument, logging
from shared_utils.errors import LoggingError
from shared_utils.invocation import lifecycle as _invocation
from shared_utils.testing import LambdaContext


def test_it_works_bare_and_with_arguments_on_functions_and_methods(captured_logs, lambda_context):
    """The response is the handler's; event and context reach it as they were passed."""

    @instrument
    def bare(event, context):
        """Say hello."""
        logging.info("served")
        return event, context

    @instrument()
    def called(event, context):
        logging.info("served")
        return event, context

    class Api:
        @instrument(log_event=True)
        def handle(self, event, context):
            logging.info("served")
            return event, context

    for handler in (bare, called, Api().handle):
        assert handler({"a": 1}, lambda_context) == ({"a": 1}, lambda_context)
    assert called(event=1, context=lambda_context) == (1, lambda_context)
    served = captured_logs.find(message="served")
    assert len(served) == 4
    assert {line["function_request_id"] for line in served} == {lambda_context.aws_request_id}
    assert captured_logs.one(message="invocation event")["event"] == {"a": 1}


def test_it_keeps_the_signature(captured_logs):
    """Name, docstring, parameters and the function itself stay visible."""

    def handler(event: dict, context: object, *, extra: int = 3) -> str:
        """Say hello."""
        return "hello"

    decorated = instrument(handler)
    assert decorated.__name__ == "handler"
    assert decorated.__doc__ == "Say hello."
    assert inspect.signature(decorated) == inspect.signature(handler)
    assert inspect.unwrap(decorated) is handler


@pytest.mark.parametrize("context", [None, object(), {}, "context", 3, mock.MagicMock()])
def test_any_context_will_do(captured_logs, context):
    """Tests and scripts call handlers with no context, or with anything."""

    @instrument
    def handler(event, context):
        logging.info("served")
        return 1

    assert handler({}, context) == 1
    assert captured_logs.one()["cold_start"] is True


def test_a_context_whose_attributes_raise_is_no_obstacle(captured_logs):
    """Even a broken context does not fail the handler."""

    class Broken:
        aws_request_id = "r-1"

        def get_remaining_time_in_millis(self):
            raise RuntimeError

    @instrument
    def handler(event, context):
        logging.info("served")

    handler({}, Broken())
    assert captured_logs.one()["function_request_id"] == "r-1"


def test_the_invocations_fields_are_powertools_keys(captured_logs, monkeypatch):
    """Names and values are those that Powertools' Logger writes, so that saved queries go on working."""
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
    context = LambdaContext("todos", memory_mb=512, tenant_id="acme", aws_request_id="r-1")

    @instrument
    def handler(event, context):
        logging.info("served")

    handler({}, context)
    line = captured_logs.one()
    assert {key: line[key] for key in list(line)[4:]} == {
        "service": "service_undefined",
        "cold_start": True,
        "function_name": "todos",
        "function_memory_size": "512",
        "function_arn": "arn:aws:lambda:eu-west-1:123456789012:function:todos",
        "function_request_id": "r-1",
        "tenant_id": "acme",
        "xray_trace_id": "1-5759e988-bd862e3fe1be46a994272793",
    }


def test_the_trace_is_each_invocations_own(captured_logs, lambda_context, monkeypatch):
    """The trace id is read from the environment for each invocation, and may be missing."""

    @instrument
    def handler(event, context):
        logging.info("served")

    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-a")
    handler({}, lambda_context)
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-b;Sampled=0")
    handler({}, lambda_context)
    monkeypatch.delenv("_X_AMZN_TRACE_ID")
    handler({}, lambda_context)
    assert [line.get("xray_trace_id") for line in captured_logs] == ["1-a", "1-b", None]


@pytest.mark.parametrize("given", ["headers.x-request-id", 5, ["a"]])
def test_options_by_position_are_refused(given):
    """What cannot be called is no handler; the error says how options are given."""
    with pytest.raises(LoggingError, match=r"options are given by name"):
        instrument(given)


def test_event_and_response_are_logged_redacted_and_cut(captured_logs, lambda_context):
    """Both are cut at 32 KB or at the given size; nothing else changes."""

    @instrument(log_event=500, log_response=True)
    def handler(event, context):
        return {"statusCode": 200, "token": "canary"}

    handler({"body": "x" * 5000, "headers": {"Authorization": "canary"}}, lambda_context)
    event, response = captured_logs
    assert len(json.dumps(event["event"])) < 600
    assert event["event"]["body"].endswith("characters cut]")
    assert response["response"] == {"statusCode": 200, "token": "[REDACTED]"}
    assert "canary" not in json.dumps(captured_logs)


def test_a_call_within_an_invocation_is_just_a_call(captured_logs, lambda_context):
    """A handler decorated twice, or calling another one, is one invocation; an exception is logged once."""

    @instrument
    def inner(event, context):
        logging.bind(inner=1)
        raise ValueError("broken")

    @instrument(log_event=True)
    @instrument(log_event=True)
    def outer(event, context):
        try:
            inner(event, context)
        finally:
            logging.info("still the same invocation")

    with pytest.raises(ValueError, match="broken"):
        outer({}, lambda_context)
    assert captured_logs.messages == ["invocation event", "still the same invocation", "uncaught exception"]
    assert captured_logs.one(message="still the same invocation")["inner"] == 1
    assert _invocation.current() is None


@pytest.mark.parametrize(
    "make", [ValueError, lambda: SystemExit(3), KeyboardInterrupt, lambda: ExceptionGroup("g", [OSError()])]
)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_whatever_is_raised_is_logged_once_and_raised_on(captured_logs, lambda_context, make, kind):
    """The very exception reaches Lambda; the line names it, where it was raised, and carries bound values."""
    error = make()

    @instrument
    def sync(event, context):
        logging.bind(user="ann")
        raise error

    @instrument
    async def async_(event, context):
        logging.bind(user="ann")
        await asyncio.sleep(0)
        raise error

    handler = sync if kind == "sync" else async_
    with pytest.raises(type(error)) as caught:
        handler({}, lambda_context)
    assert caught.value is error
    line = captured_logs.one()
    assert (line["level"], line["message"], line["user"]) == ("ERROR", "uncaught exception", "ann")
    assert line["exception_name"] == type(error).__name__
    assert line["location"].startswith(handler.__name__)
    assert {frame["file"] for frame in line["stack_trace"]["frames"]} == {__file__}
    assert _invocation.current() is None


def test_an_async_handler_keeps_its_loop(captured_logs, lambda_context):
    """All invocations of an environment run on one event loop, each in a context of its own."""
    loops = []

    @instrument
    async def handler(event, context):
        loops.append(asyncio.get_running_loop())
        await asyncio.sleep(0)
        logging.bind(number=event)
        logging.info("served")
        return event

    assert [handler(number, lambda_context) for number in (1, 2)] == [1, 2]
    assert loops[0] is loops[1]
    assert [line["number"] for line in captured_logs] == [1, 2]


def test_a_closed_loop_is_replaced(captured_logs, lambda_context):
    """A handler that closes the loop harms its own invocation at most."""

    @instrument
    async def handler(event, context):
        return asyncio.get_running_loop()

    handler({}, lambda_context).close()
    assert not handler({}, lambda_context).is_closed()


def test_what_returns_an_awaitable_is_awaited(captured_logs, lambda_context):
    """Partials, wrappers and callables that hand out coroutines are served like async handlers."""

    async def work(extra, event, context):
        return extra, event

    assert instrument(functools.partial(work, 1))({"a": 1}, lambda_context) == (1, {"a": 1})
    assert instrument(lambda event, context: work(2, event, context))(3, lambda_context) == (2, 3)


def test_a_test_can_await_an_async_handler(captured_logs, lambda_context):
    """Within a running loop the decorated handler returns a coroutine that serves the invocation."""

    @instrument(log_response=True)
    async def handler(event, context):
        logging.info("served")
        return event

    async def main():
        return await handler(1, lambda_context)

    assert asyncio.run(main()) == 1
    assert captured_logs.messages == ["served", "invocation response"]
    assert captured_logs[0]["function_request_id"] == lambda_context.aws_request_id


def test_a_test_can_await_partials_and_objects_too(captured_logs, lambda_context):
    """A partial of an async handler and an object with an async __call__ are async handlers."""

    class Handler:
        async def __call__(self, event, context):
            return await served("object", event, context)

    async def served(what, event, context):
        await asyncio.sleep(0)
        logging.info("served", what=what)
        return what

    async def main():
        handlers = [instrument(Handler()), instrument(functools.partial(served, "partial"))]
        return [await handler({}, lambda_context) for handler in handlers]

    assert asyncio.run(main()) == ["object", "partial"]
    assert [line["what"] for line in captured_logs.find(message="served")] == ["object", "partial"]
    assert instrument(Handler())({}, lambda_context) == "object"


def test_a_time_out_is_announced_with_what_is_known(captured_logs):
    """Shortly before the end: a warning with the place and the stack, the buffered lines, and the metrics' turn."""
    flushed = threading.Event()
    _invocation.at_timeout(lambda _: flushed.set())
    logging.configure(buffer=True)

    @instrument
    def handler(event, context):
        logging.bind(step="slow")
        logging.debug("detail")
        assert flushed.wait(30)

    try:
        handler({}, LambdaContext(timeout=0.4))
    finally:
        _invocation._timeout_callbacks.pop()
    warning, detail = captured_logs
    assert (warning["level"], warning["step"], detail["message"]) == ("WARNING", "slow", "detail")
    assert 0 <= warning["remaining_ms"] <= 400
    assert "in handler" in warning["stack"]


def test_an_invocation_that_ends_in_time_is_not_warned_of(captured_logs):
    """Neither the invocation that ended nor the next one gets a warning; no thread is left that anybody sees."""
    threads = threading.active_count()

    @instrument
    def handler(event, context):
        time.sleep(event)

    handler(0, LambdaContext(timeout=0.3))
    handler(0.5, LambdaContext(timeout=60))
    handler(0, LambdaContext(timeout=0.1))
    time.sleep(0.2)
    assert captured_logs == []
    assert threading.active_count() == threads


def test_the_warning_comes_for_a_shorter_invocation_after_a_longer_one(captured_logs):
    """A deadline that is earlier than the one slept for is noticed."""
    warned = threading.Event()
    _invocation.at_timeout(lambda _: warned.set())

    @instrument
    def handler(event, context):
        if event == "wait":
            assert warned.wait(30)

    try:
        handler("at once", LambdaContext(timeout=600))
        handler("wait", LambdaContext(timeout=0.3))
    finally:
        _invocation._timeout_callbacks.pop()
    assert len(captured_logs.find(message="the invocation is about to time out")) == 1


def test_the_warning_can_be_switched_off(captured_logs):
    """timeout_warning=False starts nothing."""

    @instrument(timeout_warning=False)
    def handler(event, context):
        time.sleep(0.3)

    handler({}, LambdaContext(timeout=0.2))
    assert captured_logs == []


def test_a_callback_that_fails_does_not_fail_the_handler(captured_logs, lambda_context):
    """What goes wrong around an invocation is a line; response and exception are the handler's."""

    def fail(*_):
        raise RuntimeError("flush failed")

    _invocation.at_end(fail)
    try:
        assert instrument(lambda event, context: "response")({}, lambda_context) == "response"
        with pytest.raises(ValueError, match="mine"):
            instrument(_raise)(ValueError("mine"), lambda_context)
    finally:
        _invocation._end_callbacks.remove(fail)
    messages = [line["stack_trace"]["value"] for line in captured_logs]
    assert messages == ["flush failed", "mine", "flush failed"]


def _raise(event, context):
    raise event


def test_cold_start_is_per_environment(captured_logs, lambda_context):
    """The first invocation of all is cold, whatever handler serves it."""
    one, other = (instrument(lambda event, context: get_logger().info("served")) for _ in range(2))
    one({}, lambda_context)
    other({}, lambda_context)
    one({}, lambda_context)
    assert [line["cold_start"] for line in captured_logs] == [True, False, False]
