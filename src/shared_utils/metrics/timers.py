"""A timer for a metric in milliseconds: a block, a decorator, synchronous or not."""

from __future__ import annotations

import functools
from _thread import get_ident
from time import perf_counter_ns

from shared_utils.invocation.callables import ASYNC_GENERATOR, COROUTINE, GENERATOR, code_flags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, Self, TypeVar

    _F = TypeVar("_F", bound=Callable[..., Any])

__all__ = ["Timer"]


class Timer:
    """Measures blocks and calls with a monotonic clock and records each, however it ends, in milliseconds.

    One timer may be used by several threads and nested in itself.
    """

    __slots__ = ("_name", "_record", "_resolution", "_started")

    def __init__(self, record: Callable[..., None], name: str, resolution: Any) -> None:
        self._record = record
        self._name = name
        self._resolution = resolution
        self._started: dict[int, list[int]] = {}  # by thread: the running blocks, innermost last

    def _done(self, started: int) -> None:
        self._record(self._name, (perf_counter_ns() - started) / 1_000_000, "Milliseconds", self._resolution)

    def __enter__(self) -> Self:
        self._started.setdefault(get_ident(), []).append(perf_counter_ns())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        thread = get_ident()
        running = self._started[thread]
        started = running.pop()
        if not running:
            del self._started[thread]
        self._done(started)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: _F) -> _F:
        """Decorate a function, coroutine function, generator or async generator: each call is measured to its end."""
        flags = code_flags(function)
        wrapper: Any
        if flags & COROUTINE:

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                started = perf_counter_ns()
                try:
                    return await function(*args, **kwargs)
                finally:
                    self._done(started)
        elif flags & ASYNC_GENERATOR:

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                started = perf_counter_ns()
                try:
                    async for item in function(*args, **kwargs):
                        yield item
                finally:
                    self._done(started)
        elif flags & GENERATOR:

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                started = perf_counter_ns()
                try:
                    return (yield from function(*args, **kwargs))
                finally:
                    self._done(started)
        else:

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                started = perf_counter_ns()
                try:
                    return function(*args, **kwargs)
                finally:
                    self._done(started)

        return wrapper  # type: ignore[no-any-return]
