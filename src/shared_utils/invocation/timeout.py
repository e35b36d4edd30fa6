"""A warning before an invocation times out: Lambda ends the process without asking it."""

from __future__ import annotations

import _thread
import os
import time
from _contextvars import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any, Protocol

    from shared_utils.invocation.lifecycle import Invocation

    class Watched(Protocol):
        """What is watched: an invocation, and where its handler runs."""

        invocation: Invocation
        context: Context
        coroutine: Coroutine[Any, Any, Any] | None


__all__ = ["WATCH", "Watched"]

# How long before the end the warning comes: a tenth of what is left at the start, within these bounds (milliseconds),
# but not before half of it has passed.
_LATEST_MS, _EARLIEST_MS = 150, 500


class _Watch:
    """One bare thread that sleeps until the first deadline of the open invocations.

    Starting a thread for each invocation would cost ten times as much as all the rest of `instrument`. Deadlines
    only grow, mostly, so the thread need not be woken: an invocation that ends in time is just taken off the list. The
    thread ends by itself when it wakes up and no invocation is open.
    """

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._process = os.getpid()
        self._mutex = _thread.allocate_lock()
        self._wake = _thread.allocate_lock()
        self._wake.acquire()
        self._deadlines: dict[Watched, float] = {}  # when to warn, in seconds of the monotonic clock
        self._wakes_at: float | None = None  # None: there is no thread

    def start(self, watched: Watched) -> None:
        """Watch an invocation, unless nothing tells its remaining time."""
        try:
            remaining = watched.invocation.remaining_ms()
        except Exception:  # a test's context may be anything
            return
        if remaining is None:
            return
        if self._process != os.getpid():  # forked: the thread stayed with the parent
            self._forget()
        margin = min(_EARLIEST_MS, max(_LATEST_MS, remaining // 10), remaining // 2)
        deadline = time.monotonic() + (remaining - margin) / 1000
        with self._mutex:
            self._deadlines[watched] = deadline
            if self._wakes_at is None:
                try:
                    _thread.start_new_thread(self._run, ())
                except RuntimeError:  # the process may have no more threads
                    return
                self._wakes_at = deadline
            elif deadline < self._wakes_at and self._wake.locked():
                self._wake.release()

    def stop(self, watched: Watched) -> None:
        """Stop watching: the invocation has ended."""
        self._deadlines.pop(watched, None)

    def _run(self) -> None:
        while self._warn_and_sleep():
            pass

    def _warn_and_sleep(self) -> bool:
        """Warn of what is due, or sleep until the next deadline; return False when nothing is left to watch."""
        due, left = self._take_due(time.monotonic())
        for watched in due:
            from shared_utils.invocation.timeout_warning import warn

            Context().run(warn, watched)
        if left is not None and not due:
            self._wake.acquire(timeout=min(left, _thread.TIMEOUT_MAX))
        return bool(due) or left is not None

    def _take_due(self, now: float) -> tuple[list[Watched], float | None]:
        """Return what is due, and the seconds until the next is; None when there is no next one."""
        due = []
        with self._mutex:
            for watched, deadline in list(self._deadlines.items()):
                is_open = watched.invocation.is_open  # not when a signal's exception hit what takes it off the list
                if deadline <= now or not is_open:
                    self._deadlines.pop(watched, None)
                    if is_open:
                        due.append(watched)
            earliest = min(self._deadlines.values(), default=None)
            self._wakes_at = now if due else earliest
            return due, None if earliest is None else earliest - now


WATCH = _Watch()
