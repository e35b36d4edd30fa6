"""A warning before an invocation times out: Lambda ends the process without asking it."""

from __future__ import annotations

import _thread
import os
import sys
import time
from _contextvars import Context

from shared_utils.invocation import lifecycle
from shared_utils.logging.context import values_in
from shared_utils.logging.output import flush_buffer, write_line
from shared_utils.logging.settings import SETTINGS
from shared_utils.logging.state import current as log_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import FrameType
    from typing import Any, Protocol

    class Watched(Protocol):
        """What is watched: an invocation, and where its handler runs."""

        invocation: lifecycle.Invocation
        context: Context
        coroutine: Coroutine[Any, Any, Any] | None


__all__ = ["WATCH"]

# How long before the end the warning comes: a tenth of what is left at the start, within these bounds (milliseconds),
# but not before half of it has passed.
_LATEST_MS, _EARLIEST_MS = 150, 500
WARNING = 30
_MOST_FRAMES = 20
_OURS = os.path.dirname(__file__) + os.sep  # noqa: PTH120 - pathlib would be imported for this
# Code that is not the function's own: the interpreter's library with what is installed there, layers, the runtime.
_LIBRARIES = (os.path.dirname(os.__file__) + os.sep, "/opt/python/", "/var/runtime/")  # noqa: PTH120


# What an ``async for``, `anext` or ``__await__`` waits with says only to the garbage collector what it waits for.
_DRIVERS = frozenset({"async_generator_asend", "async_generator_athrow", "anext_awaitable", "coroutine_wrapper"})
_DRIVEN = _DRIVERS | {"async_generator", "coroutine", "generator"}


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
            Context().run(_warn, watched)
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


def _warn(watched: Watched) -> None:
    """Say where the handler is; then write what would be lost with the process. Runs in a context of its own."""
    lifecycle.enter(watched.invocation)
    state = log_state()
    if state.threshold <= WARNING:
        values = {**values_in(watched.context, state), "remaining_ms": watched.invocation.remaining_ms()}
        where = None
        frames = _frames(watched)
        if frames:
            from traceback import StackSummary

            stack = StackSummary.extract((frame, frame.f_lineno or 0) for frame in frames[-_MOST_FRAMES:])
            values["stack"] = "".join(stack.format()).rstrip("\n")
            if SETTINGS.location:
                place = next((frame for frame in reversed(frames) if _is_the_users(frame)), frames[-1])
                where = f"{place.f_code.co_name}:{place.f_lineno}"
        write_line(WARNING, "the invocation is about to time out", values, where)
    flush_buffer()
    lifecycle.timing_out(watched.invocation)


def _frames(watched: Watched) -> list[FrameType]:
    """Return the frames of the handler and of what it has called, outermost first; racing with them, at worst none."""
    frames: list[FrameType] = []
    coroutine: Any = watched.coroutine
    if coroutine is not None and not coroutine.cr_running:  # waits: the thread is in the event loop
        while coroutine is not None:
            kind = next((kind for kind in ("cr", "gi", "ag") if hasattr(coroutine, f"{kind}_frame")), None)
            if kind is None:
                coroutine = _wrapped(coroutine)
                continue
            frame = getattr(coroutine, f"{kind}_frame")
            if frame is not None:
                frames.append(frame)
            coroutine = getattr(coroutine, "gi_yieldfrom" if kind == "gi" else f"{kind}_await")
    else:
        frame = sys._current_frames().get(watched.invocation.thread)
        while frame is not None:
            frames.append(frame)
            frame = frame.f_back
        frames.reverse()
    around = max((number for number, frame in enumerate(frames) if _is_around(frame)), default=-1)
    frames = frames[around + 1 :] or frames
    first = next((number for number, frame in enumerate(frames) if _is_the_users(frame)), 0)
    return frames[first:]


def _wrapped(awaitable: Any) -> Any:
    """Return the coroutine or async generator that one of the interpreter's own awaitables drives, or None."""
    if type(awaitable).__name__ not in _DRIVERS:
        return None
    import gc

    return next((one for one in gc.get_referents(awaitable) if type(one).__name__ in _DRIVEN), None)


def _is_around(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_OURS)


def _is_the_users(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return not (file.startswith(_LIBRARIES) or f"{os.sep}site-packages{os.sep}" in file or file.startswith("<"))


WATCH = _Watch()
