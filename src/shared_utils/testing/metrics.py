"""Fixtures for metrics: strict mode in every test, and the documents that a test's metrics were written as."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared_utils.metrics.registry import Registry

__all__ = ["CapturedMetrics", "captured_metrics", "strict_metrics"]


class CapturedMetrics:
    """The metrics that a test wrote. What is recorded and not written yet is written when a test looks."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._documents: list[dict[str, Any]] = []

    def _write(self, text: str) -> None:
        self._documents += map(json.loads, text.splitlines())

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The EMF documents, parsed, in the order in which they were written."""
        self._registry.flush()
        return self._documents

    @property
    def names(self) -> list[str]:
        """The names of all metrics, each once, in the order in which they were written."""
        return list(dict.fromkeys(metric["Name"] for _, metric in self._metrics()))

    def values(self, name: str, /, **dimensions: str) -> list[float]:
        """Return the values of the metric `name`, of those documents only that carry the given dimension values."""
        return [value for document, _ in self._metrics(name, dimensions) for value in document[name]]

    def total(self, name: str, /, **dimensions: str) -> float:
        """Return the sum of the values of the metric `name`; 0 when there are none."""
        return sum(self.values(name, **dimensions))

    def units(self, name: str, /) -> list[str]:
        """Return the units in which the metric `name` was written."""
        return list(dict.fromkeys(metric["Unit"] for _, metric in self._metrics(name)))

    def clear(self) -> None:
        """Forget what was captured and what waits to be written."""
        self._registry.discard_all()
        self._documents.clear()

    def _metrics(
        self, name: str | None = None, dimensions: dict[str, str] | None = None
    ) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield each metric with its document."""
        wanted = (dimensions or {}).items()
        for document in self.documents:
            for directive in document["_aws"]["CloudWatchMetrics"]:
                published = {key: document[key] for names in directive["Dimensions"] for key in names}
                for metric in directive["Metrics"]:
                    if name in (None, metric["Name"]) and wanted <= published.items():
                        yield document, metric


@pytest.fixture(autouse=True)
def strict_metrics() -> Iterator[None]:
    """In every test: a metric that CloudWatch would refuse raises, and no metric is left over for the next test.

    Where nothing sets a namespace it is "tests". Tests of code that does not use metrics do not load them for this.
    """
    metrics = sys.modules.get("shared_utils.metrics")
    if metrics is None:
        yield
        if "shared_utils.metrics" in sys.modules:  # the test loaded them
            sys.modules["shared_utils.metrics"]._registry.discard_all()
        return
    registry = metrics._registry
    registry.discard_all()
    before = registry.settings.strict, registry.settings.fallback_namespace
    registry.settings.strict, registry.settings.fallback_namespace = True, "tests"
    yield
    registry.settings.strict, registry.settings.fallback_namespace = before
    registry.discard_all()


@pytest.fixture
def captured_metrics() -> Iterator[CapturedMetrics]:
    """What the test's metrics were written as, instead of on standard output.

    Where neither the code nor the environment sets a namespace, which a template does for the function, it is "tests".
    """
    from shared_utils import metrics

    registry = metrics._registry
    captured = CapturedMetrics(registry)
    settings = registry.settings
    before = registry.sink, settings.fallback_namespace, settings.strict
    # Strict here too: where this fixture was the first to load metrics, `strict_metrics` found none.
    registry.sink, settings.fallback_namespace, settings.strict = captured._write, "tests", True
    yield captured
    registry.sink, settings.fallback_namespace, settings.strict = before
