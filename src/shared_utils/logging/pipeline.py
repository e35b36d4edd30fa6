"""The processors that `configure` was given: what runs on every line before it is rendered.

Loaded when there are any. They are callables of structlog's protocol, ``(logger, method_name, event_dict) ->
event_dict``; structlog's own work as they are (https://www.structlog.org/en/stable/processors.html).
"""

from __future__ import annotations

import sys
from _contextvars import ContextVar
from contextlib import contextmanager
from json.encoder import encode_basestring

from shared_utils.logging.fields import (
    CONTROL_KEYS,
    MISSING,
    NAMES,
    escape,
    interpolate,
    name_of,
    parse_level,
    standard,
    timestamp,
)
from shared_utils.logging.full import location_of, render_record
from shared_utils.logging.plain import encode_plain
from shared_utils.logging.render import render
from shared_utils.logging.settings import SETTINGS
from shared_utils.logging.state import current
from shared_utils.redaction import REDACTION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any

    from shared_utils.logging.logger import BoundLogger
    from shared_utils.logging.render import Context
    from shared_utils.logging.state import LogState

__all__ = ["NamedLogger", "emit_through", "process", "processing"]

_SPECIAL = CONTROL_KEYS | {"event"}
_stack: Any = None
_loggers: dict[str | None, NamedLogger] = {}
# True while processors run: a line that one of them logs itself is not processed, it would have no end.
processing: ContextVar[bool] = ContextVar("shared_utils_processing", default=False)
# The names of levels as structlog has them. Objects of their own, so that a processor's equal one can be told apart.
_LEVELS = {number: "".join(name.lower()) for number, name in NAMES.items()}
_METHODS = {number: str(name.lower().encode(), "ascii") for number, name in NAMES.items()}


class NamedLogger:
    """The logger that processors are given: it has a name and knows its level, like one of the standard library."""

    __slots__ = ("name",)
    disabled = False

    def __init__(self, name: str | None) -> None:
        self.name = name

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the standard library's name
        """Whether a line of this level is made."""
        return level >= self.getEffectiveLevel()

    def getEffectiveLevel(self) -> int:  # noqa: N802
        """Return the lowest level at which a line is made."""
        level = SETTINGS.level_of(self.name)
        return current().threshold if level is None else level


def process(  # noqa: PLR0917 - as render
    number: int,
    event: Any,
    values: dict[str, Any],
    where: FrameType | str | None,
    name: str | None,
    contexts: tuple[Context, ...],
    state: LogState,
    chained: bool = False,
) -> str | None:
    """Return the line that the processors make of a call, or None when one drops it. For the arguments see `render`.

    When other processors have run before (`chained`), what they put under the line's own keys stands.
    """
    is_nested = processing.get()
    if is_nested and not chained:
        return render(number, event, values, where if SETTINGS.location else None, name, contexts, state)
    reported = number if number in NAMES else standard(number)
    level = _LEVELS[reported]
    standing: dict[str, Any] = {"level": level}
    frame = None if where is None or isinstance(where, str) else where
    if where is not None and SETTINGS.location:
        if frame is None:
            standing["location"] = where
        elif "stacklevel" in values:
            standing["location"] = location_of(frame, values["stacklevel"])
        else:
            standing["location"] = f"{frame.f_code.co_name}:{frame.f_lineno}"
    if name is not None:
        standing["logger"] = name
    standing["timestamp"] = timestamp()
    standing.update(state.base_fields if state.base_fields_json is not None else state.fields())
    for context in contexts:
        values = {**context._context, **values}
    if chained or not _SPECIAL.isdisjoint(values) or not standing.keys().isdisjoint(values):
        event_dict = standing.copy()
        _add(event_dict, values, standing, event, chained)
        event_dict["event"] = event_dict.get("event", "") if event is MISSING else event
    else:
        event_dict = {**standing, **values, "event": "" if event is MISSING else event}
    if SETTINGS.processors and not is_nested:
        logger = _loggers.get(name) or _loggers.setdefault(name, NamedLogger(name))
        result = _run(logger, _METHODS[reported], event_dict, frame)
        if result is None:
            return None
        event_dict = result
    told = event_dict.get("level")
    if told is level:
        event_dict["level"] = standing["level"] = SETTINGS.names[reported]
    elif SETTINGS.names is not NAMES and isinstance(told, str):
        event_dict["level"] = _for_platform(told, number)
    message = event_dict.pop("event", MISSING)
    if "event" in values and event is not MISSING and "event_" in event_dict:  # the line has the name free again
        event_dict["event"] = event_dict.pop("event_")
    # Fast, when nothing in the line needs a look at each value.
    if type(message) is str and SETTINGS.fast and not SETTINGS.key_names and "message" not in event_dict:
        encoded = encode_plain(event_dict)
        if encoded is not None and len(encoded) > 2:
            text = f'{{"message":{encode_basestring(message)},{encoded[1:]}'
            line = escape(text)
            if len(line) < SETTINGS.safe_chars and not REDACTION.suspects(text):
                return line
    return _full_line(event_dict, message, standing, frame)


