"""One invocation from beginning to end, whatever calls the handler: `instrument`, a web server, a durable execution."""

from __future__ import annotations

import _thread
import os
import sys
import time
from _contextvars import Context, copy_context

from shared_utils.invocation import ITERABLE_COROUTINE, lifecycle
from shared_utils.logging.output import write_line
from shared_utils.logging.state import current as log_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    class Options:
        """What `instrument` was asked for; sizes in bytes, 0 for not at all; `redact_uncaught` is a bool or "auto"."""

        def __init__(
            self,
            *,
            find_id: Callable[[Any], object] | None,
            log_event: int,
            log_response: int,
            timeout_warning: bool,
            redact_uncaught: bool | str,
        ) -> None:
            self.find_id = find_id
            self.log_event = log_event
            self.log_response = log_response
            self.timeout_warning = timeout_warning
            self.redact_uncaught = redact_uncaught

else:
    from types import SimpleNamespace as Options  # a class of its own costs a cold start as much as an import

__all__ = ["Options", "Serving"]

# How long before an invocation times out the warning comes: a tenth of what is left at the start, within these bounds
# (milliseconds), but not before half of it has passed.
_LATEST_MS, _EARLIEST_MS = 150, 500


class Serving:
    """One invocation and what is done around it.

    Everything but the construction happens inside `context`, a copy of the caller's: nothing that the handler binds, in
    whatever library, outlives it, and nothing has to be put back.

    Attributes:
        invocation: the invocation, not begun yet.
        context: where its handler runs.
        coroutine: the coroutine that the handler runs as, or None.
        options: what is done around it.
        failure: what the handler raised, once it has been logged.
        substituted: what is raised in its place, with the original's frames and context for `mend`.
    """

    __slots__ = ("_event", "context", "coroutine", "failure", "invocation", "options", "substituted")

    def __init__(self, options: Options, event: Any, lambda_context: Any) -> None:
        self.options = options
        self._event = event
        self.failure: BaseException | None = None
        self.substituted: tuple[Any, ...] | None = None
        self.invocation = lifecycle.Invocation(lambda_context)
        if "aws_durable_execution_sdk_python.context" in sys.modules:
            from shared_utils.invocation import durable

            durable.observe(self.invocation, event, lambda_context)
        self.context = copy_context()
        self.coroutine: Coroutine[Any, Any, Any] | None = None

    def runs_as(self, coroutine: Coroutine[Any, Any, Any], context: Context) -> None:
        """Take note that the handler runs as `coroutine`, in `context`."""
        self.coroutine, self.context = coroutine, context

    def call(self, handler: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what the handler returns, or what the coroutine that it returns gives."""
        try:
            try:
                self.begin()
                response = handler(*args, **kwargs)
                if _is_awaitable(response):
                    from shared_utils.invocation.async_ import run

                    response = run(self, self._awaited(response))
                return self.respond(response)
            except BaseException as error:
                instead = self.fail(error)
                if instead is not error:
                    raise instead  # noqa: B904 - it has the original's cause, and no way back to the original
                raise
            finally:
                self.end()
        finally:  # whatever hit the end, a signal's exception for one
            lifecycle.drop(self.invocation, None)
            if self.substituted is not None:
                self.mend()

    async def _awaited(self, response: Any) -> Any:
        """Await in a task whose context has what the coroutine has bound by the time it fails."""
        if not self.invocation.is_open:  # interrupted before its loop ran, which then serves the next invocation
            getattr(response, "close", int)()
            return None
        try:
            return await response
        except BaseException as error:
            from shared_utils.invocation.failures import log_uncaught

            log_uncaught(self, error)
            raise

    def begin(self) -> None:
        """Begin the invocation; within the ``try`` whose ``finally`` calls `end`."""
        options = self.options
        lifecycle.begin(self.invocation)
        if options.find_id is not None:
            self._correlate(options.find_id)
        if options.timeout_warning:
            _watch(self)
        if options.log_event and not self.invocation.is_repeated:
            self._log("event", self._event, options.log_event)

    def respond(self, response: Any) -> Any:
        """Return the handler's response, logged if that was asked for."""
        if self.options.log_response:
            self._log("response", response, self.options.log_response)
        return response

    def fail(self, error: BaseException) -> BaseException:
        """Log what the handler raised; return what to raise: `error`, or what stands for it because it says a secret.

        Whoever raises a substitute calls `mend` on the way out.
        """
        from shared_utils.invocation.failures import fail

        return fail(self, error)

    def mend(self) -> None:
        """Give a substitute, now that it is raised, the frames and the context that the original has."""
        if self.substituted is not None:
            instead, trace, context = self.substituted
            for name, value in (("__traceback__", trace), ("__context__", context)):
                BaseException.__setattr__(instead, name, value)  # its class may refuse to have attributes set
            self.substituted = None

    def end(self) -> None:
        """End the invocation, also one that did not get to begin."""
        _unwatch(self)
        _adopt_powertools_metrics()
        lifecycle.end(self.invocation)

    def _correlate(self, find_id: Callable[[Any], object]) -> None:
        try:
            found = find_id(self._event)
        except Exception as error:  # an event is anybody's; a handler must not fail because of its shape
            write_line(30, "no correlation id: the event could not be read", {"reason": type(error).__name__})
            return
        if found is not None and found != "":
            log_state().correlate(str(found))

    def _log(self, what: str, content: Any, size: int) -> None:
        if log_state().threshold <= 20:
            from shared_utils.invocation.payload import shown

            write_line(20, f"invocation {what}", {what: shown(what, content, size)})


def _report(error: Exception) -> None:
    """Say that something of ours failed around an invocation (a metric that could not be flushed, say)."""
    write_line(40, "shared_utils failed around an invocation", {"exc_info": error})


lifecycle.at_error(_report)


def _is_awaitable(response: Any) -> bool:
    """Whether it can be awaited, by its class or as a generator that types.coroutine has marked."""
    if response is None or type(response) is dict or type(response) is str:  # what handlers mostly return
        return False
    return any("__await__" in kind.__dict__ for kind in type(response).__mro__) or (
        hasattr(response, "gi_code") and bool(response.gi_code.co_flags & ITERABLE_COROUTINE)
    )


def _adopt_powertools_metrics() -> None:
    """Load our metrics, which write Powertools' too, when the function recorded with Powertools alone."""
    powertools = sys.modules.get("aws_lambda_powertools.metrics.metrics")
    if powertools is not None and powertools.Metrics._metrics and "shared_utils.metrics" not in sys.modules:
        from shared_utils import metrics

        metrics.configure(cold_start=False)  # the function did not ask for metrics of ours


_mutex = _thread.allocate_lock()
_wake = _thread.allocate_lock()
_wake.acquire()
_deadlines: dict[Serving, float] = {}  # when to warn, in seconds of the monotonic clock
_wakes_at: float | None = None  # None: there is no thread


def _watch(serving: Serving) -> None:
    """Warn before an invocation times out, unless nothing tells its remaining time.

    One bare thread sleeps until the first deadline of the open invocations: to start one for each invocation would cost
    ten times as much as all the rest of `instrument`. Deadlines only grow, mostly, so the thread need not be woken: an
    invocation that ends in time is just taken off the list. The thread ends when it wakes up and none is open.
    """
    global _wakes_at  # noqa: PLW0603 - functions, not an object: a class costs a cold start as much as an import
    try:
        remaining = serving.invocation.remaining_ms()
    except Exception:  # a test's context may be anything
        return
    if remaining is None:
        return
    margin = min(_EARLIEST_MS, max(_LATEST_MS, remaining // 10), remaining // 2)
    deadline = time.monotonic() + (remaining - margin) / 1000
    with _mutex:
        _deadlines[serving] = deadline
        if _wakes_at is None:
            try:
                _thread.start_new_thread(_run, ())
            except RuntimeError:  # the process may have no more threads
                return
            _wakes_at = deadline
        elif deadline < _wakes_at and _wake.locked():
            _wake.release()


def _unwatch(serving: Serving) -> None:
    """Stop watching: the invocation has ended."""
    _deadlines.pop(serving, None)


def _run() -> None:
    while _warn_and_sleep():
        pass


def _warn_and_sleep() -> bool:
    """Warn of what is due, or sleep until the next deadline; return False when nothing is left to watch."""
    due, left = _take_due(time.monotonic())
    for serving in due:
        from shared_utils.invocation.timeout import warn

        Context().run(warn, serving)
    if left is not None and not due:
        _wake.acquire(timeout=min(left, _thread.TIMEOUT_MAX))
    return bool(due) or left is not None


def _take_due(now: float) -> tuple[list[Serving], float | None]:
    """Return what is due, and the seconds until the next is; None when there is no next one."""
    global _wakes_at  # noqa: PLW0603
    due = []
    with _mutex:
        for serving, deadline in list(_deadlines.items()):
            is_open = serving.invocation.is_open  # not when a signal's exception hit what takes it off the list
            if deadline <= now or not is_open:
                _deadlines.pop(serving, None)
                if is_open:
                    due.append(serving)
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
