"""A clock that tests set by hand."""

from __future__ import annotations

from shared_utils.config.entries import Moment


class Clock:
    """Both clocks, set by hand."""

    def __init__(self) -> None:
        self.monotonic = 1000.0
        self.wall = 2_000_000.0

    def now(self) -> Moment:
        return Moment(self.monotonic, self.wall)

    def advance(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += seconds