def _full_line(event_dict: dict[str, Any], message: Any, standing: dict[str, Any], frame: FrameType | None) -> str:
    """Return the line, its own fields as they are, as far as they are what they were, and everything else redacted."""
    own = {key: value for key, value in standing.items() if event_dict.get(key, MISSING) is value}
    return render_record(own, message, {key: value for key, value in event_dict.items() if key not in own}, frame)


def _add(
    event_dict: dict[str, Any], values: dict[str, Any], standing: dict[str, Any], event: Any, chained: bool
) -> None:
    """Add values of which some are named like the line's own keys, or like what says something about the line."""
    for key, value in values.items():
        own = key in standing and key not in SETTINGS.settable_keys
        if chained and (key != "level" or parse_level(value) is not None):
            own = False
        while own or (key == "event" and event is not MISSING):
            key += "_"  # noqa: PLW2901
            own = key in standing
        event_dict[key] = value
    event_dict.pop("stacklevel", None)


def _for_platform(level: str, number: int) -> str:
    """Return a level's name as Lambda's filter knows it, when a processor has only written it differently."""
    return name_of(number, SETTINGS.names) if level.upper() == NAMES[standard(number)] else level


def _run(
    logger: NamedLogger, method: str, event_dict: dict[str, Any], frame: FrameType | None
) -> dict[str, Any] | None:
    """Return what the processors make of `event_dict`; None when one drops it. One that fails is left out."""
    token = processing.set(True)
    stack = _stack or _calling_stack()
    stack_token = None if stack is None else stack.set(frame or _outer_frame())
    try:
        for processor in SETTINGS.processors:
            try:
                result: Any = processor(logger, method, event_dict)
            except Exception as error:
                _report(processor, type(error).__name__, event_dict)
                continue
            if isinstance(result, dict):
                event_dict = result
            elif not _take_text(result, event_dict):
                _report(processor, f"it returned {type(result).__name__}, not a dict", event_dict)
    except BaseException as signal:
        if type(signal).__name__ == "DropEvent" and type(signal).__module__.startswith("structlog"):
            return None
        raise
    finally:
        if stack is not None:
            stack.reset(stack_token)
        processing.reset(token)
    return event_dict


def _calling_stack() -> Any:
    """Return the context variable in which structlog's processors look for the caller's frame first, if there is one.

    CallsiteParameterAdder and StackInfoRenderer do.
    """
    global _stack  # noqa: PLW0603 - kept from when structlog is there
    _stack = getattr(sys.modules.get("structlog.contextvars"), "_ASYNC_CALLING_STACK", None)
    return _stack


def emit_through(logger: BoundLogger, number: int, event: Any, args: tuple[Any, ...], values: dict[str, Any]) -> None:
    """Log through processors that are not ours, the way structlog does; to be called by what a level method calls."""
    if "event" in values and event is not MISSING:
        values["event_"] = values.pop("event")
    elif event is MISSING:
        event = values.pop("event", None)
    if args:
        event = interpolate(event, args)
    if "method_name" in values:
        values["method_name_"] = values.pop("method_name")
    from structlog import BoundLoggerBase  # loaded already: the processors come from there

    wrapped = BoundLoggerBase(logger._logger, logger._processors, logger._context)
    with _calling_frame(sys._getframe(3)):
        wrapped._proxy_to_logger(name_of(number).lower(), event, **values)


@contextmanager
def _calling_frame(frame: FrameType) -> Iterator[None]:
    """Let structlog's processors find this frame as the caller's."""
    stack = _calling_stack()
    token = None if stack is None else stack.set(frame)
    try:
        yield
    finally:
        if token is not None:
            stack.reset(token)


def _outer_frame() -> FrameType:
    """Return the nearest frame outside of this package."""
    frame: FrameType = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("shared_utils."):
        frame = frame.f_back
    return frame


def _take_text(result: Any, event_dict: dict[str, Any]) -> bool:
    """Take what a renderer at the end of the chain returns as JSON: redaction and the line's end come after it."""
    if not isinstance(result, (str, bytes, bytearray)):
        return False
    import json

    try:
        content = json.loads(result)
    except (ValueError, RecursionError):
        return False
    if not isinstance(content, dict):
        return False
    event_dict.clear()
    event_dict.update(content)
    return True


def _report(processor: Callable[..., Any], what: str, event_dict: dict[str, Any]) -> None:
    """Put into the line that a processor failed; once for each."""
    if processor in SETTINGS.failed_processors:
        return
    SETTINGS.failed_processors.append(processor)
    name = getattr(processor, "__qualname__", None) or type(processor).__qualname__
    event_dict["processor_failed"] = f"{name}: {what}"
