"""At peace with Powertools: the same documents, one flush for both, and its Metrics class on our set."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricResolution, MetricUnit, SchemaValidationError
from aws_lambda_powertools.metrics.provider import cold_start
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_utils import instrument, metrics
from shared_utils.invocation import lifecycle as _invocation
from shared_utils.testing import LambdaContext
from tests.support import emf
from tests.support.emf import values

WORDS = st.text("abcdefghij", min_size=1, max_size=8)


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A fresh, cold environment for both libraries."""

    def reset() -> None:
        metrics._registry.reset()
        _invocation.reset()
        for shared in (Metrics._metrics, Metrics._dimensions, Metrics._metadata, Metrics._default_dimensions):
            shared.clear()
        cold_start.is_cold_start = True

    reset()
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Tests")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "todos")
    yield
    reset()


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the documents written since the last call, each checked; there must be nothing else."""
    return emf.parse_all(capsys.readouterr().out)


@settings(max_examples=60)
@given(
    recorded=st.lists(
        st.tuples(
            WORDS.map("M".__add__),
            st.one_of(st.integers(-(2**53), 2**53), st.floats(-1e30, 1e30)),
            st.sampled_from(list(MetricUnit)),
            st.sampled_from(list(MetricResolution)),
        ),
        min_size=1,
        max_size=20,
        unique_by=lambda entry: entry[0],
    ),
    dimensions=st.dictionaries(WORDS.map("D".__add__), WORDS, max_size=5),
    defaults=st.dictionaries(WORDS.map("E".__add__), WORDS, max_size=3),
    further=st.lists(st.dictionaries(WORDS.map("F".__add__), WORDS, min_size=1, max_size=3), max_size=1),
    properties=st.dictionaries(WORDS.map("P".__add__), st.one_of(WORDS, st.integers(), st.lists(WORDS)), max_size=3),
    minutes_ago=st.one_of(st.none(), st.integers(1, 1000)),
)
def test_the_documents_are_those_of_powertools(  # noqa: PLR0917 - one for each thing that a document may hold
    recorded: list[Any],
    dimensions: dict[str, str],
    defaults: dict[str, str],
    further: list[dict[str, str]],
    properties: dict[str, Any],
    minutes_ago: int | None,
) -> None:
    """For plain input the parsed document equals the one that Powertools' own engine writes."""
    theirs = AmazonCloudWatchEMFProvider(namespace="Tests", service="todos")
    theirs.set_default_dimensions(**defaults)
    registry = metrics._registry
    registry.reset()
    registry.settings.configure(strict=True)
    lines: list[str] = []
    registry.sink = lines.append
    metrics.default_dimensions(defaults)
    when = None if minutes_ago is None else int(time.time() * 1000) - minutes_ago * 60_000
    if when is not None:
        theirs.set_timestamp(when)
        metrics.timestamp(when)
    for name, value in dimensions.items():
        theirs.add_dimension(name, value)
        metrics.dimensions({name: value})
    for names in further:
        theirs.add_dimensions(**names)
        metrics.dimension_set(names)
    for key, value in properties.items():
        theirs.add_metadata(key, value)
        metrics.properties({key: value})
    for name, value, unit, resolution in recorded:
        theirs.add_metric(name, unit, value, resolution)
        metrics.add(name, value, unit, resolution)
    expected: Any = theirs.serialize_metric_set()
    metrics.flush()
    (document,) = emf.parse_all("".join(lines))
    if when is None:
        assert abs(document["_aws"]["Timestamp"] - expected["_aws"]["Timestamp"]) < 60_000
        expected["_aws"]["Timestamp"] = document["_aws"]["Timestamp"]
    assert document == json.loads(json.dumps(expected))


def test_the_cold_start_document_is_that_of_powertools(capsys: pytest.CaptureFixture[str]) -> None:
    """Same names, dimensions and order as Powertools' capture_cold_start_metric, so dashboards go on working."""
    theirs = Metrics()

    @theirs.log_metrics(capture_cold_start_metric=True)
    def their_handler(event: Any, context: Any) -> None:
        theirs.add_metric("Calls", "Count", 1)

    @instrument
    def our_handler(event: Any, context: Any) -> None:
        metrics.count("Calls")

    their_handler({}, LambdaContext("todos"))  # type: ignore[arg-type]
    expected, _ = written(capsys)
    our_handler({}, LambdaContext("todos"))
    ours, _ = written(capsys)
    expected["_aws"]["Timestamp"] = ours["_aws"]["Timestamp"]
    assert ours == expected


