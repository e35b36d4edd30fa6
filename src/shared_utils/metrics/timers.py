"""A timer for a metric in milliseconds: a block, a decorator, synchronous or not."""

from __future__ import annotations

import functools
from _contextvars import ContextVar
from sys import _getframe
from time import perf_counter_ns

from shared_utils.invocation import ASYNC_GENERATOR, COROUTINE, GENERATOR, code_flags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType
    from typing import Any, TypeVar

    _F = TypeVar("_F", bound=Callable[..., Any])
    _T = TypeVar("_T")

__all__ = ["Measurement", "Timer"]


class Measurement:
    """One block or call that is measured."""

    __slots__ = ("_ended", "_started", "frame", "timer")

    def __init__(self, timer: Timer, frame: int = 0) -> None:
        self.timer = timer
        self.frame = frame
        self._ended = 0
        self._started = perf_counter_ns()

    @property
    def elapsed(self) -> float:
        """The milliseconds from the start until now, or until the end: the value that is recorded."""
        return ((self._ended or perf_counter_ns()) - self._started) / 1_000_000

    @property
    def has_ended(self) -> bool:
        """Whether the block has been left."""
        return self._ended != 0

    def end(self) -> None:
        """Stop the clock."""
        self._ended = perf_counter_ns()


# The blocks that this context has entered and not left, outermost first; of other timers too.
_entered: ContextVar[tuple[Measurement, ...]] = ContextVar("shared_utils_metrics_entered", default=())


class Timer:
    """Measures blocks and calls with a monotonic clock and records each, however it ends, in milliseconds.

    One timer may be used by several threads and tasks, nested in itself, and by generators that take turns. A block's
    end finds its own start by the frame that enters and leaves it.
    """

    __slots__ = ("_last", "_name", "_record", "_resolution", "_running")

    def __init__(self, record: Callable[..., None], name: str, resolution: Any) -> None:
        self._record = record
        self._name = name
        self._resolution = resolution
        self._running: list[Measurement] = []
        self._last: Measurement | None = None

    @property
    def elapsed(self) -> float:
        """The milliseconds of the block that was entered last, until now or its end; 0.0 before the first.

        Where several use one timer, each has its own: ``with timer as measured: ...``, then ``measured.elapsed``.
        """
        return self._last.elapsed if self._last else 0.0

    def __enter__(self) -> Measurement:
        return self._enter(id(_getframe(1)))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leave(id(_getframe(1)))

    # No coroutine functions: their caller's frame would not be that of the ``async with``.
    def __aenter__(self) -> Awaitable[Measurement]:
        return _ready(self._enter(id(_getframe(1))))

    def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Awaitable[None]:
        self._leave(id(_getframe(1)))
        return _ready(None)

    def _enter(self, frame: int) -> Measurement:
        self._last = measurement = Measurement(self, frame)
        self._running.append(measurement)
        _entered.set((*[entered for entered in _entered.get() if not entered.has_ended], measurement))
        return measurement

    def _leave(self, frame: int) -> None:
        running = tuple(self._running)  # in one step, whatever other threads do meanwhile
        ours = [entered for entered in running if entered.frame == frame]
        if not ours:  # an ExitStack enters and leaves from different frames of its own
            ours = [entered for entered in _entered.get() if entered in running] or list(running)
        measurement = ours[-1]
        self._running.remove(measurement)
        self._finish(measurement)

    def _finish(self, measurement: Measurement) -> None:
        measurement.end()
        self._record(self._name, measurement.elapsed, "Milliseconds", self._resolution)

    def __call__(self, function: _F) -> _F:
        """Decorate a function, coroutine function, generator or async generator: each call is measured to its end."""
        flags = code_flags(function)
        wrapper: Any
        if flags & COROUTINE:

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                measurement = Measurement(self)
                try:
                    return await function(*args, **kwargs)
                finally:
                    self._finish(measurement)
        elif flags & ASYNC_GENERATOR:

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                measurement = Measurement(self)
                generator = function(*args, **kwargs)
                try:
                    step = generator.__anext__()
                    while True:
                        item = await step
                        try:
                            step = generator.asend((yield item))
                        except GeneratorExit:
                            await generator.aclose()
                            raise
                        except BaseException as error:
                            step = generator.athrow(error)
                except StopAsyncIteration:
                    return
                finally:
                    self._finish(measurement)
        elif flags & GENERATOR:

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                measurement = Measurement(self)
                try:
                    return (yield from function(*args, **kwargs))
                finally:
                    self._finish(measurement)
        else:

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                measurement = Measurement(self)
                try:
                    return function(*args, **kwargs)
                finally:
                    self._finish(measurement)

        return wrapper  # type: ignore[no-any-return]


async def _ready(value: _T) -> _T:
    return value
