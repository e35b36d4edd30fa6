"""Metrics of the built layer in AWS's own emulator, with the runtime's own client around the handler."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import emf

if TYPE_CHECKING:
    from layerctl.local.emulator import Emulator

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("emulator-metrics")]

SOURCE = """
import time
from shared_utils import instrument, metrics

metrics.count("Loaded")

@instrument
def handler(event, context):
    metrics.dimensions(kind=event["kind"])
    metrics.count("Calls")
    with metrics.timer("Took"):
        if event["kind"] == "raise":
            raise ValueError("on purpose")
        if event["kind"] == "sleep":
            time.sleep(30)
    return "fine"
"""
VARIABLES = {"POWERTOOLS_METRICS_NAMESPACE": "Todos", "POWERTOOLS_SERVICE_NAME": "todos"}


def documents(lines: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the documents among an invocation's lines, each checked."""
    return [emf.parse(f"{line}\n") for line in lines if '"_aws"' in line]


def values(found: list[dict[str, Any]], name: str) -> list[float]:
    """Return all values of a metric in documents."""
    return [value for document in found for value in document.get(name, [])]


def test_a_handler_that_raises_while_cold_has_its_cold_start_in_its_own_output(
    emulated: Callable[..., Emulator],
) -> None:
    """ColdStart is in the output of the invocation that was cold and raised, once, and nowhere else."""
    emulator = emulated(SOURCE, environment=VARIABLES)
    cold = emulator.invoke({"kind": "raise"})
    assert cold.error is not None
    assert cold.error["errorType"] == "ValueError"
    found = documents(cold.lines)
    assert values(found, "ColdStart") == [1]
    assert values(found, "Loaded") == [1]
    assert values(found, "Calls") == [1]
    assert len(values(found, "Took")) == 1
    (start,) = [document for document in found if "ColdStart" in document]
    assert start["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["function_name", "service"]]
    for kind in ("raise", "return"):
        warm = documents(emulator.invoke({"kind": kind}).lines)
        assert [document.keys() - {"_aws"} for document in warm] == [{"kind", "service", "Calls", "Took"}]
        assert warm[0]["kind"] == kind


def test_a_handler_that_times_out_loses_no_metric_that_it_recorded(emulated: Callable[..., Emulator]) -> None:
    """The cold start and what was recorded before the time-out are written while there is time."""
    answer = emulated(SOURCE, environment=VARIABLES, timeout=3).invoke({"kind": "sleep"})
    assert answer.timed_out
    found = documents(answer.lines)
    assert values(found, "ColdStart") == [1]
    assert values(found, "Calls") == [1]
    assert values(found, "Took") == []


def test_where_lambda_filters_by_level_documents_state_one(emulated: Callable[..., Emulator]) -> None:
    """With JSON log format and level ERROR every document carries what lets it pass Lambda's filter."""
    answer = emulated(SOURCE, environment=VARIABLES, log_format="JSON", log_level="ERROR").invoke({"kind": "return"})
    assert json.loads(answer.payload) == "fine"
    found = documents(answer.lines)
    assert len(found) == 2
    assert {document["level"] for document in found} == {"ERROR"}
    assert all(document["timestamp"].endswith("Z") for document in found)
