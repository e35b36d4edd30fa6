"""What is configured in code and in the environment, and what it changes in documents."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

import shared_utils
from shared_utils import instrument, metrics
from shared_utils.errors import MetricsError
from shared_utils.testing import CapturedLogs, LambdaContext
from tests.support import emf
from tests.support.emf import values


@pytest.mark.parametrize("level", ["WARN", "ERROR", "FATAL", "CRITICAL", "error"])
def test_documents_state_a_level_where_the_platform_filters(
    level: str, documents: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With JSON format and a level above INFO, a document carries that level and a valid RFC 3339 time."""
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", "JSON")
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", level)
    metrics.count("A")
    metrics.flush()
    (document,) = documents()
    assert document["level"] == level.upper()
    assert datetime.fromisoformat(document["timestamp"]).tzinfo is not None
    assert document["timestamp"].endswith("Z")


def test_own_members_named_like_the_lines_win_and_it_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dimension named level stays what it is, the document stays valid, and an error line says what may happen."""
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", "JSON")
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", "WARN")
    metrics.dimensions(level="third")
    metrics.properties(timestamp="noon")
    metrics.count("A")
    metrics.flush()
    document, first, second = capsys.readouterr().out.splitlines(keepends=True)
    parsed = emf.parse(document)
    assert (parsed["level"], parsed["timestamp"]) == ("third", "noon")
    assert "Lambda filters by 'level' under log level WARN" in first
    assert "Lambda filters by 'timestamp'" in second


@pytest.mark.parametrize(
    ("log_format", "level"), [("JSON", "INFO"), ("JSON", "DEBUG"), ("Text", "ERROR"), ("JSON", "")]
)
def test_documents_state_no_level_where_nothing_is_filtered(
    log_format: str, level: str, documents: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everywhere else a document is as it always was."""
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", log_format)
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", level)
    metrics.count("A")
    metrics.flush()
    assert documents()[0].keys() == {"_aws", "A"}


def written_with(documents: Any) -> tuple[str, str | None]:
    """Return the namespace and service that a metric is written with now."""
    metrics.count("A")
    metrics.flush()
    (document,) = documents()
    return document["_aws"]["CloudWatchMetrics"][0]["Namespace"], document.get("service")


def test_what_is_left_out_stays_and_none_goes_back_to_the_environment(
    documents: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each argument of configure() is on its own; None forgets what code has set."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "todos")
    metrics.configure(namespace="Code", service="users")
    metrics.configure()
    assert written_with(documents) == ("Code", "users")
    metrics.configure(namespace=None)
    assert written_with(documents) == ("Tests", "users")
    metrics.configure(service=None)
    assert written_with(documents) == ("Tests", "todos")
    metrics.configure(strict=True, cold_start=False)
    metrics.configure(strict=None, cold_start=None)
    metrics.count("")  # not strict any more
    instrument(lambda event, context: None)({}, LambdaContext())
    assert values(documents(), "ColdStart") == [1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"namespace": ""}, "metrics.configure(namespace=''): namespace is empty; give it at least one character"),
        ({"namespace": 5}, "metrics.configure(namespace=5): namespace must be a string, not int 5"),
        ({"namespace": "a&b"}, "namespace 'a&b' contains '&'; use letters, digits, space and . - _ / # :"),
        ({"namespace": "AWS/Lambda"}, "namespace 'AWS/Lambda' starts with ':' or 'AWS/'"),
        ({"namespace": "x" * 256}, "has 256 characters; CloudWatch takes at most 255"),
        ({"service": "é"}, "metrics.configure(service='é'): service 'é' has characters that are not printable ASCII"),
        ({"service": 5}, "metrics.configure(service=5): service must be a string, not int 5"),
        ({"service": "x" * 1025}, "has 1025 characters; CloudWatch takes at most 1024"),
        ({"strict": "true"}, "metrics.configure(strict='true'): expected True, False or None"),
        ({"strict": 1}, "metrics.configure(strict=1): expected True, False or None"),
        ({"cold_start": "no"}, "metrics.configure(cold_start='no'): expected True, False or None"),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_a_bad_value_raises_and_sets_nothing(
    arguments: dict[str, Any], message: str, strict: bool, documents: Any
) -> None:
    """Strict or not, the error names argument, value and what is allowed; what was right beside it is not set."""
    metrics.configure(strict=strict)
    good = {"namespace": "Good", "service": "good"}
    with pytest.raises(MetricsError) as caught:
        metrics.configure(**{**good, **arguments})
    assert message in str(caught.value)
    assert not caught.value.must_raise
    assert written_with(documents) == ("Tests", None)


def test_all_that_is_wrong_with_configure_is_said_at_once() -> None:
    """Two bad arguments are one error that names both."""
    with pytest.raises(MetricsError, match=r"configure\(namespace=5\): .*configure\(strict='yes'\): "):
        metrics.configure(namespace=5, strict="yes")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("POWERTOOLS_METRICS_NAMESPACE", "a&b", "POWERTOOLS_METRICS_NAMESPACE: namespace 'a&b' contains '&'"),
        ("SHARED_UTILS_SERVICE", "é", "SHARED_UTILS_SERVICE: service 'é' has characters"),
        ("POWERTOOLS_METRICS_DISABLED", "maybe", "POWERTOOLS_METRICS_DISABLED='maybe' is neither true nor false"),
    ],
)
def test_a_bad_variable_is_an_error_line_that_names_it(
    variable: str, text: str, message: str, captured_logs: CapturedLogs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can raise for the environment's mistake; the line says which variable it is."""
    metrics.configure(strict=None)
    monkeypatch.setenv(variable, text)
    metrics.count("A")
    metrics.flush()
    lines = [line["message"] for line in captured_logs.find(level="ERROR", logger="shared_utils.metrics")]
    assert any(message in line for line in lines), lines


def test_the_common_service_is_between_code_and_environment(documents: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """shared_utils.configure(service=...) beats the environment, and metrics.configure(service=...) beats both."""
    monkeypatch.setenv("SHARED_UTILS_SERVICE", "environment")
    assert written_with(documents)[1] == "environment"
    try:
        shared_utils.configure(service="common")
        assert written_with(documents)[1] == "common"
        metrics.configure(service="own")
        assert written_with(documents)[1] == "own"
        metrics.configure(service=None)
        assert written_with(documents)[1] == "common"
    finally:
        shared_utils.configure(service=None)
    assert written_with(documents)[1] == "environment"


def test_a_common_service_that_cloudwatch_refuses_is_an_error_line(captured_logs: CapturedLogs) -> None:
    """Logging may take any name; as a dimension it is left out, and the line says where it was set."""
    metrics.configure(strict=None)
    try:
        shared_utils.configure(service="é")
        metrics.count("A")
        metrics.flush()
    finally:
        shared_utils.configure(service=None)
    assert any(
        "shared_utils.configure(service=...): service 'é' has characters" in line["message"]
        for line in captured_logs.find(level="ERROR")
    )
