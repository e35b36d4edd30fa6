"""Metrics against Powertools' in one process: a small and a large document, and what the first one costs a cold start.

Run alone: ``python -m benchmarks.metrics`` (``--json`` for the harness of ``python -m benchmarks``).
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.alone import main
from benchmarks.samples import Comparison, Sample, Series
from benchmarks.timing import ROUNDS, alternate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["measure", "measure_import"]

OURS, POWERTOOLS, EMBEDDED = "shared_utils", "Powertools Metrics", "aws-embedded-metrics"
# Limits: ours divided by the peer's.
LIMITS = {POWERTOOLS: 0.5}
ENVIRONMENT = {"POWERTOOLS_METRICS_NAMESPACE": "Benchmark", "POWERTOOLS_SERVICE_NAME": "benchmark"}
# In a cold process that has logging already: the runtime client, our logging and one line, then the clock starts.
COLD = """
import sys, time
{before}
from shared_utils import get_logger
get_logger().info("first line")
began = time.perf_counter()
{work}
print((time.perf_counter() - began) * 1000, file=sys.stderr)
"""
OURS_COLD = """
from shared_utils import metrics
metrics.count("A")
metrics.flush()
"""
PEER_COLD = """
from aws_lambda_powertools.metrics import Metrics
metrics = Metrics()
metrics.add_metric("A", "Count", 1)
metrics.flush_metrics()
"""


def measure() -> tuple[list[Comparison], list[Series]]:
    """Compare the hot paths and show how a flush grows with the number of metrics."""
    os.environ.update(ENVIRONMENT)
    from aws_lambda_powertools.metrics import Metrics

    from shared_utils import metrics

    theirs = Metrics()

    def ours_small() -> None:
        metrics.dimensions(operation="list")
        metrics.count("TodosListed")
        metrics.add("QueryTime", 12.5, "Milliseconds")
        metrics.flush()

    def peer_small() -> None:
        theirs.add_dimension("operation", "list")
        theirs.add_metric("TodosListed", "Count", 1)
        theirs.add_metric("QueryTime", "Milliseconds", 12.5)
        theirs.flush_metrics()

    def ours_of(number: int) -> Callable[[], None]:
        names = [f"Metric{index}" for index in range(number)]

        def work() -> None:
            for name in names:
                metrics.count(name)
            metrics.flush()

        return work

    def peer_of(number: int) -> Callable[[], None]:
        names = [f"Metric{index}" for index in range(number)]

        def work() -> None:
            for name in names:
                theirs.add_metric(name, "Count", 1)
            if theirs.metric_set:  # at 100 it has written them by itself
                theirs.flush_metrics()

        return work

    comparisons: list[Comparison] = []
    points: dict[str, dict[int, float]] = {OURS: {}, POWERTOOLS: {}, EMBEDDED: {}}
    # Each line is flushed, as Lambda's runtime does with what is written to standard output.
    with Path(os.devnull).open("w", buffering=1) as nothing, redirect_stdout(nothing):
        small = {OURS: ours_small, POWERTOOLS: peer_small} | _embedded(
            {"TodosListed": (1, "Count"), "QueryTime": (12.5, "Milliseconds")}, operation="list"
        )
        comparisons += _compare("2 metrics, 1 dimension and flush", alternate(small, 1000))
        for number in (1, 10, 100, 1000):
            cases = {OURS: ours_of(number), POWERTOOLS: peer_of(number)} | _embedded(
                {f"Metric{index}": (1, "Count") for index in range(number)}
            )
            samples = alternate(cases, max(10, 5000 // number))
            if number == 100:
                comparisons += _compare("100 metrics and flush", samples)
            for name, sample in samples.items():
                points[name][number] = sample.median
    series = [Series("record and flush", "metrics", name, "µs", costs) for name, costs in points.items() if costs]
    return comparisons, series


def _compare(work: str, samples: Mapping[str, Sample]) -> list[Comparison]:
    where, ours = platform.python_version(), samples[OURS].median
    return [
        Comparison("metrics", work, name, ours, sample.median, "µs", LIMITS.get(name), where)
        for name, sample in samples.items()
        if name != OURS
    ]


def _embedded(metrics: Mapping[str, tuple[float, str]], **dimensions: str) -> dict[str, Callable[[], None]]:
    """AWS's own client, without the event loop that its decorator would start: context, serialiser, standard output."""
    try:
        from aws_embedded_metrics.logger.metrics_context import MetricsContext
        from aws_embedded_metrics.sinks.stdout_sink import StdoutSink
    except ImportError:  # a peer of `make bench` only
        return {}
    sink = StdoutSink()

    def work() -> None:
        context = MetricsContext.empty()
        context.namespace = "Benchmark"
        context.put_dimensions({"service": "benchmark", **dimensions})
        for name, (value, unit) in metrics.items():
            context.put_metric(name, value, unit)
        sink.accept(context)

    return {EMBEDDED: work}


def measure_import() -> list[Comparison]:
    """Measure import and first document in cold processes that already have logging, in turns with Powertools."""
    figures: dict[str, list[float]] = {OURS_COLD: [], PEER_COLD: []}
    try:
        import awslambdaric  # noqa: F401

        before = "import awslambdaric.bootstrap"
    except ImportError:
        before = "import json, logging, re, traceback, urllib"
    for _ in range(ROUNDS):
        for work, found in figures.items():
            program = COLD.format(before=before, work=work)
            result = subprocess.run(
                [sys.executable, "-c", program],
                env={**os.environ, **ENVIRONMENT},
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            found.append(float(result.stderr.strip().splitlines()[-1]))
    ours, peer = (Sample("", "ms", tuple(found)).median for found in figures.values())
    work, where = "import and first document, logging loaded", platform.python_version()
    return [
        Comparison("metrics", work, "the budget of 3 ms", ours, 3.0, "ms", 1.0, where),
        Comparison("metrics", work, "Powertools", ours, peer, "ms", None, where),
    ]


def measure_all() -> tuple[list[Comparison], list[Series]]:
    """Run everything once."""
    comparisons, series = measure()
    return comparisons + measure_import(), series


if __name__ == "__main__":
    raise SystemExit(main("metrics", __doc__, measure_all))
