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


__all__ = ["Watched", "unwatch", "watch"]

# How long before the end the warning comes: a tenth of what is left at the start, within these bounds (milliseconds),
# but not before half of it has passed.
_LATEST_MS, _EARLIEST_MS = 150, 500


_mutex = _thread.allocate_lock()
_wake = _thread.allocate_lock()
_wake.acquire()
_deadlines: dict[Watched, float] = {}  # when to warn, in seconds of the monotonic clock
_wakes_at: float | None = None  # None: there is no thread


def watch(watched: Watched) -> None:
    """Warn before an invocation times out, unless nothing tells its remaining time.

    One bare thread sleeps until the first deadline of the open invocations: to start one for each invocation would cost
    ten times as much as all the rest of `instrument`. Deadlines only grow, mostly, so the thread need not be woken: an
    invocation that ends in time is just taken off the list. The thread ends when it wakes up and none is open.
    """
    global _wakes_at  # noqa: PLW0603 - functions, not an object: a class costs a cold start as much as an import
    try:
        remaining = watched.invocation.remaining_ms()
    except Exception:  # a test's context may be anything
        return
    if remaining is None:
        return
    margin = min(_EARLIEST_MS, max(_LATEST_MS, remaining // 10), remaining // 2)
    deadline = time.monotonic() + (remaining - margin) / 1000
    with _mutex:
        _deadlines[watched] = deadline
        if _wakes_at is None:
            try:
                _thread.start_new_thread(_run, ())
            except RuntimeError:  # the process may have no more threads
                return
            _wakes_at = deadline
        elif deadline < _wakes_at and _wake.locked():
            _wake.release()


def unwatch(watched: Watched) -> None:
    """Stop watching: the invocation has ended."""
    _deadlines.pop(watched, None)


def _run() -> None:
    while _warn_and_sleep():
        pass


def _warn_and_sleep() -> bool:
    """Warn of what is due, or sleep until the next deadline; return False when nothing is left to watch."""
    due, left = _take_due(time.monotonic())
    for watched in due:
        from shared_utils.invocation.timeout_warning import warn

        Context().run(warn, watched)
    if left is not None and not due:
        _wake.acquire(timeout=min(left, _thread.TIMEOUT_MAX))
    return bool(due) or left is not None


def _take_due(now: float) -> tuple[list[Watched], float | None]:
    """Return what is due, and the seconds until the next is; None when there is no next one."""
    global _wakes_at  # noqa: PLW0603
    due = []
    with _mutex:
        for watched, deadline in list(_deadlines.items()):
            is_open = watched.invocation.is_open  # not when a signal's exception hit what takes it off the list
            if deadline <= now or not is_open:
                _deadlines.pop(watched, None)
                if is_open:
                    due.append(watched)
        earliest = min(_deadlines.values(), default=None)
        _wakes_at = now if due else earliest
        return due, None if earliest is None else earliest - now


def _forget() -> None:
    """Start over in a forked child: the thread stayed with the parent, and may have held a lock."""
    global _mutex, _wake, _wakes_at  # noqa: PLW0603
    _mutex = _thread.allocate_lock()
    _wake = _thread.allocate_lock()
    _wake.acquire()
    _deadlines.clear()
    _wakes_at = None


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget)
