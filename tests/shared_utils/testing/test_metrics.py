"""The fixtures for metrics: what was written, and strict mode in every test."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from shared_utils import metrics
from shared_utils.errors import MetricsError
from shared_utils.testing import CapturedMetrics

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing configured in code, a namespace in the environment."""
    metrics._registry.reset()
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Tests")
    yield
    metrics._registry.reset()


def test_captured_metrics_gives_documents_values_units_and_totals(captured_metrics: CapturedMetrics) -> None:
    """The fixture answers what tests ask for, flushed or not, and nothing goes to standard output."""
    metrics.count("Listed", 2)
    metrics.count("Listed", 3)
    with metrics.scope(operation="import") as scope:
        scope.count("Listed", 10)
        scope.add("Size", 1.5, "Bytes")
    assert captured_metrics.values("Listed") == [10, 2, 3]
    assert captured_metrics.values("Listed", operation="import") == [10]
    assert captured_metrics.values("Nothing") == []
    assert captured_metrics.total("Listed") == 15
    assert captured_metrics.units("Size") == ["Bytes"]
    assert captured_metrics.names == ["Listed", "Size"]
    assert len(captured_metrics.documents) == 2
    captured_metrics.clear()
    assert captured_metrics.documents == []


def test_captured_metrics_needs_no_namespace(
    captured_metrics: CapturedMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The namespace stands in the template, which a unit test does not load; the fixture stands in for it."""
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE")
    metrics.count("A")
    assert captured_metrics.values("A") == [1]


def test_the_plugin_makes_metrics_strict_and_leaves_configuration_alone(pytester: pytest.Pytester) -> None:
    """In a user's tests a bad unit raises, metrics of one test do not reach the next, configure() at import stays."""
    pytester.makepyfile(
        app="""
        from shared_utils import instrument, metrics
        metrics.configure(namespace="App")

        @instrument
        def handler(event, context):
            metrics.add("Time", 1, event["unit"])
        """,
        test_app="""
        import pytest
        from app import handler, metrics
        from shared_utils.errors import MetricsError

        def test_bad(lambda_context):
            with pytest.raises(MetricsError, match="did you mean 'Seconds'"):
                handler({"unit": "Second"}, lambda_context)
            metrics.count("Left")

        def test_good(lambda_context, captured_metrics):
            handler({"unit": "Seconds"}, lambda_context)
            assert captured_metrics.values("Time") == [1]
            assert captured_metrics.names == ["ColdStart", "Time"]
            assert captured_metrics.documents[1]["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "App"
        """,
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q")
    result.assert_outcomes(passed=2)


def test_strict_mode_does_not_leak_out_of_the_plugin() -> None:
    """Production code does not become strict because pytest is installed; only the plugin's fixture makes it so."""
    (line,) = run_lines("from shared_utils import metrics\nmetrics.count('')")
    assert json.loads(line)["level"] == "ERROR"
    metrics.configure(strict=True)
    with pytest.raises(MetricsError):
        metrics.count("")


def run_lines(program: str) -> list[str]:
    """Run a program and return its lines."""
    return subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    ).stdout.splitlines()
