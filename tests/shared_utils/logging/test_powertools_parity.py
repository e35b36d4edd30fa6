"""Lines of Powertools' Logger and ours, of the same handler in one process: keys, types, values, saved queries."""

from __future__ import annotations

import io
import json
import logging as standard_logging
import re
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from shared_utils import get_logger, instrument, logging
from shared_utils.testing import LambdaContext
from tests.support.log_insights import query

PAGE = Path("docs/powertools.md").read_text("utf-8")
# What differs on purpose, as the page says: (key, how to make Powertools' value ours).
TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)[,.](\d{3})(\+0000|Z)")


def work(log: Any) -> None:
    """Log in all the ways that both know."""
    log.info("plain", extra={"order_id": 17, "nested": {"a": [1, None]}})
    log.info("keyword", order_id=18, ratio=0.5, flag=True)
    log.warning("%s of %s", 1, 3)
    log.info({"a": 1})
    log.info([1, 2])
    log.info(5)
    log.info(True)
    log.critical("over")
    try:
        fail()
    except ValueError:
        log.exception("caught", order_id=19)
        log.error("flagged", exc_info=True)  # noqa: G201 - the other way to say it


def fail() -> None:
    """Raise an error with a note and a cause."""
    try:
        {}["missing"]
    except KeyError as cause:
        error = ValueError("broken")
        error.add_note("while listing")
        raise error from cause


@pytest.fixture
def both(captured_logs, monkeypatch) -> tuple[list[dict], list[dict]]:
    """Return the lines of both loggers for one handler, in one invocation each."""
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f;Sampled=1")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "todos")
    logging.configure()
    stream = io.StringIO()
    standard_logging.root.manager.loggerDict.pop("todos", None)  # Powertools keeps the first logger of a service
    theirs, ours = Logger(stream=stream, level="INFO", utc=True), get_logger()
    context = LambdaContext()

    @theirs.inject_lambda_context(correlation_id_path="id")
    def their_handler(event, context):
        work(theirs)

    @instrument(correlation_id="id")
    def our_handler(event, context):
        work(ours)

    monkeypatch.setattr("aws_lambda_powertools.logging.logger.is_cold_start", True)
    their_handler({"id": "c-1"}, context)
    our_handler({"id": "c-1"}, context)
    return [json.loads(line) for line in stream.getvalue().splitlines()], list(captured_logs)


def test_every_key_has_powertools_place_type_and_value(both):
    """Line by line: the same keys; the same values but for the timestamp's form, and what ours adds to stack_trace."""
    theirs, ours = both
    assert len(theirs) == len(ours) == 10
    for their, our in zip(theirs, ours, strict=True):
        assert our.keys() == their.keys()
        their_time, our_time = TIMESTAMP.fullmatch(their.pop("timestamp")), TIMESTAMP.fullmatch(our.pop("timestamp"))
        assert their_time
        assert our_time
        our_trace, their_trace = our.pop("stack_trace", None), their.pop("stack_trace", None)
        if their_trace is not None:
            assert our_trace.pop("cause")["type"] == "KeyError"
            assert our_trace == their_trace
        assert our == their
        assert {key: type(value) for key, value in our.items()} == {key: type(value) for key, value in their.items()}


def test_the_table_names_every_key(both):
    """Each key of the lines stands in the page's table, and each key that is said to be Powertools' is in its lines."""
    table = PAGE.split("## Keys")[1].split("## Calls")[0]
    named = {name: row for row in table.splitlines() for name in re.findall(r"`([a-z_]+)`", row.split(" | ")[0])}
    theirs, ours = both
    keys = {key for line in ours for key in line} - {"order_id", "nested", "ratio", "flag"}
    assert keys <= named.keys()
    assert {key for line in theirs for key in line} - {"order_id", "nested", "ratio", "flag"} <= named.keys()
    assert {name for name, row in named.items() if "ours only" in row} == {
        *("tenant_id", "logger", "stack", "trace_id", "span_id")
    }


@pytest.mark.parametrize("text", re.findall(r"```text\n(.*?)\n```", PAGE, re.DOTALL))
def test_saved_queries_find_the_same_in_both(both, text):
    """Every query of the page finds something, and the same, in lines of both."""
    theirs, ours = (query(text, lines) for lines in both)
    assert theirs == ours
    assert ours


@pytest.mark.parametrize(
    ("value", "logged"), [("true", True), ("1", True), ("false", False), ("", False), (None, False)]
)
def test_the_variable_for_logging_events_is_honoured(captured_logs, monkeypatch, value, logged):
    """POWERTOOLS_LOGGER_LOG_EVENT logs each event; an argument beats it."""
    if value is None:
        monkeypatch.delenv("POWERTOOLS_LOGGER_LOG_EVENT", raising=False)
    else:
        monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", value)

    @instrument
    def handler(event, context): ...

    @instrument(log_event=False)
    def silent(event, context): ...

    handler({"a": 1}, None)
    silent({"a": 1}, None)
    assert [line["event"] for line in captured_logs] == [{"a": 1}] * logged


def test_the_trace_id_stands_in_lines_outside_the_decorator_too(captured_logs, monkeypatch):
    """It follows the environment, as Lambda's runtime sets it for each invocation."""
    for number in (1, 2):
        monkeypatch.setenv("_X_AMZN_TRACE_ID", f"Root=1-{number};Parent=53995c3f;Sampled=1")
        logging.info("it")
    monkeypatch.delenv("_X_AMZN_TRACE_ID")
    logging.info("it")
    assert [line.get("xray_trace_id") for line in captured_logs] == ["1-1", "1-2", None]


def test_extra_is_unfolded_as_the_standard_library_has_it(captured_logs):
    """Keys of extra are values; a keyword beats them, the line's own keys stay, and what is no mapping is a value."""
    log = get_logger()
    log.info("one", extra={"a": 1, "b": 2, "level": "x", 3: "three"}, b=3)
    log.info("two", extra=None)
    log.info("three", extra=[1])
    logging.bind(extra={"kept": 1})
    log.info("four", extra={"a": 1})
    one, two, three, four = captured_logs
    assert (one["a"], one["b"], one["level"], one["level_"], one["3"]) == (1, 3, "INFO", "x", "three")
    assert "extra" not in two
    assert three["extra"] == [1]
    assert four["a"] == 1
