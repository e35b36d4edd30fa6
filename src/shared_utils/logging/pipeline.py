"""The processors that `configure` was given: what runs on every line before it is rendered.

Loaded when there are any. They are callables of structlog's protocol, ``(logger, method_name, event_dict) ->
event_dict``; structlog's own work as they are (https://www.structlog.org/en/stable/processors.html).
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from contextvars import ContextVar
from json.encoder import encode_basestring

from shared_utils.logging.fields import MISSING, NAMES, escape, name_of, parse_level, standard, timestamp
from shared_utils.logging.full import location_of, render_record
from shared_utils.logging.render import encode_plain
from shared_utils.logging.settings import SETTINGS
from shared_utils.redaction import REDACTION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any

    from shared_utils.logging.render import Context
    from shared_utils.logging.state import LogState

__all__ = ["NamedLogger", "process", "processing"]

# True while processors run: a line that one of them logs itself is not processed, it would have no end.
processing: ContextVar[bool] = ContextVar("shared_utils_processing", default=False)
# The names of levels as structlog has them. Objects of their own, so that a processor's equal one can be told apart.
_LEVELS = {number: "".join(name.lower()) for number, name in NAMES.items()}
_METHODS = {number: str(name.lower().encode(), "ascii") for number, name in NAMES.items()}


class NamedLogger:
    """The logger that processors are given: it has a name and knows its level, like one of the standard library."""

    __slots__ = ("_threshold", "name")
    disabled = False

    def __init__(self, name: str | None, threshold: int) -> None:
        self.name = name
        self._threshold = threshold

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the standard library's name
        """Whether a line of this level is made."""
        return level >= self._threshold

    def getEffectiveLevel(self) -> int:  # noqa: N802
        """Return the lowest level at which a line is made."""
        return self._threshold


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
    for context in contexts:
        values = {**context._context, **values}
    standing, event_dict = _event_dict(number, event, values, where, name, state, chained)
    frame = where if not isinstance(where, str) else None
    result = _run(NamedLogger(name, state.threshold), _METHODS[standard(number)], event_dict, frame)
    if result is None:
        return None
    own = {}
    for key, value in standing.items():
        if result.get(key, MISSING) is value:
            own[key] = value
            del result[key]
    if "level" in own:
        own["level"] = name_of(number, SETTINGS.names)
    elif SETTINGS.names is not NAMES and isinstance(result.get("level"), str):
        result["level"] = _for_platform(result["level"], number)
    message = result.pop("event", MISSING)
    return _render(own, message, result, frame)


def _for_platform(level: str, number: int) -> str:
    """Return a level's name as Lambda's filter knows it, when a processor has only written it differently."""
    return name_of(number, SETTINGS.names) if level.upper() == NAMES[standard(number)] else level


def _event_dict(  # noqa: PLR0917
    number: int,
    event: Any,
    values: dict[str, Any],
    where: FrameType | str | None,
    name: str | None,
    state: LogState,
    chained: bool,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the line's standing fields, and the dict that processors see: those, the values, and the event."""
    stacklevel = values.get("stacklevel", 1)
    standing: dict[str, Any] = {"level": _LEVELS[standard(number)]}
    if where is not None and SETTINGS.location:
        standing["location"] = where if isinstance(where, str) else location_of(where, stacklevel)
    if name is not None:
        standing["logger"] = name
    standing["timestamp"] = timestamp()
    standing |= state.fields()
    event_dict = dict(standing)
    for key, value in values.items():
        if chained and key in standing and (key != "level" or parse_level(value) is not None):
            event_dict[key] = value  # put there by a processor, add_fields perhaps
            continue
        while (key in standing and key not in SETTINGS.settable_keys) or (key == "event" and event is not MISSING):
            key += "_"  # noqa: PLW2901
        event_dict[key] = value
    event_dict.pop("stacklevel", None)
    if event is not MISSING:
        event_dict["event"] = event
    return standing, event_dict | {"event": event_dict.get("event", "")}


def _run(
    logger: NamedLogger, method: str, event_dict: dict[str, Any], frame: FrameType | None
) -> dict[str, Any] | None:
    """Return what the processors make of `event_dict`; None when one drops it. One that fails is left out."""
    if not SETTINGS.processors or processing.get():
        return event_dict
    token = processing.set(True)
    try:
        with calling_frame(frame or _outer_frame()):
            for processor in SETTINGS.processors:
                event_dict = _applied(processor, logger, method, event_dict)
    except BaseException as signal:
        if type(signal).__name__ == "DropEvent" and type(signal).__module__.startswith("structlog"):
            return None
        raise
    finally:
        processing.reset(token)
    return event_dict


def _applied(
    processor: Callable[..., Any], logger: NamedLogger, method: str, event_dict: dict[str, Any]
) -> dict[str, Any]:
    try:
        result: Any = processor(logger, method, event_dict)
    except Exception as error:
        _report(processor, type(error).__name__, event_dict)
        return event_dict
    if isinstance(result, dict):
        return result
    if not _take_text(result, event_dict):
        _report(processor, f"it returned {type(result).__name__}, not a dict", event_dict)
    return event_dict


@contextmanager
def calling_frame(frame: FrameType) -> Iterator[None]:
    """Let structlog's processors find this frame as the caller's (CallsiteParameterAdder, StackInfoRenderer)."""
    stack: Any = getattr(sys.modules.get("structlog.contextvars"), "_ASYNC_CALLING_STACK", None)
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


def _render(own: dict[str, Any], message: Any, values: dict[str, Any], frame: FrameType | None) -> str:
    """Return the line: fast when nothing in it needs a look at each value, else in full."""
    if type(message) is str and SETTINGS.fast and SETTINGS.template is None:
        encoded = encode_plain(values)
        own_json = None if encoded is None else encode_plain(own)
        if own_json is not None and encoded is not None:
            text = encode_basestring(message)
            line = f'{own_json[:-1]}{"," if own else ""}"message":{text}{"," if values else ""}{encoded[1:]}'
            if len(line) < SETTINGS.safe_chars and not REDACTION.suspects(text + encoded):
                return line if line.isascii() else escape(line)
    return render_record(own, message, values, frame)
