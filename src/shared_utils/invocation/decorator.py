"""`instrument`: everything that must happen around an invocation, in one decorator."""

from __future__ import annotations

import functools
import sys
from _contextvars import copy_context
from threading import get_ident

from shared_utils._env import switch, text_of
from shared_utils.invocation import ASYNC_GENERATOR, COROUTINE, GENERATOR, code_flags, lifecycle
from shared_utils.invocation.serving import Options, Serving
from shared_utils.logging.output import write_line
from shared_utils.logging.settings import SETTINGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any, Literal, ParamSpec, Protocol, TypeVar, overload

    P = ParamSpec("P")
    R = TypeVar("R")

    class _Decorator(Protocol):
        """What `instrument` with arguments returns; an ``async`` handler can be called as Lambda calls it."""

        @overload
        def __call__(self, handler: Callable[P, Coroutine[Any, Any, R]], /) -> Callable[P, R]: ...
        @overload
        def __call__(self, handler: Callable[P, R], /) -> Callable[P, R]: ...


__all__ = ["instrument"]

_UNSET: Any = object()  # as the environment says
# An event or a response in the log: enough to see what came in, not enough to be the bill.
_LOGGED_BYTES = 32 * 1024
_HINT = "set DURABLE_EXECUTION_PLUGINS=shared_utils; else lines and metrics of two invocations at once may be mixed"
_SDK = "aws_durable_execution_sdk_python.context"


if TYPE_CHECKING:  # a definition that is dropped again costs each cold start

    @overload
    def instrument(handler: Callable[P, Coroutine[Any, Any, R]], /) -> Callable[P, R]: ...
    @overload
    def instrument(handler: Callable[P, R], /) -> Callable[P, R]: ...
    @overload
    def instrument(
        *,
        correlation_id: str | Callable[[Any], object] | None = None,
        log_event: bool | int = _UNSET,
        log_response: bool | int = False,
        timeout_warning: bool = True,
        redact_uncaught: bool | Literal["auto"] = "auto",
    ) -> _Decorator: ...


def instrument(
    handler: Any = None,
    /,
    *,
    correlation_id: str | Callable[[Any], object] | None = None,
    log_event: bool | int = _UNSET,
    log_response: bool | int = False,
    timeout_warning: bool = True,
    redact_uncaught: bool | Literal["auto"] = "auto",
) -> Any:
    """Serve each call of a handler as an invocation; works bare and with arguments, on ``def`` and ``async def``.

    Lines carry the invocation's fields; an uncaught exception is logged once and raised on; shortly before the
    invocation times out a warning says so; metrics are flushed and bound values cleared however it ends. An ``async``
    handler runs on an event loop that lives as long as the environment. Each invocation has a context of its own: calls
    in several threads or tasks at once do not mix. A call from within another invocation (a handler that calls a
    handler) is just a call.

    Args:
        handler: the function that Lambda calls with an event and a context.
        correlation_id: where the event holds it: a path like ``headers.x-request-id`` or ``Records[0].messageId``,
            one of `shared_utils.logging.correlation_paths`, or a function of the event.
        log_event: log each event (redacted), cut at 32 KB, or at so many bytes; else as ``POWERTOOLS_LOGGER_LOG_EVENT``
            says.
        log_response: log each response, likewise.
        timeout_warning: warn before a time-out, and flush buffered lines and metrics while there is time.
        redact_uncaught: Lambda itself prints what a handler raises. ``"auto"``: an uncaught exception is raised as it
            is unless it, or what led to it, says something that redaction masks; then an instance of the same class
            with the same attributes and frames, and a scrubbed text, is raised in its place. True: an instance of the
            same class in any case; False: never.

    Raises:
        LoggingError: an argument that cannot be used, or a `handler` that is none: a generator function, a class method
            (decorate the function below ``@classmethod``), a class, or nothing that can be called.
    """
    options = _options(correlation_id, log_event, log_response, timeout_warning, redact_uncaught)
    decorate = functools.partial(_decorate, options)
    return decorate if handler is None else decorate(handler)