def test_what_plain_metrics_objects_share_is_written_by_instrument_once(capsys: pytest.CaptureFixture[str]) -> None:
    """What libraries record with Powertools is in the invocation's output, and not again in the next one's.

    Namespace and service are ours: each object keeps its own to itself, and short-lived ones are gone by then.
    """
    library = Metrics(namespace="Library", service="lib")
    library.set_default_dimensions(stage="dev")

    @instrument
    def handler(event: Any, context: Any) -> None:
        library.add_dimension("kind", "batch")
        library.add_metadata("id", 7)
        library.add_metric("FromLibrary", MetricUnit.Milliseconds, 1.5, resolution=1)
        Metrics().add_metric("FromLibrary", MetricUnit.Milliseconds, 2.5, resolution=1)
        metrics.count("Own")
        metrics.default_dimensions(team="a")

    metrics.configure(cold_start=False)
    for _ in range(2):
        handler({}, LambdaContext())
        own, theirs = sorted(written(capsys), key=lambda document: "FromLibrary" in document)
        assert own["Own"] == [1]
        assert "FromLibrary" not in own
        del theirs["_aws"]["Timestamp"]
        assert theirs == {
            "_aws": {
                "CloudWatchMetrics": [
                    {
                        "Namespace": "Tests",
                        "Dimensions": [["stage", "kind", "service"]],
                        "Metrics": [{"Name": "FromLibrary", "Unit": "Milliseconds", "StorageResolution": 1}],
                    }
                ]
            },
            "stage": "dev",
            "kind": "batch",
            "service": "todos",
            "id": 7,
            "FromLibrary": [1.5, 2.5],
        }
    assert Metrics._metrics == {}


