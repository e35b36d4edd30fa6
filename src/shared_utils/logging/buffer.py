"""Lines below the level, kept for the case that something goes wrong."""

from __future__ import annotations

from collections import deque

__all__ = ["LineBuffer"]


class LineBuffer:
    """The finished lines of one invocation that are written only if it fails; the oldest give way.

    The lines are kept as text: they say what was true when they were written, not when they are flushed.
    """

    _size = 0  # of the lines, in bytes; not true while there are none

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.dropped = 0
        self._lines: deque[str] = deque()

    def add(self, line: str) -> None:
        """Keep `line`; drop the oldest while there are more than `capacity` bytes."""
        size = _size(line)
        if size > self.capacity:  # it would take the place of all the others, and then its own
            self.dropped += 1
            return
        # Another thread may take the lines between any two steps: with them goes what they came to.
        self._size = self._size + size if self._lines else size
        self._lines.append(line)
        while self._size > self.capacity:
            try:
                self._size -= _size(self._lines.popleft())
            except IndexError:
                return
            self.dropped += 1

    def take(self) -> tuple[list[str], int]:
        """Return the lines, oldest first, and how many were dropped; the buffer is empty afterwards."""
        lines, self._lines = self._lines, deque()
        dropped, self.dropped = self.dropped, 0
        return list(lines), dropped


def _size(line: str) -> int:
    return (len(line) if line.isascii() else len(line.encode("utf-8", "replace"))) + 1
