"""Moments on two clocks.

Lambda freezes the environment between invocations, and the monotonic clock can stand still meanwhile; the wall clock
goes on, but may be set. A value is as old as the *greater* of the two says: a wall clock that steps back makes nothing
older, and nothing younger than the monotonic clock knows it to be.
"""

from __future__ import annotations

import time

__all__ = ["Moment"]


class Moment:
    """A point in time on both clocks."""

    __slots__ = ("monotonic", "wall")

    def __init__(self, monotonic: float, wall: float) -> None:
        self.monotonic = monotonic
        self.wall = wall

    @classmethod
    def now(cls) -> Moment:
        """Return the present."""
        return cls(time.monotonic(), time.time())

    def since(self, earlier: Moment) -> float:
        """Return the seconds from `earlier` to this moment: the greater of what the two clocks say."""
        return max(self.monotonic - earlier.monotonic, self.wall - earlier.wall)
