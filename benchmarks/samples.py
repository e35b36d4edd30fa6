"""What a measurement is: samples of one case, and the ratio of two cases that ran alternately in one run."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

__all__ = ["Comparison", "Sample", "Series"]


@dataclass(frozen=True, slots=True)
class Sample:
    """The figures of one case, in one unit.

    Attributes:
        name: the case.
        unit: ``ms``, ``µs``, ``requests``, …
        values: one figure per round, in the order of the rounds.
    """

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle figure: noise only ever adds, so it is nearer the truth than the mean."""
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The quartiles, between which half of the figures lie."""
        if len(self.values) < 2:
            return (self.median, self.median)
        first, _, third = statistics.quantiles(self.values, n=4)
        return (first, third)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ours against a peer, with the limit that we set ourselves.

    Attributes:
        topic: ``cold start``, ``logging``, ``metrics``, ``configuration`` or ``growth``.
        work: what was done, in words.
        ours, peer: the figures in `unit`; for cold starts, over a bare handler in the same run.
        limit: the ratio that is not to be exceeded; None where only the figure is of interest.
        where: the interpreter, as ``3.13.0``.
    """

    topic: str
    work: str
    peer_name: str
    ours: float
    peer: float
    unit: str
    limit: float | None
    where: str
    note: str = ""

    @property
    def ratio(self) -> float:
        """Ours divided by the peer's."""
        return self.ours / self.peer if self.peer else float("inf")

    @property
    def holds(self) -> bool:
        """Whether the ratio is within its limit."""
        return self.limit is None or self.ratio <= self.limit


@dataclass(frozen=True, slots=True)
class Series:
    """How a cost grows with a number.

    Attributes:
        work: what was done (``one line``).
        of: what the number counts (``bound keys``).
        points: number to cost, in `unit`.
    """

    work: str
    of: str
    name: str
    unit: str
    points: dict[int, float]

    @property
    def slope(self) -> float:
        """The exponent of the growth between the upper half's ends: 1 is linear, 0 is constant, 2 is quadratic."""
        numbers = sorted(self.points)
        low, high = numbers[len(numbers) // 2 - 1], numbers[-1]
        return math.log(self.points[high] / self.points[low]) / math.log(high / low)
