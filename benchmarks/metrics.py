"""Metrics against Powertools' in one process: a small and a large document, and what the first one costs a cold start.

Run alone: ``python -m benchmarks.metrics`` (``--json`` for the harness of ``python -m benchmarks``).
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.alone import main
from benchmarks.samples import Comparison, Sample, Series

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["measure", "measure_import"]

ROUNDS = 15
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


def alternating(ours: Callable[[], None], peer: Callable[[], None], calls: int) -> tuple[Sample, Sample]:
    """Time two pieces of work in turns, so that a slow moment of the machine hits both. Microseconds for one call."""
    samples: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for work, sample in zip((ours, peer), samples, strict=True):
            began = time.perf_counter()
            for _ in range(calls):
                work()
            sample.append((time.perf_counter() - began) / calls * 1e6)
    return Sample("ours", "µs", tuple(samples[0])), Sample("Powertools", "µs", tuple(samples[1]))


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

    comparisons, ours_points, peer_points = [], {}, {}
    with Path(os.devnull).open("w") as nothing, redirect_stdout(nothing):
        for work, pair, calls in (
            ("2 metrics, 1 dimension and flush", (ours_small, peer_small), 1000),
            ("100 metrics and flush", (ours_of(100), peer_of(100)), 50),
        ):
            ours, peer = alternating(*pair, calls)
            comparisons.append(
                Comparison("metrics", work, peer.name, ours.median, peer.median, "µs", 0.5, platform.python_version())
            )
        for number in (1, 10, 100, 1000):
            ours, peer = alternating(ours_of(number), peer_of(number), max(10, 500 // number))
            ours_points[number], peer_points[number] = ours.median, peer.median
    series = [
        Series("record and flush", "metrics", name, "µs", points)
        for name, points in (("shared_utils", ours_points), ("Powertools", peer_points))
    ]
    return comparisons, series


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
