"""A last word before an invocation times out: Lambda ends the process without asking it."""

from __future__ import annotations

import _thread
import sys
from typing import TYPE_CHECKING

from shared_utils import _invocation
from shared_utils._bound_values import values_in
from shared_utils._line import flush_buffer, write_line
from shared_utils._log_state import STATE

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

    from shared_utils._invocation import Invocation

__all__ = ["watch"]

# How long before the end the warning comes: a tenth of what is left at the start, within these bounds (milliseconds).
_LATEST_MS, _EARLIEST_MS = 150, 500
WARNING = 30


def watch(invocation: Invocation, context: Context) -> Callable[[], None] | None:
    """Warn, and flush buffered lines and metrics, shortly before `invocation` times out; return what calls that off.

    A bare thread waits on a lock, 20 µs in all; it is gone when the lock is released. Returns None when the context
    cannot tell the remaining time.
    """
    try:
        remaining = invocation.remaining_ms()
    except Exception:  # a test's context may be anything
        return None
    if remaining is None:
        return None
    margin = min(_EARLIEST_MS, max(_LATEST_MS, remaining // 10))
    ended = _thread.allocate_lock()
    ended.acquire()
    served_by = _thread.get_ident()

    def wait() -> None:
        if not ended.acquire(timeout=max(remaining - margin, 0) / 1000) and _invocation.current() is invocation:
            _warn(invocation, context, served_by)

    try:
        _thread.start_new_thread(wait, ())
    except RuntimeError:  # the process may have no more threads
        return None
    return ended.release


def _warn(invocation: Invocation, context: Context, served_by: int) -> None:
    """Say where the handler is; then write what would be lost with the process."""
    if STATE.threshold <= WARNING:
        values = {**values_in(context), "remaining_ms": invocation.remaining_ms()}
        where = None
        frame = sys._current_frames().get(served_by)
        if frame is not None:
            from traceback import format_stack

            values["stack"] = "".join(format_stack(frame, limit=-20)).rstrip("\n")
            where = f"{frame.f_code.co_name}:{frame.f_lineno}" if STATE.location else None
        write_line(WARNING, "the invocation is about to time out", values, where)
    flush_buffer()
    _invocation.timing_out()
