"""A last word before an invocation times out: Lambda ends the process without asking it."""

from __future__ import annotations

import _thread
import os
import sys
import time

from shared_utils.invocation import lifecycle as _invocation
from shared_utils.logging.context import values_in
from shared_utils.logging.output import flush_buffer, write_line
from shared_utils.logging.settings import SETTINGS

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from contextvars import Context

    from shared_utils.invocation.lifecycle import Invocation

__all__ = ["WATCH"]

# How long before the end the warning comes: a tenth of what is left at the start, within these bounds (milliseconds),
# but not before half of it has passed.
_LATEST_MS, _EARLIEST_MS = 150, 500
WARNING = 30


class _Watched:
    __slots__ = ("context", "deadline", "invocation", "served_by")

    def __init__(self, invocation: Invocation, context: Context, deadline: float) -> None:
        self.invocation = invocation
        self.context = context
        self.deadline = deadline  # when to warn, in seconds of the monotonic clock
        self.served_by = _thread.get_ident()  # the thread that runs the handler


class _Watch:
    """One bare thread that sleeps until the deadline of the invocation it was started for, then looks for the next.

    Starting a thread for each invocation would cost ten times as much as all the rest of `instrument`. Deadlines
    only grow, mostly, so nobody has to wake it: an invocation that ends in time just takes its name off. The thread
    ends by itself when it wakes up and no invocation is being served.
    """

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._process = os.getpid()
        self._mutex = _thread.allocate_lock()
        self._wake = _thread.allocate_lock()
        self._wake.acquire()
        self._watched: _Watched | None = None
        self._wakes_at: float | None = None  # None: there is no thread

    def start(self, invocation: Invocation, context: Context) -> None:
        """Watch `invocation`, whose handler runs in `context`, unless nothing tells its remaining time."""
        try:
            remaining = invocation.remaining_ms()
        except Exception:  # a test's context may be anything
            return
        if remaining is None:
            return
        if self._process != os.getpid():  # forked: the thread stayed with the parent
            self._forget()
        margin = min(_EARLIEST_MS, max(_LATEST_MS, remaining // 10), remaining // 2)
        deadline = time.monotonic() + (remaining - margin) / 1000
        with self._mutex:
            self._watched = _Watched(invocation, context, deadline)
            if self._wakes_at is None:
                try:
                    _thread.start_new_thread(self._run, ())
                except RuntimeError:  # the process may have no more threads
                    return
                self._wakes_at = deadline
            elif deadline < self._wakes_at and self._wake.locked():
                self._wake.release()

    def stop(self) -> None:
        """Stop watching: the invocation has ended."""
        self._watched = None

    def _run(self) -> None:
        while True:
            with self._mutex:
                watched = self._watched
                if watched is None:
                    self._wakes_at = None
                    return
                self._wakes_at = watched.deadline
            left = watched.deadline - time.monotonic()
            if left > 0:
                self._wake.acquire(timeout=min(left, _thread.TIMEOUT_MAX))
                continue
            with self._mutex:
                if self._watched is not watched:
                    continue
                self._watched = None
            _warn(watched)


def _warn(watched: _Watched) -> None:
    """Say where the handler is; then write what would be lost with the process."""
    if SETTINGS.threshold <= WARNING:
        values = {
            **values_in(watched.context, watched.invocation.logging),
            "remaining_ms": watched.invocation.remaining_ms(),
        }
        where = None
        frame = sys._current_frames().get(watched.served_by)
        if frame is not None:
            from traceback import format_stack

            values["stack"] = "".join(format_stack(frame, limit=20)).rstrip("\n")
            where = f"{frame.f_code.co_name}:{frame.f_lineno}" if SETTINGS.location else None
        write_line(WARNING, "the invocation is about to time out", values, where)
    flush_buffer()
    _invocation.timing_out()


WATCH = _Watch()
