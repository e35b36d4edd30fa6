"""Whose work this is: the invocation of the running code, and what happens around each invocation.

An invocation is a context, not a process: a context variable holds it, so threads that copy their context, asyncio
tasks and web requests each have their own, and what an invocation leaves behind keeps it. Logging, metrics and
configuration meet here and nowhere else, so that none of them has to import another.

What they build on:

- `current()`: the invocation of the running code, or None. Code whose context says nothing (a plain thread, a pool's
  worker) belongs to the only invocation that is open, and to none as soon as two are.
- `Invocation.logging` and `Invocation.metrics`: what logging and metrics keep for one invocation. None until they put
  it there on first use, by `Invocation.keep`; no other code touches it. It lives as long as anything of the invocation.
- `is_replayed()`: whether the running code has logged and counted before: a durable execution's, run again. Ask only
  when `replays` is not empty.
- `Invocation.fields`: what each line of it says besides the Lambda context (a web request's route, an execution's ARN).
- `Invocation.is_open`: false once it has ended. What runs on then still has `current()`, but nothing flushes after it.
- `at_begin`, `at_end`, `at_timeout`: callbacks that get the invocation. They run in its context (in a thread of its
  own for `at_timeout`), so `current()` is right in them. `at_error` hears of those that raise.
- `after_restore`: callbacks for a SnapStart restore.

Those that serve invocations call `begin` and `end` within a context of their own.
"""

from __future__ import annotations

import os
from _contextvars import ContextVar
from threading import get_ident

from shared_utils._env import decoded, stored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = [
    "Invocation",
    "after_restore",
    "arm_restore",
    "at_begin",
    "at_end",
    "at_error",
    "at_timeout",
    "begin",
    "current",
    "drop",
    "end",
    "enter",
    "here",
    "is_replayed",
    "open_invocations",
    "replays",
    "reset",
    "root_of",
    "timing_out",
]

# Environments that are initialised ahead of time: nobody waits for their first invocation (Lambda developer guide,
# "Defined runtime environment variables" and "Lambda Managed Instances").
_AHEAD_OF_TIME = frozenset({"provisioned-concurrency", "lambda-managed-instances"})


class Invocation:
    """What is known of one invocation. Every field tolerates a context that lacks it (tests, local scripts).

    Attributes:
        context: what Lambda's runtime passed to the handler.
        cold_start: whether it is the first, and the environment was initialised for it; None where that means nothing.
        fields: more fields for each of its lines, by name; to be set before the first line.
        logging: what logging keeps for it.
        metrics: what metrics keep for it.
        thread: the identifier of the thread that its handler runs in.
        is_repeated: whether an earlier invocation of the same durable execution had the same event.
        is_replaying: tells whether the running code is a replay; None outside of durable executions.
        trace_header: the X-Ray header that Lambda's runtime put into the environment for it, as stored there.
    """

    fields: dict[str, Any] | None = None
    logging: Any = None
    metrics: Any = None
    is_repeated = False
    is_replaying: Callable[[], bool] | None = None

    def __init__(self, context: Any, *, cold_start: bool | None = False) -> None:
        self.context = context
        self.cold_start = cold_start
        self.thread = get_ident()
        self.trace_header: Any = _environment(_TRACE_VARIABLE)

    def keep(self, name: str, value: Any) -> Any:
        """Return what is kept as the attribute `name`: `value`, unless another thread has put its own there first."""
        return self.__dict__.setdefault(name, value)

    @property
    def is_open(self) -> bool:
        """Whether it has begun and not ended."""
        return self in _open

    @property
    def request_id(self) -> str | None:
        """Lambda's id of the invocation."""
        value: str | None = self._of_context("aws_request_id")
        return value

    @property
    def function_name(self) -> str | None:
        """The function's name."""
        value: str | None = self._of_context("function_name")
        return value

    @property
    def function_arn(self) -> str | None:
        """The ARN that was invoked, with its version or alias."""
        value: str | None = self._of_context("invoked_function_arn")
        return value

    @property
    def memory_mb(self) -> str | None:
        """The configured memory in MB."""
        value: str | None = self._of_context("memory_limit_in_mb")
        return value

    @property
    def tenant_id(self) -> str | None:
        """The tenant of a function in tenant-isolation mode."""
        value: str | None = self._of_context("tenant_id")
        return value

    @property
    def xray_trace_id(self) -> str | None:
        """The root of the X-Ray trace."""
        return root_of(self.trace_header)

    def remaining_ms(self) -> int | None:
        """Return the milliseconds until Lambda ends the invocation; None when it has ended or nothing can tell."""
        if self not in _open:
            return None
        ask = self._of_context("get_remaining_time_in_millis")
        answer = None if ask is None else ask()
        return int(answer) if isinstance(answer, (int, float)) else None  # a mock answers with a mock

    def _of_context(self, name: str) -> Any:
        try:
            return getattr(self.context, name, None)
        except Exception:  # a test's context may be anything
            return None


