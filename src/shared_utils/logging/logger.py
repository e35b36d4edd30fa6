"""The logger: structlog's bound-logger protocol on the JSON line of this package."""

from __future__ import annotations

import logging
import sys

from shared_utils.logging.bindable import Bindable
from shared_utils.logging.context import bound_carrier, bound_values
from shared_utils.logging.fast import MISSING, failed, interpolate, line_of, submit
from shared_utils.logging.levels import name_of, parse_level
from shared_utils.logging.settings import STATE
from shared_utils.logging.structlog_hook import call_when_imported

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from types import FrameType, ModuleType
    from typing import Any

    from shared_utils.logging.fast import Carrier

__all__ = ["BoundLogger", "LineLogger", "make_logger"]


class LineLogger:
    """What a structlog logger finally calls: it writes finished lines. `name` is what the logger was asked for by."""

    __slots__ = ("name",)

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    def msg(self, line: str) -> None:
        """Write the line."""
        submit(20, line)

    debug = info = warning = warn = error = exception = critical = fatal = log = msg


def make_line_logger(*args: Any) -> LineLogger:
    """Make the logger behind ``structlog.get_logger(name)``."""
    return LineLogger(args[0] if args and isinstance(args[0], str) else None)


def render(logger: Any, method_name: str, event_dict: dict[str, Any]) -> str:
    """Make the line; the last processor of a structlog chain, for loggers of other classes than ours.

    Around a logger of the standard library it writes the line itself: the root handler would make a second one of it.
    """
    number = parse_level(method_name) or 20
    event = event_dict.pop("event", "")
    if method_name == "exception":
        event_dict.setdefault("exc_info", True)
    name = getattr(logger, "name", None)
    line = line_of(number, event, {**bound_values(), **event_dict}, _caller(), name if isinstance(name, str) else None)
    if isinstance(logger, logging.Logger):
        if logger.isEnabledFor(number):
            submit(number, line)
        raise sys.modules["structlog"].DropEvent
    return line


def _caller() -> FrameType | None:
    """Return the frame that logged, below those of structlog."""
    frame = sys._getframe(2) if STATE.location else None
    while frame is not None and frame.f_globals.get("__name__", "").startswith("structlog."):
        frame = frame.f_back
    return frame


# The chain of the loggers made here. structlog.testing.capture_logs() empties and refills this very list.
PROCESSORS: list[Any] = [render]


def emit(logger: BoundLogger, number: int, event: Any, args: tuple[Any, ...], values: dict[str, Any]) -> None:
    """Log one call; to be called by a level method, whose caller is the line's location. Never raises."""
    try:
        if not STATE.settled:
            STATE.settle()
            if number < STATE.threshold:
                return
        if logger._processors is not PROCESSORS or PROCESSORS[0] is not render:
            _emit_through(logger, number, event, args, values)
            return
        # What is carried along is encoded once and not for each line, unless two have a key in common; then the nearest
        # wins: a value of the call, then the logger's, then the invocation's.
        bound = bound_carrier()
        carriers: tuple[Carrier, ...] = ()
        if logger._context:
            carriers = (logger,)
            if bound._context:
                carriers = (bound, logger)
                if not bound._context.keys().isdisjoint(logger._context):
                    values = {**bound._context, **logger._context, **values}
                    carriers = ()
        elif bound._context:
            carriers = (bound,)
        if values:
            for carrier in carriers:
                if not carrier._context.keys().isdisjoint(values):
                    values = {**bound._context, **logger._context, **values}
                    carriers = ()
                    break
        frame = sys._getframe(2) if STATE.location else None
        if args:
            event = interpolate(event, args)
        submit(number, line_of(number, event, values, frame, logger._logger.name, carriers))
    except Exception as error:  # a handler must not fail because of a line
        failed(number, event, error)


def _emit_through(logger: BoundLogger, number: int, event: Any, args: tuple[Any, ...], values: dict[str, Any]) -> None:
    """Log through processors that someone else put into the logger, the way structlog does."""
    if "event" in values and event is not MISSING:
        values["event_"] = values.pop("event")
    elif event is MISSING:
        event = values.pop("event", None)
    if args:
        event = interpolate(event, args)
    if "method_name" in values:
        values["method_name_"] = values.pop("method_name")
    from structlog import BoundLoggerBase  # loaded already: whoever put the processors there has it

    wrapped = BoundLoggerBase(logger._logger, logger._processors, dict(logger._context))
    wrapped._proxy_to_logger(name_of(number).lower(), event, **values)


