"""Timing several pieces of work in one process, in turns."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.samples import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["alternate"]

ROUNDS = 15


def alternate(
    cases: Mapping[str, Callable[[], object]],
    calls: int,
    *,
    rounds: int = ROUNDS,
    clock: Callable[[], float] = time.thread_time,
) -> dict[str, Sample]:
    """Time each case once per round, so that a slow moment of the machine hits all alike.

    Args:
        cases: name to work.
        calls: how often the work is done for one figure.
        rounds: how many figures each case gets.
        clock: seconds; the thread's own processor time, which a busy machine disturbs least, unless the work waits.

    Returns:
        For each case, microseconds for one call.
    """
    samples: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, work in cases.items():
            began = clock()
            for _ in range(calls):
                work()
            samples[name].append((clock() - began) / calls * 1e6)
    return {name: Sample(name, "µs", tuple(values)) for name, values in samples.items()}
