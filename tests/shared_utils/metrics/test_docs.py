"""The snippets of docs/metrics.md run as they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools import Metrics

from shared_utils import metrics
from shared_utils.testing import CapturedMetrics, LambdaContext

PAGE = (Path(__file__).resolve().parents[3] / "docs/metrics.md").read_text("utf-8")
SNIPPETS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing configured."""
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE", raising=False)
    metrics._registry.reset()
    metrics.configure(strict=True)
    yield
    metrics._registry.reset()
    Metrics._metrics.clear()


@pytest.mark.parametrize(
    ("number", "names"),
    [
        (0, ["ColdStart", "TodosListed", "PayloadSize", "QueryTime"]),
        (1, ["Rows", "Imports", "Load"]),
        (2, []),
        (3, ["Calls", "AlsoCalls"]),
    ],
)
def test_a_snippet_writes_what_the_page_says(
    number: int, names: list[str], lambda_context: LambdaContext, captured_metrics: CapturedMetrics
) -> None:
    """Each snippet runs in strict mode and records the metrics that it names."""
    found: dict[str, Any] = {}
    exec(compile(SNIPPETS[number], f"docs/metrics.md snippet {number}", "exec"), found)
    if number == 0:
        found["handler"]({}, lambda_context)
    if number == 2:
        found["test_listing_is_counted"](lambda_context, captured_metrics)
    else:
        assert captured_metrics.names == names


def test_every_snippet_and_every_function_is_covered() -> None:
    """The page names each public function, and no snippet is left out of the test above."""
    assert len(SNIPPETS) == 4
    for name in set(metrics.__all__) - {"MetricsError"}:
        assert name in PAGE