def _decorate(options: Options, handler: Any, /) -> Any:
    if isinstance(handler, staticmethod):
        return staticmethod(_decorate(options, handler.__func__))
    _check_handler(handler)
    SETTINGS.use(take_over=True)  # sets logging up now, in the init phase, unless it is already
    lifecycle.arm_restore()
    if _SDK in sys.modules:
        _check_plugin(handler)
    is_async = bool(code_flags(handler) & COROUTINE)

    @functools.wraps(handler)
    def serve(*args: Any, **kwargs: Any) -> Any:
        outer = lifecycle.here()
        if outer is not None and outer.is_open:
            return handler(*args, **kwargs)
        if _SDK in sys.modules:
            from shared_utils.invocation.durable import is_served_already

            outer = is_served_already(kwargs.get("context", args[-1] if args else None))
            if outer is not None:
                outer.thread = get_ident()
                context = copy_context()
                context.run(lifecycle.enter, outer)
                return context.run(handler, *args, **kwargs)
        serving = Serving(options, *_event_and_context(args, kwargs))
        if is_async:
            from shared_utils.invocation.async_ import call_in_running_loop, in_running_loop

            if in_running_loop():  # a test that awaits the handler; Lambda's runtime never has a loop
                return call_in_running_loop(serving, handler, args, kwargs)
        return serving.context.run(serving.call, handler, args, kwargs)

    return serve


def _options(
    correlation_id: Any, log_event: Any, log_response: Any, timeout_warning: Any, redact_uncaught: Any
) -> Options:
    """Return the checked arguments of `instrument`."""
    find_id = None
    if correlation_id is not None:
        from shared_utils.invocation.correlation import finder

        find_id = finder(correlation_id)
    if log_event is _UNSET:
        log_event = bool(switch(text_of("POWERTOOLS_LOGGER_LOG_EVENT")))
    if type(timeout_warning) is not bool:
        raise _error(f"instrument(timeout_warning={timeout_warning!r}): expected True or False")
    if type(redact_uncaught) is not bool and redact_uncaught != "auto":
        raise _error(f'instrument(redact_uncaught={redact_uncaught!r}): expected True, False or "auto"')
    return Options(
        find_id=find_id,
        log_event=_size("log_event", log_event),
        log_response=_size("log_response", log_response),
        timeout_warning=timeout_warning,
        redact_uncaught=redact_uncaught,
    )


def _error(message: str) -> Exception:
    from shared_utils.errors import LoggingError  # loaded when there is one

    return LoggingError(message)


def _size(name: str, value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise _error(f"instrument({name}={value!r}): expected True, False or a number of bytes")
    return _LOGGED_BYTES if value is True else int(value)


def _check_handler(handler: Any) -> None:
    """Raise LoggingError when `handler` is nothing that Lambda could call with an event and a context."""
    if isinstance(handler, classmethod):
        raise _error("instrument cannot decorate a class method; put @instrument below @classmethod")
    if isinstance(handler, type):
        raise _error(f"instrument({handler.__qualname__}): expected a handler, not a class; decorate its method")
    if not callable(handler):
        raise _error(f"instrument({handler!r}): expected a handler; options are given by name, correlation_id=...")
    if code_flags(handler) & (GENERATOR | ASYNC_GENERATOR) and not code_flags(handler) & COROUTINE:
        name = getattr(handler, "__qualname__", type(handler).__name__)
        raise _error(f"instrument({name}): expected a handler that returns; a generator function yields")


def _check_plugin(handler: Any) -> None:
    """Warn where `instrument` stands above ``@durable_execution`` and the SDK runs the function without our plugin."""
    from shared_utils.invocation.durable import plugin_is_missing

    if plugin_is_missing(handler):
        write_line(30, "the durable execution SDK runs without the plugin of shared_utils", {"hint": _HINT})


def _event_and_context(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """Find event and context among the arguments of a function, or of a method, which has `self` before them."""
    first = 1 if len(args) > 2 and hasattr(args[2], "aws_request_id") else 0
    positional = args[first : first + 2]
    event = kwargs.get("event", positional[0] if positional else None)
    context = kwargs.get("context", positional[1] if len(positional) > 1 else None)
    return event, context
