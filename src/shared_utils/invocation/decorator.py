"""`instrument`: everything that must happen around an invocation, in one decorator."""

from __future__ import annotations

import functools
import sys
from contextvars import copy_context

from shared_utils.invocation import lifecycle as _invocation
from shared_utils.invocation.timeout import WATCH
from shared_utils.logging.context import bound_values
from shared_utils.logging.output import flush_buffer, write_line
from shared_utils.logging.settings import SETTINGS
from shared_utils.logging.state import current as current_log_state

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType
    from typing import Any, ParamSpec, TypeVar, overload

__all__ = ["instrument"]

_CO_COROUTINE = 0x80  # inspect.CO_COROUTINE, without importing inspect
# An event or a response in the log: enough to see what came in, not enough to be the bill.
_LOGGED_BYTES = 32 * 1024


if TYPE_CHECKING:
    P = ParamSpec("P")
    R = TypeVar("R")
else:

    def overload(function):
        """Mark a signature for type checkers, as `typing.overload` does."""
        return function


@overload
def instrument(handler: Callable[P, Coroutine[Any, Any, R]], /) -> Callable[P, R]: ...  # noqa: D103
@overload
def instrument(handler: Callable[P, R], /) -> Callable[P, R]: ...  # noqa: D103, F811 - an overload, at run time too
@overload
def instrument(  # noqa: D103, F811
    *,
    correlation_id: str | Callable[[Any], object] | None = None,
    log_event: bool | int = False,
    log_response: bool | int = False,
    timeout_warning: bool = True,
    redact_uncaught: bool = False,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def instrument(  # noqa: F811
    handler: Any = None,
    /,
    *,
    correlation_id: str | Callable[[Any], object] | None = None,
    log_event: bool | int = False,
    log_response: bool | int = False,
    timeout_warning: bool = True,
    redact_uncaught: bool = False,
) -> Any:
    """Serve each call of a handler as an invocation; works bare and with arguments, on ``def`` and ``async def``.

    Lines carry the invocation's fields; an uncaught exception is logged once and raised on; shortly before the
    invocation times out a warning says so; metrics are flushed and bound values cleared however it ends. An ``async``
    handler runs on one event loop that lives as long as the environment, each invocation in a context of its own.
    A call from within another invocation (a handler that calls a handler) is just a call.

    Args:
        handler: the function that Lambda calls with an event and a context.
        correlation_id: where the event holds it: a path like ``headers.x-request-id`` or ``Records[0].messageId``,
            one of `shared_utils.logging.correlation_paths`, or a function of the event.
        log_event: log each event (redacted), cut at 32 KB, or at so many bytes.
        log_response: log each response, likewise.
        timeout_warning: warn before a time-out, and flush buffered lines and metrics while there is time.
        redact_uncaught: raise, instead of an uncaught exception, one of the same name whose message is scrubbed: Lambda
            itself prints what a handler raises.

    Raises:
        LoggingError: `correlation_id` is not a path, or `handler` cannot be called.
    """
    if handler is None:
        return functools.partial(
            instrument,
            correlation_id=correlation_id,
            log_event=log_event,
            log_response=log_response,
            timeout_warning=timeout_warning,
            redact_uncaught=redact_uncaught,
        )
    if not callable(handler):
        from shared_utils.errors import LoggingError

        raise LoggingError(
            f"instrument({handler!r}): expected a handler; options are given by name, correlation_id=..."
        )
    find_id = None
    if correlation_id is not None:
        from shared_utils.invocation.correlation import finder

        find_id = finder(correlation_id)
    options = _Options(find_id, _size(log_event), _size(log_response), timeout_warning, redact_uncaught)
    SETTINGS.use(take_over=True)  # sets logging up now, in the init phase, unless it is already
    _invocation.arm_restore()
    is_async = _is_async(handler)

    @functools.wraps(handler)
    def serve(*args: Any, **kwargs: Any) -> Any:
        if _invocation.current() is not None:
            return handler(*args, **kwargs)
        serving = _Serving(options, *_event_and_context(args, kwargs))
        if is_async:
            from shared_utils.invocation.async_ import in_running_loop, serve_in_running_loop

            if in_running_loop():  # a test that awaits the handler; Lambda's runtime never has a loop
                return serve_in_running_loop(serving, handler, args, kwargs)
        with serving:
            response = serving.context.run(handler, *args, **kwargs)
            if _is_awaitable(response):
                from shared_utils.invocation.async_ import run

                response = run(response, serving.context)
            serving.answered(response)
            return response

    return serve


def _report(error: Exception) -> None:
    """Say that something of ours failed around an invocation (a metric that could not be flushed, say)."""
    write_line(40, "shared_utils failed around an invocation", {"exc_info": error})


_invocation.at_error(_report)


def _is_async(handler: Any) -> bool:
    """Whether a call of `handler` gives a coroutine: an ``async def``, a partial of one, an object called by one."""
    function = getattr(handler, "func", handler)
    code = getattr(function, "__code__", None) or getattr(getattr(type(function), "__call__", None), "__code__", None)  # noqa: B004
    return bool(getattr(code, "co_flags", 0) & _CO_COROUTINE)


def _is_awaitable(response: object) -> bool:
    return any("__await__" in kind.__dict__ for kind in type(response).__mro__)


def _size(wish: bool | int) -> int:
    return _LOGGED_BYTES if wish is True else int(wish)


def _event_and_context(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """Find event and context among the arguments of a function, or of a method, which has `self` before them."""
    first = 1 if len(args) > 2 and hasattr(args[2], "aws_request_id") else 0
    positional = args[first : first + 2]
    event = kwargs.get("event", positional[0] if positional else None)
    context = kwargs.get("context", positional[1] if len(positional) > 1 else None)
    return event, context


class _Options:
    """What `instrument` was asked for; sizes in bytes, 0 for not at all."""

    __slots__ = ("find_id", "log_event", "log_response", "redact_uncaught", "timeout_warning")

    def __init__(
        self,
        find_id: Callable[[Any], object] | None,
        log_event: int,
        log_response: int,
        timeout_warning: bool,
        redact_uncaught: bool,
    ) -> None:
        self.find_id = find_id
        self.log_event = log_event
        self.log_response = log_response
        self.timeout_warning = timeout_warning
        self.redact_uncaught = redact_uncaught


class _Serving:
    """One invocation, as a context manager around the call of the handler."""

    __slots__ = ("_event", "_lambda_context", "_options", "context")

    def __init__(self, options: _Options, event: Any, lambda_context: Any) -> None:
        self._options = options
        self._event = event
        self._lambda_context = lambda_context
        # The handler runs in a context of its own: nothing that it binds, in whatever library, outlives it.
        self.context = copy_context()

    def __enter__(self) -> None:
        options = self._options
        invocation = _invocation.begin(self._lambda_context)
        if options.find_id is not None:
            self._correlate(options.find_id)
        if options.timeout_warning:
            WATCH.start(invocation, self.context)
        if options.log_event:
            self._log("event", self._event, options.log_event)

    def _correlate(self, find_id: Callable[[Any], object]) -> None:
        try:
            found = find_id(self._event)
        except Exception as error:  # an event is anybody's; a handler must not fail because of its shape
            write_line(30, "no correlation id: the event could not be read", {"reason": type(error).__name__})
            return
        if found is not None and found != "":
            current_log_state().correlate(str(found))

    def answered(self, response: Any) -> None:
        """Take note of the handler's response."""
        if self._options.log_response:
            self._log("response", response, self._options.log_response)

    def _log(self, what: str, content: Any, size: int) -> None:
        if SETTINGS.threshold <= 20:
            from shared_utils._json import JSONConverter

            write_line(20, f"invocation {what}", {what: JSONConverter(size).value(content)})

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        WATCH.stop()
        try:
            if error is not None:
                self.context.run(_log_uncaught, error)
                if self._options.redact_uncaught and isinstance(error, Exception):
                    raise _scrubbed(error) from None
        finally:
            _adopt_powertools_metrics()
            _invocation.end()


def _adopt_powertools_metrics() -> None:
    """Load our metrics, which write Powertools' too, when the function recorded with Powertools alone."""
    powertools = sys.modules.get("aws_lambda_powertools.metrics.metrics")
    if powertools is not None and powertools.Metrics._metrics and "shared_utils.metrics" not in sys.modules:
        from shared_utils import metrics

        metrics.configure(cold_start=False)  # the function did not ask for metrics of ours


def _log_uncaught(error: BaseException) -> None:
    flush_buffer()
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = None if trace is None or not SETTINGS.location else f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}"
    write_line(40, "uncaught exception", {**bound_values(), "exc_info": error}, where)


def _scrubbed(error: Exception) -> Exception:
    """Return an exception of the same name and place whose message holds no secret that we know of."""
    from shared_utils._json import text_of
    from shared_utils.redaction.rules import REDACTION

    kind = type(error)
    namesake = type(kind.__name__, (Exception,), {"__module__": kind.__module__, "__qualname__": kind.__qualname__})
    scrubbed: Exception = namesake(REDACTION.scrub(text_of(error)))
    return scrubbed.with_traceback(error.__traceback__)
