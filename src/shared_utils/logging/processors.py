"""Our steps as structlog processors, for chains of one's own.

    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, add_my_keys, processors.render],
        logger_factory=processors.LoggerFactory(),
    )

- `add_fields` adds the line's own keys and what is bound, for a chain that another renderer ends.
- `redact` masks what must not be readable; put it after everything that adds to the event.
- `render` ends a chain: the event becomes one of our lines, redacted, of bounded size, with the caller's location. The
  level, sampling and the invocation's buffer apply.
- `LoggerFactory` makes the loggers that write such lines; with any other, they are written where that one writes.
"""

from __future__ import annotations

import logging
import sys

from shared_utils._json import JSONConverter
from shared_utils.logging.context import bound_values
from shared_utils.logging.fields import CONTROL_KEYS, name_of, parse_level, timestamp
from shared_utils.logging.full import location_of
from shared_utils.logging.output import LineLogger, write_or_buffer
from shared_utils.logging.pipeline import process
from shared_utils.logging.settings import SETTINGS
from shared_utils.logging.state import current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from types import FrameType
    from typing import Any

__all__ = ["LoggerFactory", "add_fields", "redact", "render"]

_BETWEEN = {"structlog", "shared_utils", "logging"}  # packages
RENDERED = "shared_utils_line"  # the attribute of a record that holds the line which was made of its event


class LoggerFactory:
    """Makes the loggers behind ``structlog.get_logger(name)``: they write, or buffer, finished lines."""

    def __call__(self, *args: Any) -> LineLogger:
        """Return a logger, named by the first argument when that is a text."""
        return LineLogger(args[0] if args and isinstance(args[0], str) else None)


def add_fields(  # structlog's protocol
    logger: Any,  # noqa: ARG001
    method_name: str,
    event_dict: MutableMapping[str, Any],
) -> MutableMapping[str, Any]:
    """Add the line's own keys and what is bound in this context, those that the event does not have."""
    SETTINGS.ensure_configured()
    fields: dict[str, Any] = {"level": name_of(_number(method_name), SETTINGS.names)}
    frame = caller() if SETTINGS.location else None
    if frame is not None:
        fields["location"] = location_of(frame)
    fields["timestamp"] = timestamp()
    for key, value in {**fields, **current().fields(), **bound_values()}.items():
        event_dict.setdefault(key, value)
    return event_dict


def redact(
    logger: Any,  # noqa: ARG001
    method_name: str,  # noqa: ARG001
    event_dict: MutableMapping[str, Any],
) -> MutableMapping[str, Any]:
    """Mask what must not be readable. Values become JSON types; exceptions that are not rendered yet stay."""
    SETTINGS.ensure_configured()
    kept = {key: event_dict[key] for key in event_dict if key in CONTROL_KEYS or key[:1] == "_"}
    converter = JSONConverter(SETTINGS.max_line_bytes)
    return converter.items([item for item in event_dict.items() if item[0] not in kept], {}) | kept


def render(logger: Any, method_name: str, event_dict: MutableMapping[str, Any]) -> Any:
    """Return the event as one of our lines, in the form that `logger` takes; the last processor of a chain.

    Raises:
        structlog.DropEvent: the line is not to be written, or has been written.
    """
    from structlog import BytesLogger, DropEvent  # a chain runs: it is loaded

    SETTINGS.ensure_configured()
    state = current()
    number = _number(method_name)
    standard = isinstance(logger, logging.Logger)
    if not (logger.isEnabledFor(number) if standard else number >= state.threshold):
        raise DropEvent
    if method_name == "exception" and "exception" not in event_dict:
        event_dict.setdefault("exc_info", True)
    event = event_dict.pop("event", "")
    name = getattr(logger, "name", None)
    values = {**bound_values(), **event_dict}
    line = process(number, event, values, caller(), name if isinstance(name, str) else None, (), state, chained=True)
    if line is None:
        raise DropEvent
    if standard:
        return (line,), {"extra": {RENDERED: line}, "exc_info": False}
    if isinstance(logger, LineLogger):
        return line
    if getattr(logger, "_file", None) is sys.stdout:
        write_or_buffer(number, line, state)
        raise DropEvent
    if number < state.written_from:  # it would be buffered, and that destination has no buffer
        raise DropEvent
    return line.encode() if isinstance(logger, BytesLogger) else line


def caller() -> FrameType | None:
    """Return the frame that logged: the first that is neither structlog's nor ours, nor the standard library's."""
    stack: Any = getattr(sys.modules.get("structlog.contextvars"), "_ASYNC_CALLING_STACK", None)
    here = sys._getframe(1)
    frame: FrameType | None = here if stack is None else stack.get(here)
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _BETWEEN:
        frame = frame.f_back
    return frame


def _number(method_name: str) -> int:
    return parse_level(method_name) or 20
