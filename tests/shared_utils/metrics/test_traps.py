"""The metrics of others fail in the ways that FIELD.md numbers 10 to 19; a test for each that ours do not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from shared_utils import instrument, metrics
from shared_utils.errors import MetricsError
from shared_utils.invocation import lifecycle as _invocation
from shared_utils.testing import LambdaContext
from tests.support import emf
from tests.support.emf import values


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str]) -> Callable[[], tuple[list[dict[str, Any]], list[str]]]:
    """Call it for the documents and the other lines written since the last call."""

    def read() -> tuple[list[dict[str, Any]], list[str]]:
        lines = capsys.readouterr().out.splitlines(keepends=True)
        return [emf.parse(line) for line in lines if '"_aws"' in line], [line for line in lines if '"_aws"' not in line]

    return read


def test_trap_10_a_raising_handler_keeps_the_cold_start_in_its_own_invocation(output: Any) -> None:
    """The cold invocation reports ColdStart though its handler raises, and the warm one after it does not."""

    @instrument
    def handler(event: Any, context: Any) -> None:
        metrics.count("Calls")
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        handler({}, LambdaContext("todos"))
    cold, _ = output()
    assert values(cold, "ColdStart") == [1]
    assert values(cold, "Calls") == [1]
    assert [document["function_name"] for document in cold if "ColdStart" in document] == ["todos"]
    with pytest.raises(KeyError, match="mine"):
        handler({}, LambdaContext("todos"))
    warm, _ = output()
    assert values(warm, "ColdStart") == []
    assert values(warm, "Calls") == [1]


@pytest.mark.parametrize("strict", [False, True])
def test_trap_11_a_metrics_problem_never_hides_the_handlers_exception(
    strict: bool, output: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a namespace the handler's own exception comes out, strict or not, and the problem is one line."""
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE")
    metrics.configure(strict=strict, cold_start=False)

    @instrument
    def handler(event: Any, context: Any) -> None:
        metrics.count("Calls")
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        handler({}, LambdaContext())
    documents, lines = output()
    assert documents == []
    assert len([line for line in lines if "no namespace" in line and '"WARNING"' in line]) == 1


