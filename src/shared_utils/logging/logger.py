"""The logger: structlog's bound-logger protocol (`structlog.typing.BindableLogger`), on the lines of this package.

As in structlog a logger is immutable, and `_logger`, `_processors` and `_context` are there for custom wrappers and for
`structlog.get_context`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from shared_utils.invocation import lifecycle
from shared_utils.logging import state as _states
from shared_utils.logging.fields import MISSING, interpolate, parse_level
from shared_utils.logging.output import log_line, report_failure
from shared_utils.logging.settings import SETTINGS
from shared_utils.logging.state import OUTSIDE, current, follow_levels, state_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any, Self

    from shared_utils.logging.render import Context

__all__ = ["PROCESSORS", "BoundLogger"]


def render_last(logger: Any, method_name: str, event_dict: Any) -> Any:
    """End a chain of processors with one of our lines; see `shared_utils.logging.processors.render`."""
    from shared_utils.logging.processors import render

    return render(logger, method_name, event_dict)


class _Chain(list):  # type: ignore[type-arg]
    """The processors of the loggers made here. structlog.testing.capture_logs() empties and refills this very list.

    While another processor is in it, lines of every level are made.
    """

    def _changed(self) -> None:
        SETTINGS.captured = not (len(self) == 1 and self[0] is render_last)
        follow_levels()

    def clear(self) -> None:
        super().clear()
        self._changed()

    def append(self, processor: Any) -> None:
        super().append(processor)
        self._changed()

    def extend(self, processors: Any) -> None:
        super().extend(processors)
        self._changed()


PROCESSORS: list[Any] = _Chain([render_last])


def _emit(logger: BoundLogger, number: int, event: Any, args: tuple[Any, ...], values: dict[str, Any]) -> None:
    """Log one call; to be called by a level method, whose caller is the line's location. Never raises."""
    state = OUTSIDE
    try:
        if not SETTINGS.in_use:
            SETTINGS.use()
        invocation = lifecycle.current()
        state = state_of(None) if invocation is None else invocation.logging or state_of(invocation)
        if invocation is not None and invocation.is_replaying is not None and invocation.is_replaying():
            return
        if logger._processors is not PROCESSORS or SETTINGS.captured:
            from shared_utils.logging.pipeline import emit_through

            emit_through(logger, number, event, args, values)
            return
        if SETTINGS.levels:
            level = SETTINGS.level_of(logger._logger.name)
            if level is not None:
                if number < level:
                    return
                if number < state.written_from and state.buffer is not None:
                    state = state.unbuffered()
            elif number < state.threshold:
                return
        elif number < state.threshold:
            return
        if "extra" in values:  # as the standard library's loggers have it, and those written for them
            values = _unfolded(values)
        # What is bound is encoded once and not for each line, unless two have a key in common; then the nearest wins:
        # a value of the call, then the logger's, then the invocation's.
        bound = _states.bound_context(state)
        contexts: tuple[Context, ...] = ()
        if SETTINGS.processors or type(logger._context) is not dict:
            values = {**bound._context, **logger._context.copy(), **values}
        elif logger._context:
            contexts = (logger,)
            if bound._context:
                contexts = (bound, logger)
                if not bound._context.keys().isdisjoint(logger._context):
                    values = {**bound._context, **logger._context, **values}
                    contexts = ()
        elif bound._context:
            contexts = (bound,)
        if values:
            for context in contexts:
                if not context._context.keys().isdisjoint(values):
                    values = {**bound._context, **logger._context, **values}
                    contexts = ()
                    break
        frame = sys._getframe(2) if SETTINGS.frames else None
        if args:
            event = interpolate(event, args)
        log_line(number, event, values, frame, logger._logger.name, contexts, state)
    except Exception as error:  # a handler must not fail because of a line
        report_failure(number, event, error, state)


