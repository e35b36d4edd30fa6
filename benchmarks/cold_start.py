"""Cold starts in AWS's Runtime Interface Emulator: init and the first invocation, over a bare handler in the same run.

Every figure is a fresh process. The cases take turns, so that a slow minute of the machine hits all of them alike;
the bare handler of the same round is subtracted from each. The function's bytecode is not written (`-B`), as /var/task
and /opt are read-only in Lambda.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.parameter_endpoint import serve_parameter
from benchmarks.samples import Comparison, Sample
from layerctl.local.emulator import Emulator, Interpreter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FUNCTIONS = Path(__file__).with_name("functions")
VARIABLES = {"POWERTOOLS_SERVICE_NAME": "todos", "POWERTOOLS_METRICS_NAMESPACE": "Benchmark"}


@dataclass(frozen=True, slots=True)
class Case:
    """One function on one packing of the layer.

    Attributes:
        name: what people read.
        handler: the module in benchmarks/functions.
        bytecode: whether the layer has valid bytecode, or none, as SAM's default build packs it.
    """

    name: str
    handler: str
    bytecode: bool


BARE = Case("bare handler", "bare", bytecode=True)
OURS = Case("shared_utils: logging + metrics", "ours", bytecode=True)
OURS_PLAIN = Case("shared_utils: logging + metrics, no bytecode", "ours", bytecode=False)
OURS_LOGGING = Case("shared_utils: logging only", "ours_logging", bytecode=True)
PARAMETER = Case("shared_utils: one parameter", "ours_parameter", bytecode=True)
POWERTOOLS = Case("Powertools: Logger + Metrics", "powertools", bytecode=True)
POWERTOOLS_PLAIN = Case("Powertools: Logger + Metrics, no bytecode", "powertools", bytecode=False)
PAIR = Case("structlog + Powertools Metrics", "structlog_powertools", bytecode=True)
PAIR_PLAIN = Case("structlog + Powertools Metrics, no bytecode", "structlog_powertools", bytecode=False)
POWERTOOLS_PARAMETER = Case("Powertools: one parameter", "powertools_parameter", bytecode=True)
POWERTOOLS_PARAMETER_PLAIN = Case("Powertools: one parameter, no bytecode", "powertools_parameter", bytecode=False)

CASES = [
    BARE,
    OURS,
    OURS_LOGGING,
    OURS_PLAIN,
    POWERTOOLS,
    POWERTOOLS_PLAIN,
    PAIR,
    PAIR_PLAIN,
    PARAMETER,
    POWERTOOLS_PARAMETER,
    POWERTOOLS_PARAMETER_PLAIN,
]

# (ours, the peer, the limit of the ratio)
LIMITS: list[tuple[Case, Case, float | None]] = [
    (OURS, POWERTOOLS, 1.0),
    (OURS, PAIR, 0.45),
    (OURS, PAIR_PLAIN, 0.2),
    (OURS, POWERTOOLS_PLAIN, None),
    (OURS_PLAIN, POWERTOOLS_PLAIN, None),
    (PARAMETER, POWERTOOLS_PARAMETER, 0.2),
    (PARAMETER, POWERTOOLS_PARAMETER_PLAIN, None),
]


def measure(
    layer: Path, interpreter: Interpreter, *, rounds: int, scratch: Path, progress: Callable[[], None]
) -> dict[Case, Sample]:
    """Start every case once per round and return its cost over the bare handler of the round, in milliseconds.

    Args:
        layer: the folder that holds ``python/``, as `sam build` produced it.
        interpreter: what runs the functions.
        rounds: how often.
        scratch: where the copy without bytecode goes.
        progress: called after each start.
    """
    plain = scratch / "plain"
    if not plain.exists():
        shutil.copytree(layer, plain, ignore=shutil.ignore_patterns("__pycache__"))
    over_bare: dict[Case, list[float]] = {case: [] for case in CASES}
    with serve_parameter("/benchmark/page-size", "20") as endpoint:
        variables = VARIABLES | {"AWS_ENDPOINT_URL": endpoint}
        for number in range(rounds + 1):
            figures = {}
            for case in CASES:
                figures[case] = _start(case, layer if case.bytecode else plain, interpreter, variables)
                progress()
            if number == 0:  # warms the page cache
                continue
            for case in CASES:
                over_bare[case].append(figures[case] - (figures[BARE] if case is not BARE else 0.0))
    return {case: Sample(case.name, "ms", tuple(values)) for case, values in over_bare.items()}


def _start(case: Case, layer: Path, interpreter: Interpreter, variables: dict[str, str]) -> float:
    """Start a fresh environment, invoke it once, and return the milliseconds of both."""
    with Emulator(
        FUNCTIONS, f"{case.handler}.handler", layers=[layer], interpreter=interpreter, environment=variables
    ) as emulator:
        began = time.perf_counter()
        answer = emulator.invoke({})
        took = (time.perf_counter() - began) * 1000
    if answer.error is not None or answer.init_ms is None:
        raise RuntimeError(f"{case.name} failed on {interpreter.version}: {answer.error or answer.lines}")
    return took


def compare(samples: dict[Case, Sample], interpreter: Interpreter) -> Iterable[Comparison]:
    """Hold ours against the peers, with the limits."""
    for ours, peer, limit in LIMITS:
        yield Comparison(
            topic="cold start",
            work=ours.name.removeprefix("shared_utils: "),
            peer_name=peer.name,
            ours=samples[ours].median,
            peer=samples[peer].median,
            unit="ms",
            limit=limit,
            where=interpreter.version,
        )