class BoundLogger(Bindable):
    """A logger with values that stand in each of its lines. Immutable: `bind` and the like return a new one.

    Every level method takes the message and any keywords, ``event``, ``name``, ``level`` and ``message`` among them;
    positional values are formatted into the message (``"%s"``). The methods with an ``a`` in front can be awaited.
    The level is the process's (`shared_utils.logging.configure`), for loggers that exist already too.
    """

    __slots__ = ()
    _logger: LineLogger

    def debug(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level DEBUG."""
        if STATE.threshold <= 10:
            emit(self, 10, event, args, values)

    def info(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level INFO."""
        if STATE.threshold <= 20:
            emit(self, 20, event, args, values)

    def warning(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level WARNING."""
        if STATE.threshold <= 30:
            emit(self, 30, event, args, values)

    def error(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level ERROR."""
        if STATE.threshold <= 40:
            emit(self, 40, event, args, values)

    def critical(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level CRITICAL."""
        if STATE.threshold <= 50:
            emit(self, 50, event, args, values)

    def exception(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level ERROR, with the exception being handled."""
        if STATE.threshold <= 40:
            values.setdefault("exc_info", True)
            emit(self, 40, event, args, values)

    def log(self, level: int | str, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at `level`, a number or a name; an unknown one counts as INFO."""
        number = parse_level(level)
        number = 20 if number is None else number
        if STATE.threshold <= number:
            emit(self, number, event, args, values)

    warn = warning
    fatal = critical
    msg = info

    async def adebug(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level DEBUG."""
        if STATE.threshold <= 10:
            emit(self, 10, event, args, values)

    async def ainfo(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level INFO."""
        if STATE.threshold <= 20:
            emit(self, 20, event, args, values)

    async def awarning(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level WARNING."""
        if STATE.threshold <= 30:
            emit(self, 30, event, args, values)

    async def aerror(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level ERROR."""
        if STATE.threshold <= 40:
            emit(self, 40, event, args, values)

    async def acritical(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level CRITICAL."""
        if STATE.threshold <= 50:
            emit(self, 50, event, args, values)

    async def aexception(self, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at level ERROR, with the exception being handled."""
        if STATE.threshold <= 40:
            values.setdefault("exc_info", True)
            emit(self, 40, event, args, values)

    async def alog(self, level: int | str, event: Any = MISSING, /, *args: Any, **values: Any) -> None:
        """Log at `level`, a number or a name; an unknown one counts as INFO."""
        number = parse_level(level)
        number = 20 if number is None else number
        if STATE.threshold <= number:
            emit(self, number, event, args, values)

    awarn = awarning
    afatal = acritical
    amsg = ainfo

    def is_enabled_for(self, level: int) -> bool:
        """Whether a line of this level would be written (or buffered) now."""
        return level >= self.get_effective_level()

    def get_effective_level(self) -> int:
        """The lowest level that is written (or buffered) now."""
        if not STATE.settled:
            STATE.settle()
        return STATE.threshold

    isEnabledFor = is_enabled_for  # noqa: N815 - the standard library's names
    getEffectiveLevel = get_effective_level  # noqa: N815


def make_logger(name: str | None, values: dict[str, Any]) -> BoundLogger:
    """Return a logger with these values bound, and make every structlog logger of the process write such lines."""
    if not STATE.settled:
        STATE.settle()
    return BoundLogger(LineLogger(name), PROCESSORS, values)


def _configure(structlog: ModuleType) -> None:
    """Let ``structlog.get_logger()``, in whatever library, give loggers like ours."""
    structlog.configure(
        processors=PROCESSORS,
        wrapper_class=BoundLogger,
        context_class=dict,
        logger_factory=make_line_logger,
        cache_logger_on_first_use=False,
    )


STATE.on_settled.append(lambda: call_when_imported(_configure))
