"""The invocation that this process is serving now, and what must happen around it.

A Lambda process serves one invocation at a time (each process of a Managed Instance too), so the invocation is a
fact of the process, not of a thread: lines and metrics written by worker threads belong to it as well.
Logging, metrics and configuration meet here and nowhere else, so that none of them has to import another.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = [
    "Invocation",
    "after_restore",
    "arm_restore",
    "at_begin",
    "at_end",
    "at_timeout",
    "begin",
    "current",
    "end",
    "reset",
    "timing_out",
]


class Invocation:
    """What is known of one invocation. Every field tolerates a context that lacks it (tests, local scripts)."""

    __slots__ = (
        "cold_start",
        "context",
        "function_arn",
        "function_name",
        "function_version",
        "logging",
        "memory_mb",
        "request_id",
        "tenant_id",
    )

    def __init__(self, context: Any, *, cold_start: bool) -> None:
        self.context = context
        self.cold_start = cold_start
        self.request_id: str | None = _attribute(context, "aws_request_id")
        self.function_name: str | None = _attribute(context, "function_name")
        self.function_version: str | None = _attribute(context, "function_version")
        self.function_arn: str | None = _attribute(context, "invoked_function_arn")
        self.memory_mb: str | None = _attribute(context, "memory_limit_in_mb")
        self.tenant_id: str | None = _attribute(context, "tenant_id")
        self.logging: Any = None  # what shared_utils.logging keeps for it

    def remaining_ms(self) -> int | None:
        """Milliseconds until Lambda ends the invocation, or None when the context cannot tell."""
        ask = _attribute(self.context, "get_remaining_time_in_millis")
        answer = None if ask is None else ask()
        return int(answer) if isinstance(answer, (int, float)) else None  # a mock answers with a mock


def _attribute(context: Any, name: str) -> Any:
    try:
        return getattr(context, name, None)
    except Exception:  # a test's context may be anything
        return None


_current: Invocation | None = None
_is_cold = True
_restore_armed = False
_begin_callbacks: list[Callable[[Invocation], None]] = []
_end_callbacks: list[Callable[[Invocation], None]] = []
_last_callbacks: list[Callable[[Invocation], None]] = []
_timeout_callbacks: list[Callable[[], None]] = []
_error_callbacks: list[Callable[[Exception], None]] = []
_restore_callbacks: list[Callable[[], None]] = []


def current() -> Invocation | None:
    """Return the invocation being served, or None outside one (during init, in scripts and tests)."""
    return _current


def begin(context: Any) -> Invocation:
    """Start an invocation: decide whether it is a cold one, and tell everybody who asked by `at_begin`.

    Under provisioned concurrency the environment was initialised ahead of time, so no invocation is cold
    (``AWS_LAMBDA_INITIALIZATION_TYPE``, Lambda developer guide, "Defined runtime environment variables").
    """
    global _current, _is_cold  # noqa: PLW0603 - the one place that owns the process's invocation
    cold = _is_cold and os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") != "provisioned-concurrency"
    _is_cold = False
    _current = invocation = Invocation(context, cold_start=cold)
    for callback in _begin_callbacks:
        _call(callback, invocation)
    return invocation


def end() -> None:
    """End the invocation: run the `at_end` callbacks, then forget it.

    None of them may raise, but in tests: an error whose ``must_raise`` is true is raised when all of them have run.
    """
    global _current  # noqa: PLW0603
    invocation = _current
    if invocation is None:
        return
    errors = [_call(callback, invocation) for callback in (*_end_callbacks, *_last_callbacks)]
    _current = None
    for error in errors:
        if getattr(error, "must_raise", False):
            raise error  # type: ignore[misc]


def at_begin(callback: Callable[[Invocation], None]) -> None:
    """Call `callback(invocation)` when an invocation starts. It must not raise."""
    _begin_callbacks.append(callback)


def at_end(callback: Callable[[Invocation], None], *, last: bool = False) -> None:
    """Call `callback(invocation)` when an invocation ends, however it ends. It must not raise.

    `last` is for logging, whose lines belong to the invocation until everybody else has ended it.
    """
    (_last_callbacks if last else _end_callbacks).append(callback)


def at_timeout(callback: Callable[[], None]) -> None:
    """Call `callback()` when an invocation is about to time out, from another thread. It must not raise."""
    _timeout_callbacks.append(callback)


def timing_out() -> None:
    """The invocation will be ended by Lambda within moments: let everybody save what they have."""
    for callback in _timeout_callbacks:
        _call(callback)


def _call(callback: Callable[..., None], *args: object) -> Exception | None:
    """Call back. What goes wrong is reported and does not concern the handler, nor those who come after."""
    try:
        callback(*args)
    except Exception as error:
        if not getattr(error, "must_raise", False):
            for report in _error_callbacks:
                report(error)
        return error
    return None


def at_error(callback: Callable[[Exception], None]) -> None:
    """Call `callback(error)` when a callback raised. It must not raise."""
    _error_callbacks.append(callback)


def after_restore(callback: Callable[[], None]) -> None:
    """Call `callback()` after a SnapStart restore, when what was cached before the snapshot may be stale."""
    _restore_callbacks.append(callback)


def arm_restore() -> None:
    """Register with Lambda's runtime hooks, once, and only in a SnapStart environment.

    Not done at import, where nothing may happen; called when `instrument` decorates a handler and when
    configuration is first read, both of which run before the snapshot is taken.
    """
    global _restore_armed  # noqa: PLW0603
    if _restore_armed or os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") != "snap-start":
        return
    try:
        import snapshot_restore_py
    except ImportError:  # not in Lambda's runtime: nothing will ever be restored
        return
    snapshot_restore_py.register_after_restore(_restored)
    _restore_armed = True


def _restored() -> None:
    """Make the next invocation cold again and tell everybody who asked."""
    global _is_cold  # noqa: PLW0603
    _is_cold = True
    for callback in _restore_callbacks:
        _call(callback)


def reset() -> None:
    """Forget that this environment has served anything: the next invocation is cold. For tests."""
    global _current, _is_cold  # noqa: PLW0603
    _current = None
    _is_cold = True