def root_of(trace_header: Any) -> str | None:
    """Return the root of the trace that an X-Ray header names, given as it is stored in the environment."""
    header = decoded(trace_header)
    return header.split(";", 1)[0].removeprefix("Root=") if header else None


_environment, (_TRACE_VARIABLE,) = stored(("_X_AMZN_TRACE_ID",))
_here: ContextVar[Invocation | None] = ContextVar("shared_utils_invocation", default=None)
_open: dict[Invocation, None] = {}  # in the order in which they began
_unserved = [True]  # emptied by the first invocation; one list operation, so that of two at once only one is cold
replays: list[str] = []  # not empty once a durable execution has been seen
_restore_armed = False
_begin_callbacks: list[Callable[[Invocation], None]] = []
_end_callbacks: list[Callable[[Invocation], None]] = []
_last_callbacks: list[Callable[[Invocation], None]] = []
_timeout_callbacks: list[Callable[[Invocation], None]] = []
_error_callbacks: list[Callable[[Exception], None]] = []
_restore_callbacks: list[Callable[[], None]] = []


# One operation of the interpreter, so that no signal's exception gets between: what is dropped is open no longer.
drop = _open.pop
here = _here.get  # the invocation that the running code's own context names, open or not, or None
enter = _here.set  # make it that of the present context; for threads that work for an invocation


def current() -> Invocation | None:
    """Return the invocation of the running code, or None outside one (during init, in scripts and tests).

    It may have ended, when the code is what it has left behind.
    """
    invocation = _here.get()
    if invocation is None and _open:
        candidates = list(_open)  # one step, whatever other threads do meanwhile
        if len(candidates) == 1:
            return candidates[0]
    return invocation


def is_replayed() -> bool:
    """Whether the running code belongs to a durable execution and has logged and counted in an earlier invocation."""
    invocation = current()
    return invocation is not None and invocation.is_replaying is not None and invocation.is_replaying()


def open_invocations() -> list[Invocation]:
    """Return the invocations that have begun and not ended, oldest first."""
    return list(_open)


def begin(invocation: Invocation) -> None:
    """Open `invocation` in the present context: decide whether it is a cold one, and run the `at_begin` callbacks.

    Call it within the ``try`` whose ``finally`` calls `end`.
    """
    if _unserved and invocation.cold_start is not None:
        try:
            _unserved.pop()
        except IndexError:  # another thread's was the first
            pass
        else:
            invocation.cold_start = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") not in _AHEAD_OF_TIME
    _open[invocation] = None
    _here.set(invocation)
    for callback in _begin_callbacks:
        try:
            callback(invocation)
        except Exception as error:
            _report(error)


def end(invocation: Invocation) -> None:
    """End `invocation`, also one that has not begun: run the `at_end` callbacks in its context.

    None of them may raise, but in tests: an error whose ``must_raise`` is true is raised when all of them have run.
    """
    if invocation not in _open:
        return
    raising = None
    try:
        for callback in (*_end_callbacks, *_last_callbacks):
            try:
                callback(invocation)
            except Exception as error:
                if getattr(error, "must_raise", False):
                    raising = raising or error
                else:
                    _report(error)
    finally:
        drop(invocation, None)
    if raising is not None:
        raise raising


def at_begin(callback: Callable[[Invocation], None]) -> None:
    """Call `callback(invocation)` when an invocation starts. It must not raise."""
    _begin_callbacks.append(callback)


def at_end(callback: Callable[[Invocation], None], *, last: bool = False) -> None:
    """Call `callback(invocation)` when an invocation ends, however it ends. It must not raise.

    `last` is for logging, whose lines belong to the invocation until everything else has ended it.
    """
    (_last_callbacks if last else _end_callbacks).append(callback)


def at_timeout(callback: Callable[[Invocation], None]) -> None:
    """Call `callback(invocation)` when an invocation is about to time out, from another thread. It must not raise."""
    _timeout_callbacks.append(callback)


def timing_out(invocation: Invocation) -> None:
    """Run the `at_timeout` callbacks: Lambda will end `invocation` within moments."""
    for callback in _timeout_callbacks:
        _call(callback, invocation)


def at_error(callback: Callable[[Exception], None]) -> None:
    """Call `callback(error)` when another callback raised. It must not raise."""
    _error_callbacks.append(callback)


def _call(callback: Callable[..., None], *args: object) -> None:
    """Call back. What goes wrong is reported and concerns neither the handler nor the other callbacks."""
    try:
        callback(*args)
    except Exception as error:
        _report(error)


def _report(error: Exception) -> None:
    for report in _error_callbacks:
        report(error)


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
    """Make the next invocation cold again and run the `after_restore` callbacks."""
    _unserved[:] = [True]
    for callback in _restore_callbacks:
        _call(callback)


def reset() -> None:
    """Forget that this environment has served anything: the next invocation is cold. For tests."""
    _open.clear()
    _here.set(None)
    _unserved[:] = [True]
