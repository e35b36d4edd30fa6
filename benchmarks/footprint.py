"""Memory of an environment, and bytes of its lines: in AWS's Runtime Interface Emulator, over a bare handler.

Resident memory is read by the function itself after its second invocation; the lines are those of that invocation.
What lines cost is their bytes times CloudWatch Logs' price, which is one of the constants below.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import cold_start
from benchmarks.cold_start import BARE, OURS, PAIR, PARAMETER, POWERTOOLS, POWERTOOLS_PARAMETER, Case
from benchmarks.parameter_endpoint import serve_parameter
from benchmarks.samples import Comparison
from layerctl.local.emulator import Emulator, Interpreter

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CASES", "LINES", "compare"]

LEAN = Case("shared_utils: lean lines", "ours_lean", bytecode=True)
CASES = (BARE, OURS, LEAN, POWERTOOLS, PAIR, PARAMETER, POWERTOOLS_PARAMETER)
# Ingestion of the standard class in us-east-1 (AWS's page "Amazon CloudWatch pricing"). Storage is not counted, and
# a GB is taken as 10^9 bytes.
DOLLARS_A_GIGABYTE = 0.50
LINES = 100_000_000
_MEMORY_LIMITS = {POWERTOOLS: 0.5, PAIR: 0.5, POWERTOOLS_PARAMETER: 0.5}


def compare(layer: Path, interpreter: Interpreter, rounds: int, progress: Callable[[], None]) -> list[Comparison]:
    """Measure each case `rounds` times and return the comparisons: memory, bytes, and dollars a month.

    Args:
        layer: the folder that holds ``python/``.
        interpreter: what runs the functions.
        rounds: how often; lines are the same each time, memory nearly so.
        progress: called after each start.
    """
    resident: dict[Case, list[int]] = {case: [] for case in CASES}
    lines: dict[Case, tuple[int, int]] = {}
    with serve_parameter("/benchmark/page-size", "20") as endpoint:
        variables = cold_start.VARIABLES | {"AWS_ENDPOINT_URL": endpoint}
        for _ in range(rounds):
            for case in CASES:
                used, *lines[case] = _run(case, layer, interpreter, variables)  # type: ignore[misc]
                resident[case].append(used)
                progress()
    bare = statistics.median(resident[BARE])
    memory = {case: (statistics.median(used) - bare) / 2**20 for case, used in resident.items()}
    line, document = ({case: float(sizes[kind]) for case, sizes in lines.items()} for kind in (0, 1))
    dollars = {case: size * LINES / 1e9 * DOLLARS_A_GIGABYTE for case, size in line.items()}
    where = interpreter.version

    def row(work: str, figures: dict[Case, float], ours: Case, peer: Case, unit: str) -> Comparison:
        limit = _MEMORY_LIMITS.get(peer) if unit == "MiB" else None
        return Comparison("footprint", work, peer.name, figures[ours], figures[peer], unit, limit, where)

    pairs = [(OURS, POWERTOOLS), (OURS, PAIR)]
    return [
        *(row("memory: logging + metrics", memory, *pair, "MiB") for pair in pairs),
        row("memory: one parameter", memory, PARAMETER, POWERTOOLS_PARAMETER, "MiB"),
        *(row("bytes of a line", line, *pair, "B") for pair in [*pairs, (LEAN, OURS)]),
        row("bytes of a document of one metric", document, OURS, POWERTOOLS, "B"),
        *(row(f"{LINES:,} such lines, CloudWatch Logs", dollars, *pair, "$") for pair in [*pairs, (LEAN, OURS)]),
    ]


def _run(case: Case, layer: Path, interpreter: Interpreter, variables: dict[str, str]) -> tuple[int, int, int]:
    """Invoke a fresh environment twice; its bytes of memory, and those of the second one's line and document."""
    with Emulator(
        cold_start.FUNCTIONS,
        "resident.handler",
        layers=[layer],
        interpreter=interpreter,
        environment=variables | {"CASE": case.handler},
    ) as emulator:
        emulator.invoke({})
        answer = emulator.invoke({})
    if answer.error is not None:
        raise RuntimeError(f"{case.name} failed on {interpreter.version}: {answer.error}")
    texts = [text for text in answer.lines if text.startswith("{")]
    documents = [text for text in texts if "_aws" in json.loads(text)]
    records = [text for text in texts if text not in documents]
    return int(answer.json()), _bytes(records), _bytes(documents)


def _bytes(texts: list[str]) -> int:
    """The bytes of an invocation's one line or document, if it writes any; its end of line counts."""
    assert len(texts) <= 1, texts
    return sum(len(text.encode()) + 1 for text in texts)
