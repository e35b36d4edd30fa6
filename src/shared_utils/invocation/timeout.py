"""A warning before an invocation times out, with where its handler is: Lambda ends the process without asking it.

Loaded when one is about to.
"""

from __future__ import annotations

import os
import sys

from shared_utils.invocation import lifecycle
from shared_utils.logging.context import values_in
from shared_utils.logging.output import flush_buffer, write_line
from shared_utils.logging.settings import SETTINGS
from shared_utils.logging.state import current as log_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

    from shared_utils.invocation.serving import Serving

__all__ = ["warn"]

_WARNING = 30
_MOST_FRAMES = 20
_OURS = os.path.dirname(__file__) + os.sep  # noqa: PTH120 - pathlib would be imported for this
# Code that is not the function's own: the interpreter's library with what is installed there, layers, the runtime.
_LIBRARIES = (os.path.dirname(os.__file__) + os.sep, "/opt/python/", "/var/runtime/")  # noqa: PTH120


# What an ``async for``, `anext` or ``__await__`` waits with says only to the garbage collector what it waits for.
_DRIVERS = frozenset({"async_generator_asend", "async_generator_athrow", "anext_awaitable", "coroutine_wrapper"})
_DRIVEN = _DRIVERS | {"async_generator", "coroutine", "generator"}


def warn(serving: Serving) -> None:
    """Say where the handler is; then write what would be lost with the process. Runs in a context of its own."""
    lifecycle.enter(serving.invocation)
    state = log_state()
    if state.threshold <= _WARNING:
        values = {**values_in(serving.context, state), "remaining_ms": serving.invocation.remaining_ms()}
        where = None
        frames = _frames(serving)
        if frames:
            from traceback import StackSummary

            stack = StackSummary.extract((frame, frame.f_lineno or 0) for frame in frames[-_MOST_FRAMES:])
            values["stack"] = "".join(stack.format()).rstrip("\n")
            if SETTINGS.location:
                place = next((frame for frame in reversed(frames) if _is_the_users(frame)), frames[-1])
                where = f"{place.f_code.co_name}:{place.f_lineno}"
        write_line(_WARNING, "the invocation is about to time out", values, where)
    flush_buffer()
    lifecycle.timing_out(serving.invocation)


def _frames(serving: Serving) -> list[FrameType]:
    """Return the frames of the handler and of what it has called, outermost first; racing with them, at worst none."""
    frames: list[FrameType] = []
    coroutine: Any = serving.coroutine
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
        frame = sys._current_frames().get(serving.invocation.thread)
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

    return next((driven for driven in gc.get_referents(awaitable) if type(driven).__name__ in _DRIVEN), None)


def _is_around(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_OURS)


def _is_the_users(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return not (file.startswith(_LIBRARIES) or f"{os.sep}site-packages{os.sep}" in file or file.startswith("<"))