@pytest.mark.parametrize("outside", [True, False])
@pytest.mark.parametrize("raises", [True, False])
def test_with_its_own_decorator_powertools_metrics_are_written_once(
    outside: bool, raises: bool, capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    """log_metrics inside or outside of instrument: every value and the cold start once, raised or not.

    Outside, instrument has written everything before; Powertools warns that it finds nothing.
    """
    warnings.simplefilter("always")
    theirs = Metrics()

    def handler(event: Any, context: Any) -> str:
        theirs.add_metric("Theirs", "Count", 1)
        metrics.count("Ours")
        if raises:
            raise KeyError("mine")
        return "fine"

    log_metrics = theirs.log_metrics(capture_cold_start_metric=True, raise_on_empty_metrics=not outside)
    decorated = log_metrics(instrument(handler)) if outside else instrument(log_metrics(handler))
    documents = []
    for _ in range(2):
        if raises:
            with pytest.raises(KeyError, match="mine"):
                decorated({}, LambdaContext())
        else:
            assert decorated({}, LambdaContext()) == "fine"
        documents += [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert values(documents, "Theirs") == [1, 1]
    assert values(documents, "Ours") == [1, 1]
    assert values(documents, "ColdStart") == [1]


def test_what_powertools_would_spoil_is_written_valid(capsys: pytest.CaptureFixture[str]) -> None:
    """Taken over from Powertools, NaN is refused with an error line and everything else is a valid document."""

    @instrument
    def handler(event: Any, context: Any) -> None:
        theirs = Metrics()
        theirs.add_metric("A", "Count", float("nan"))
        theirs.add_metric("A", "Count", 2)
        theirs.add_metadata("bad", float("inf"))

    metrics.configure(cold_start=False)
    handler({}, LambdaContext())
    lines = capsys.readouterr().out.splitlines(keepends=True)
    documents = [emf.parse(line) for line in lines if '"_aws"' in line]
    assert values(documents, "A") == [2]
    assert documents[0]["bad"] == "Infinity"
    assert len(lines) == 2


def test_our_off_switch_holds_for_powertools_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Switched off by our variable, what was recorded with Powertools is not written, now or later."""

    @instrument
    def handler(event: Any, context: Any) -> None:
        Metrics().add_metric("A", "Count", 1)

    monkeypatch.setenv("SHARED_UTILS_METRICS_DISABLED", "true")
    handler({}, LambdaContext())
    monkeypatch.delenv("SHARED_UTILS_METRICS_DISABLED")
    metrics.flush()
    assert written(capsys) == []
    assert Metrics._metrics == {}


def test_the_provider_records_into_our_set(capsys: pytest.CaptureFixture[str]) -> None:
    """Metrics(provider=...) and our functions make one document together, through every method of Metrics."""
    theirs = Metrics(provider=metrics.powertools_provider())  # type: ignore[arg-type]
    metrics.configure(cold_start=False)

    @instrument
    def handler(event: Any, context: Any) -> None:
        theirs.set_default_dimensions(stage="dev")
        theirs.add_metric(" Theirs ", MetricUnit.Seconds, 1.5, MetricResolution.High)
        theirs.add_dimension("kind", "batch")
        theirs.add_dimensions(region="eu")
        theirs.add_metadata("id", 7)
        theirs.set_timestamp(int(time.time() * 1000) - 5000)
        metrics.count("Ours")
        assert theirs.serialize_metric_set()["Ours"] == [1]  # type: ignore[typeddict-item]
        assert (theirs.namespace, theirs.service) == ("Tests", "todos")

    handler({}, LambdaContext())
    (document,) = written(capsys)
    assert document["Theirs"] == [1.5]
    assert document["Ours"] == [1]
    assert document["id"] == 7
    assert document["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["stage", "kind", "service"], ["stage", "region"]]
    theirs.clear_default_dimensions()
    theirs.namespace, theirs.service = "Other", "users"
    theirs.add_metric("Again", "Count", 1)
    theirs.flush_metrics()
    (document,) = written(capsys)
    assert document["service"] == "users"
    assert document["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Other"
    assert "stage" not in document
    theirs.add_metric("Dropped", "Count", 1)
    theirs.clear_metrics()
    theirs.flush_metrics()
    assert written(capsys) == []
    with pytest.raises(SchemaValidationError):
        theirs.serialize_metric_set()


@pytest.mark.parametrize("instrumented", [True, False])
def test_the_providers_own_decorator_passes_the_traps(instrumented: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """log_metrics on our provider: cold start though the handler raises, the handler's exception, async handlers."""
    theirs = Metrics(provider=metrics.powertools_provider())  # type: ignore[arg-type]

    @theirs.log_metrics(capture_cold_start_metric=True, raise_on_empty_metrics=True)
    def raising(event: Any, context: Any) -> None:
        raise KeyError("mine")

    @theirs.log_metrics(default_dimensions={"stage": "dev"})
    async def waiting(event: Any, context: Any) -> str:
        await asyncio.sleep(0)
        theirs.add_metric("Waited", "Count", 1)
        return "fine"

    @theirs.log_metrics(raise_on_empty_metrics=True)
    def empty(event: Any, context: Any) -> None:
        return None

    handler = instrument(raising) if instrumented else raising
    with pytest.raises(KeyError, match="mine"):
        handler({}, LambdaContext("todos"))
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert values(documents, "ColdStart") == [1]
    assert documents[0]["function_name"] == "todos"
    assert asyncio.run(waiting({}, LambdaContext())) == "fine"
    assert values(written(capsys), "Waited") == [1]
    with pytest.raises(SchemaValidationError, match="at least one metric"):
        empty({}, LambdaContext())


def test_powertools_is_imported_only_by_those_who_ask_for_it() -> None:
    """A function that records, times and is instrumented with our metrics never loads Powertools."""
    program = """
import sys
from shared_utils import instrument, metrics

@instrument
def handler(event, context):
    metrics.count("A")
    metrics.properties(a=1)
    with metrics.timer("T"), metrics.scope(a="b") as scope:
        scope.count("B")

class Context:
    function_name = "f"
    aws_request_id = "1"

metrics.configure(namespace="N")
handler({}, Context())
assert not any(name.startswith("aws_lambda_powertools") for name in sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_a_function_that_records_with_powertools_alone_is_flushed() -> None:
    """Instrument writes a plain Metrics() though the function never imported our metrics, and adds nothing."""
    program = """
import sys
from aws_lambda_powertools import Metrics
from shared_utils import instrument

@instrument
def handler(event, context):
    assert "shared_utils.metrics" not in sys.modules or event["warm"]
    Metrics().add_metric("A", "Count", 1)

class Context:
    function_name = "f"
    aws_request_id = "1"

handler({"warm": False}, Context())
handler({"warm": True}, Context())
"""
    environment = {"POWERTOOLS_METRICS_NAMESPACE": "Theirs", "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    documents = emf.parse_all(result.stdout)
    assert [document["A"] for document in documents] == [[1], [1]]


def test_an_untouched_powertools_costs_no_import_of_ours() -> None:
    """A function that uses Powertools for something else does not load our metrics."""
    program = """
import sys
import aws_lambda_powertools
from shared_utils import instrument

instrument(lambda event, context: None)({}, None)
assert "shared_utils.metrics" not in sys.modules
"""
    with warnings.catch_warnings():
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