def _unfolded(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values with those of the mapping ``extra={…}`` among them, as the standard library and Powertools do.

    What the call names itself wins.
    """
    extra = values["extra"]
    rest = {key: value for key, value in values.items() if key != "extra"}
    if isinstance(extra, Mapping):
        return {**{str(key): value for key, value in extra.items()}, **rest}
    return rest if extra is None else values


class BoundLogger:
    """A logger with values that stand in each of its lines. Immutable: `bind` and the like return a new one.

    Every level method takes the message and any keywords, ``event``, ``name``, ``level`` and ``message`` among them;
    positional values are formatted into the message (``"%s"``). The methods with an ``a`` in front can be awaited.
    The level is the process's (`shared_utils.logging.configure`), for loggers that exist already too.
    """

    __slots__ = ("_context", "_encoded", "_logger", "_processors")

    def __init__(self, logger: Any, processors: Any, context: MutableMapping[str, Any]) -> None:
        self._logger = logger
        self._processors = processors
        self._context: Any = context
        self._encoded: object = None  # kept for the next line

    def bind(self, **new_values: Any) -> Self:
        """Return a logger with these values added."""
        # A context may be of a class of one's own (structlog.configure(context_class=…)).
        context = self._context.__class__(self._context, **new_values)
        return self.__class__(self._logger, self._processors, context)

    def unbind(self, *keys: str) -> Self:
        """Return a logger without these values.

        Raises:
            KeyError: one of them is not bound.
        """
        logger = self.bind()
        for key in keys:
            del logger._context[key]
        return logger

    def try_unbind(self, *keys: str) -> Self:
        """Return a logger without these values, bound or not."""
        logger = self.bind()
        for key in keys:
            logger._context.pop(key, None)
        return logger

    def new(self, **new_values: Any) -> Self:
        """Return a logger with these values only."""
        return self.try_unbind(*self._context).bind(**new_values)

    def __reduce__(self) -> tuple[Any, ...]:
        processors = None if self._processors is PROCESSORS else self._processors
        return _restored, (self.__class__, self._logger, processors, self._context)

    def __repr__(self) -> str:
        return f"<{self.__class__.__name__}(context={self._context!r}, processors={self._processors!r})>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BoundLogger) and bool(self._context == other._context)

    # As in structlog: what is equal by its values has no hash.
    __hash__ = None  # type: ignore[assignment]

    def debug(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level DEBUG."""
        if SETTINGS.threshold <= 10:
            _emit(self, 10, event, args, values)

    def info(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level INFO."""
        if SETTINGS.threshold <= 20:
            _emit(self, 20, event, args, values)

    def warning(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level WARNING."""
        if SETTINGS.threshold <= 30:
            _emit(self, 30, event, args, values)

    def error(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level ERROR."""
        if SETTINGS.threshold <= 40:
            _emit(self, 40, event, args, values)

    def critical(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level CRITICAL."""
        if SETTINGS.threshold <= 50:
            _emit(self, 50, event, args, values)

    def exception(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level ERROR, with the exception being handled."""
        if SETTINGS.threshold <= 40:
            values.setdefault("exc_info", True)
            _emit(self, 40, event, args, values)

    def log(self, level: int | str, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at `level`, a number or a name; an unknown one counts as INFO."""
        number = parse_level(level)
        number = 20 if number is None else number
        if SETTINGS.threshold <= number:
            _emit(self, number, event, args, values)

    warn = warning
    err = error
    fatal = critical
    msg = info

    async def adebug(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level DEBUG."""
        if SETTINGS.threshold <= 10:
            _emit(self, 10, event, args, values)

    async def ainfo(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level INFO."""
        if SETTINGS.threshold <= 20:
            _emit(self, 20, event, args, values)

    async def awarning(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level WARNING."""
        if SETTINGS.threshold <= 30:
            _emit(self, 30, event, args, values)

    async def aerror(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level ERROR."""
        if SETTINGS.threshold <= 40:
            _emit(self, 40, event, args, values)

    async def acritical(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level CRITICAL."""
        if SETTINGS.threshold <= 50:
            _emit(self, 50, event, args, values)

    async def aexception(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level ERROR, with the exception being handled."""
        if SETTINGS.threshold <= 40:
            values.setdefault("exc_info", True)
            _emit(self, 40, event, args, values)

    async def alog(self, level: int | str, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at `level`, a number or a name; an unknown one counts as INFO."""
        number = parse_level(level)
        number = 20 if number is None else number
        if SETTINGS.threshold <= number:
            _emit(self, number, event, args, values)

    awarn = awarning
    afatal = acritical
    amsg = ainfo

    def is_enabled_for(self, level: int) -> bool:
        """Whether a line of this level would be written (or buffered) now."""
        return level >= self.get_effective_level()

    def get_effective_level(self) -> int:
        """Return the lowest level that is written (or buffered) now."""
        if not SETTINGS.in_use:
            SETTINGS.use()
        level = SETTINGS.level_of(self._logger.name)
        return current().threshold if level is None else level

    isEnabledFor = is_enabled_for  # noqa: N815 - the standard library's names
    getEffectiveLevel = get_effective_level  # noqa: N815


def _restored(kind: type[BoundLogger], logger: Any, processors: Any, context: Any) -> BoundLogger:
    """Return a copied or unpickled logger, which goes the way of all ours."""
    return kind(logger, PROCESSORS if processors is None else processors, context)
