"""Around invocations metrics are written without being asked, and nothing is lost or written twice."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from shared_utils import instrument, logging, metrics
from shared_utils.invocation import lifecycle as _invocation
from shared_utils.testing import CapturedLogs, LambdaContext
from tests.support.emf import values


def test_an_invocation_is_flushed_once_and_starts_clean(documents: Any) -> None:
    """All values of an invocation are one document at its end; dimensions and properties do not reach the next."""

    @instrument
    def handler(event: Any, context: Any) -> None:
        metrics.count("Calls")
        if event == 0:
            metrics.dimensions(first="yes")
            metrics.properties(id=1)
        assert documents() == [] or event == 0

    metrics.configure(cold_start=False)
    metrics.default_dimensions(stage="dev")
    for number in range(2):
        handler(number, LambdaContext())
        (document,) = documents()
        assert document["Calls"] == [1]
        assert document["stage"] == "dev"
        assert ("first" in document, "id" in document) == (number == 0, number == 0)


def test_dimensions_without_metrics_do_not_reach_the_next_invocation(documents: Any) -> None:
    """An invocation that only set dimensions leaves nothing behind."""

    @instrument
    def handler(event: Any, context: Any) -> None:
        if event:
            metrics.count("Calls")
        else:
            metrics.dimensions(old="yes")
            metrics.timestamp(datetime.now())  # noqa: DTZ005 - naive on purpose: local time, as in Powertools

    metrics.configure(cold_start=False)
    handler(0, LambdaContext())
    handler(1, LambdaContext())
    assert "old" not in documents()[0]


def test_what_is_recorded_during_init_goes_out_with_the_first_invocation(documents: Any) -> None:
    """Values from before the first invocation are in its document."""
    metrics.count("Loaded")
    assert documents() == []

    @instrument
    def handler(event: Any, context: Any) -> None:
        metrics.count("Calls")

    handler({}, LambdaContext())
    found = documents()
    assert (values(found, "Loaded"), values(found, "Calls"), values(found, "ColdStart")) == ([1], [1], [1])
    handler({}, LambdaContext())
    assert values(documents(), "Loaded") == []


def test_metrics_imported_or_configured_late_still_report_the_cold_start(
    documents: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A namespace that the handler sets itself is early enough for the cold start's metric."""
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE")

    @instrument
    def handler(event: Any, context: Any) -> None:
        metrics.configure(namespace="Late", service="todos")

    handler({}, LambdaContext("f"))
    (document,) = documents()
    assert document["ColdStart"] == [1]
    assert (document["function_name"], document["service"]) == ("f", "todos")
    handler({}, LambdaContext("f"))
    assert documents() == []


def test_provisioned_concurrency_is_no_cold_start(documents: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment initialised ahead of time reports none."""
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "provisioned-concurrency")
    instrument(lambda event, context: None)({}, LambdaContext())
    assert documents() == []


def test_a_cold_start_without_a_namespace_is_one_error_line_and_no_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody set a namespace: one line says so, and not even strict mode fails a handler that recorded nothing."""
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE")
    metrics.configure(strict=True)
    handler = instrument(lambda event, context: "fine")
    assert handler({}, LambdaContext()) == "fine"
    assert capsys.readouterr().out.count("no namespace, so metrics are not written (ColdStart)") == 1
    assert handler({}, LambdaContext()) == "fine"
    assert capsys.readouterr().out == ""


def test_an_error_line_at_the_end_belongs_to_its_invocation(captured_logs: CapturedLogs) -> None:
    """A problem that shows only when metrics are written has the request id, and brings the buffered lines along."""
    logging.configure(buffer=True)
    metrics.configure(cold_start=False)

    @instrument(correlation_id="id")
    def handler(event: Any, context: Any) -> None:
        logging.debug("what led to it")
        metrics.count("Kept")
        metrics.properties(one="x" * 131_000, two="y" * 131_050)

    context = LambdaContext()
    handler({"id": "c-1"}, context)
    line = captured_logs.one(level="ERROR")
    assert "property 'two' is left out" in line["message"]
    assert (line["function_request_id"], line["correlation_id"]) == (context.aws_request_id, "c-1")
    assert captured_logs.one(level="DEBUG")["message"] == "what led to it"


def test_a_missing_namespace_is_said_once_as_a_warning_and_flushes_no_buffer(
    captured_logs: CapturedLogs, monkeypatch: pytest.MonkeyPatch, documents: Any
) -> None:
    """Cold start, metrics, scopes and further invocations: one line in the process's life, and no details beside it.

    It is said anew where tests begin anew; once there is a namespace, metrics are written.
    """
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE")
    logging.configure(buffer=True)

    @instrument
    def handler(event: Any, context: Any) -> None:
        logging.debug("a detail")
        with metrics.scope(a=1) as scope:
            scope.count("Scoped")
        metrics.count("Lost")
        metrics.flush()
        metrics.add("Other", 1, "Bytes")

    for _ in range(3):
        handler({}, LambdaContext())
    (line,) = captured_logs.find(logger="shared_utils.metrics")
    assert line["level"] == "WARNING"
    assert "POWERTOOLS_METRICS_NAMESPACE" in line["message"]
    assert captured_logs.find(level="DEBUG") == []
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Late")
    handler({}, LambdaContext())
    assert values(documents(), "Lost") == [1]
    logging.configure(buffer=None)


def test_without_an_import_of_metrics_no_cold_start_is_written_and_the_page_says_so() -> None:
    """With a namespace set, instrument alone neither loads metrics nor writes ColdStart; docs/metrics.md says why."""
    program = """
import sys
from shared_utils import instrument
instrument(lambda event, context: None)({}, None)
assert "shared_utils.metrics" not in sys.modules
"""
    result = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env={"POWERTOOLS_METRICS_NAMESPACE": "Tests", "PATH": "/usr/bin:/bin"},
    )
    assert "ColdStart" not in result.stdout
    page = (Path(__file__).parents[3] / "docs/metrics.md").read_text("utf-8")
    assert "A function that never imports `metrics` writes no `ColdStart`" in page


def test_before_a_time_out_metrics_are_written_and_not_again(documents: Any) -> None:
    """What is recorded is written while there is time; a handler that finishes after all goes on with its document."""

    @instrument
    def handler(event: Any, context: Any) -> None:
        metrics.dimensions(kind="slow")
        metrics.count("Before")
        thread = threading.Thread(target=_invocation.timing_out, args=(_invocation.current(),))
        thread.start()
        thread.join()
        metrics.count("After")

    metrics.configure(cold_start=False)
    handler({}, LambdaContext())
    first, second = documents()
    assert (first["Before"], first["kind"]) == ([1], "slow")
    assert (second["After"], second["kind"]) == ([1], "slow")
    assert "Before" not in second


def test_each_problem_is_logged_once_in_an_invocation(
    captured_logs: CapturedLogs, capsys: pytest.CaptureFixture[str]
) -> None:
    """A thousand times the same mistake is one error line; the next invocation says it again."""

    @instrument
    def handler(event: Any, context: Any) -> None:
        for _ in range(1000):
            metrics.add("Time", 1, "Millisecond")
        metrics.count("Other", float("nan"))

    for _ in range(2):
        handler({}, LambdaContext())
        problems = captured_logs.find(logger="shared_utils.metrics", level="ERROR")
        assert len(problems) == 2
        assert "did you mean 'Milliseconds'?" in problems[0]["message"]
        assert problems[0]["function_name"] == "test-function"
        captured_logs.clear()
