"""A first look at the line."""

from __future__ import annotations

import pytest

from shared_utils import get_logger, instrument, logging


def test_a_line_has_the_keys_of_the_invocation(captured_logs, lambda_context):
    """Within an instrumented handler each line carries the invocation's fields, and the first one is a cold start."""
    log = get_logger()

    @instrument
    def handler(event, context):
        log.info("listed", count=event["n"])

    handler({"n": 3}, lambda_context)
    handler({"n": 4}, lambda_context)
    first, second = captured_logs
    assert first["cold_start"] is True
    assert second["cold_start"] is False
    assert first["function_request_id"] == lambda_context.aws_request_id
    assert (first["count"], second["count"]) == (3, 4)


def test_an_uncaught_exception_is_logged_once_and_raised(captured_logs, lambda_context):
    """The exception leaves the handler as it is, and stands in one line."""

    @instrument
    def handler(event, context):
        raise KeyError("x")

    with pytest.raises(KeyError):
        handler({}, lambda_context)
    assert captured_logs.one(level="ERROR")["exception_name"] == "KeyError"


def test_the_module_logs_too(captured_logs):
    """The level functions work on the module."""
    logging.info("a %s", "b", name="c")
    assert captured_logs.one(message="a b")["name"] == "c"