def test_trap_11_a_missing_namespace_does_not_fail_the_invocation(output: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In production the response is returned and one line says what to set; strict mode raises."""
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE")

    @instrument
    def handler(event: Any, context: Any) -> str:
        for _ in range(3):
            metrics.count("Calls")
        return "fine"

    metrics.configure(cold_start=False)
    assert handler({}, LambdaContext()) == "fine"
    documents, lines = output()
    assert documents == []
    (line,) = lines
    assert "set the environment variable POWERTOOLS_METRICS_NAMESPACE or call metrics.configure" in line
    metrics.configure(strict=True)
    with pytest.raises(MetricsError, match=r"no namespace, so metrics are not written \(Calls\)"):
        handler({}, LambdaContext())
    assert _invocation.current() is None


def test_trap_12_a_scope_whose_body_raises_writes_what_it_has_and_nothing_else(output: Any) -> None:
    """The scope's document is written when its body raises; a scope without metrics writes nothing at all."""

    def work(rows: int) -> None:
        with metrics.scope(operation="import") as scope:
            if rows:
                scope.count("Rows", rows)
            raise KeyError

    for rows in (3, 0):
        with pytest.raises(KeyError):
            work(rows)
    documents, lines = output()
    assert lines == []
    (document,) = documents
    assert document["Rows"] == [3]
    assert document["operation"] == "import"


def test_trap_13_a_timestamp_holds_for_one_flush(output: Any) -> None:
    """The custom timestamp is in its own document and not in the next one."""
    then = int(time.time() * 1000) - 3_600_000
    metrics.timestamp(then)
    metrics.count("A")
    metrics.flush()
    metrics.count("A")
    metrics.flush()
    first, second = output()[0]
    assert first["_aws"]["Timestamp"] == then
    assert second["_aws"]["Timestamp"] > then + 3_000_000


@pytest.mark.parametrize("variable", ["SHARED_UTILS_METRICS_DISABLED", "POWERTOOLS_METRICS_DISABLED"])
@pytest.mark.parametrize("word", ["true", "True", "1", "yes", "on", "y", "t"])
def test_trap_14_the_off_switch_holds_everywhere(
    variable: str, word: str, output: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Switched off, nothing is written: not by many values, a scope, the cold start, a flush, or Powertools."""
    monkeypatch.setenv(variable, word)

    @instrument
    def handler(event: Any, context: Any) -> None:
        for number in range(150):
            metrics.count(f"Metric{number}")
            metrics.count("One")
        with metrics.scope(a="b") as scope:
            scope.count("Scoped")
        for _ in range(11_000):
            metrics.count("Many")
        metrics.flush()
        metrics.count("Last")

    handler({}, LambdaContext())
    assert output() == ([], [])
    monkeypatch.delenv(variable)
    metrics.count("After")
    metrics.flush()
    (document,) = output()[0]
    assert "One" not in document


@pytest.mark.parametrize("word", ["false", "0", "no", "off", "n", "f", "False", ""])
def test_trap_14_a_switch_that_says_no_leaves_metrics_on(
    word: str, output: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words for no are understood too; and Powertools' development mode counts only when no switch is set."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", word)
    monkeypatch.setenv("POWERTOOLS_DEV", "true")
    metrics.count("A")
    metrics.flush()
    assert len(output()[0]) == 1
    monkeypatch.delenv("POWERTOOLS_METRICS_DISABLED")
    metrics.count("A")
    metrics.flush()
    assert output() == ([], [])


def test_trap_15_nan_and_infinity_are_never_written(output: Any) -> None:
    """Values that JSON does not have are logged once each and the others are written."""
    for value in (1.0, float("nan"), float("inf"), -float("inf"), 2.0, float("nan")):
        metrics.add("Size", value, "Bytes")
    metrics.flush()
    documents, lines = output()
    assert values(documents, "Size") == [1.0, 2.0]
    assert len(lines) == 3
    assert all("metric 'Size' cannot be stored by CloudWatch" in line for line in lines)


def test_trap_16_a_name_has_one_meaning_in_a_document() -> None:
    """Using a metric's name for a dimension or a property, or the other way round, is an error that says so."""
    metrics.configure(strict=True)
    metrics.count("a")
    metrics.dimensions(b="1")
    metrics.properties(c=1)
    metrics.default_dimensions(d="1")
    for use, taken in ((metrics.count, "bcd"), (lambda n: metrics.dimensions({n: "x"}), "ac")):
        for name in taken:
            with pytest.raises(MetricsError, match=f"'{name}' is a .* cannot be a .* too; rename one"):
                use(name)
    for name in "abd":
        with pytest.raises(MetricsError, match=f"'{name}' is a .* cannot be a property too"):
            metrics.properties({name: 1})
    for name in "ac":
        with pytest.raises(MetricsError, match=f"'{name}' is a .* cannot be a dimension too"):
            metrics.dimension_set({name: "x"})
        with pytest.raises(MetricsError, match=f"'{name}' is a .* cannot be a dimension too"):
            metrics.default_dimensions({name: "x"})
    for use in (metrics.count, lambda n: metrics.properties({n: 1}), lambda n: metrics.dimensions({n: "x"})):
        with pytest.raises(MetricsError, match="_aws"):
            use("_aws")
    for use in (metrics.count, lambda n: metrics.properties({n: 1})):
        with pytest.raises(MetricsError, match="'service' is a dimension"):
            use("service")


def test_trap_16_the_first_meaning_of_a_name_survives(output: Any) -> None:
    """In production the second use is refused and logged, and nothing that was recorded is overwritten."""
    metrics.count("a", 7)
    metrics.dimensions(a="x", b="1")
    metrics.count("b")
    metrics.properties(a=1)
    metrics.flush()
    documents, lines = output()
    (document,) = documents
    assert (document["a"], document["b"]) == ([7], "1")
    assert len(lines) == 3


def test_trap_17_a_changed_unit_opens_another_document_and_rewrites_nothing(output: Any) -> None:
    """Values keep the unit that they were recorded with."""
    metrics.add("Time", 2, "Seconds")
    metrics.add("Time", 1500, "Milliseconds")
    metrics.add("Time", 3, "Seconds")
    metrics.add("Time", 4, "Seconds", resolution=1)
    metrics.flush()
    found = [(document["_aws"]["CloudWatchMetrics"][0]["Metrics"][0], document["Time"]) for document in output()[0]]
    assert found == [
        ({"Name": "Time", "Unit": "Seconds"}, [2, 3]),
        ({"Name": "Time", "Unit": "Milliseconds"}, [1500]),
        ({"Name": "Time", "Unit": "Seconds", "StorageResolution": 1}, [4]),
    ]


def test_trap_18_lengths_are_checked_at_the_call() -> None:
    """Namespace, names and values that are too long, empty or not ASCII are errors that name the limit."""
    metrics.configure(strict=True)
    cases: list[tuple[Callable[[], None], str]] = [
        (lambda: metrics.count("x" * 256), "metric name .* has 256 characters; CloudWatch takes at most 255"),
        (lambda: metrics.count(""), "metric name is empty"),
        (lambda: metrics.count("  "), "metric name is empty"),
        (lambda: metrics.count("é"), "metric name 'é' has characters that are not printable ASCII"),
        (lambda: metrics.count("a\nb"), "not printable ASCII"),
        (
            lambda: metrics.dimensions({"x" * 251: "1"}),
            "dimension name .* has 251 characters; .* at most 250",
        ),
        (lambda: metrics.dimensions({":x": "1"}), "starts with a colon"),
        (lambda: metrics.dimensions(x="y" * 1025), "value of dimension 'x' .* has 1025 characters; .* at most 1024"),
        (lambda: metrics.dimensions(x=""), "value of dimension 'x' is empty"),
        (lambda: metrics.dimensions(x=None), "dimension 'x' has no value"),
        (lambda: metrics.dimensions(x="é"), "not printable ASCII"),
        (lambda: metrics.dimensions(x=b"y"), "is bytes"),
        (lambda: metrics.dimensions("x"), "expected a mapping"),  # type: ignore[arg-type]
        (lambda: metrics.configure(namespace="x" * 256), "namespace .* has 256 characters"),
        (lambda: metrics.configure(namespace="AWS/Lambda"), "starts with ':' or 'AWS/'"),
        (lambda: metrics.configure(namespace="a&b"), "contains '&'"),
        (lambda: metrics.configure(service="é"), "not printable ASCII"),
        (lambda: metrics.scope(namespace=" ").count("x"), "namespace is empty"),
    ]
    for call, message in cases:
        with pytest.raises(MetricsError, match=message):
            call()
    metrics.count("x" * 255)
    metrics.dimensions({"d" * 250: "y" * 1024})


@pytest.mark.parametrize("service", [None, "todos"])
def test_trap_18_thirty_dimensions_with_the_service_and_overwriting_at_the_limit(
    service: str | None, output: Any
) -> None:
    """There is room for 30 dimensions, service included; one that is there can be given another value."""
    metrics.configure(strict=True, service=service)
    own = 30 if service is None else 29
    metrics.dimensions({f"d{number}": number for number in range(own)})
    metrics.dimensions(d0="again")
    with pytest.raises(MetricsError, match="no room for dimension 'more': CloudWatch takes 30"):
        metrics.dimensions(more="x")
    metrics.count("A")
    metrics.flush()
    (document,) = output()[0]
    (names,) = document["_aws"]["CloudWatchMetrics"][0]["Dimensions"]
    assert len(names) == 30
    assert document["d0"] == "again"
    assert document.get("service") == service


def test_trap_19_async_handlers_are_flushed_when_they_end(output: Any) -> None:
    """An async handler's metrics are written once, after its last await, also when it raises."""

    @instrument
    async def handler(event: Any, context: Any) -> str:
        metrics.count("Before")
        await asyncio.sleep(0)
        metrics.count("After")
        if event:
            raise KeyError("mine")
        return "fine"

    metrics.configure(cold_start=False)
    assert handler({}, LambdaContext()) == "fine"  # type: ignore[comparison-overlap]
    (document,) = output()[0]
    assert (document["Before"], document["After"]) == ([1], [1])
    with pytest.raises(KeyError, match="mine"):
        handler({"raise": True}, LambdaContext())
    (document,) = output()[0]
    assert (document["Before"], document["After"]) == ([1], [1])
