"""The full way to a line: any value, redacted, cut to size, always one line of strict JSON.

Loaded when the first line is logged that is not simple.
"""

from __future__ import annotations

import json
import sys

from shared_utils._json import JSONConverter
from shared_utils.logging.fields import MISSING, escape, name_of, timestamp
from shared_utils.logging.settings import SETTINGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import FrameType
    from typing import Any

    from shared_utils.logging.state import LogState

__all__ = ["error_of", "location_of", "render_full", "render_record"]

_FIRST = ("level", "location", "logger")  # before the message
_ATTEMPTS = 8


def render_full(  # noqa: PLR0917 - as render
    number: int, event: Any, values: dict[str, Any], where: FrameType | str | None, name: str | None, state: LogState
) -> str:
    """Return the line of any call, at most ``max_line_bytes`` with its newline."""
    values = dict(values)
    # log.info(event="…") is a way to give the message too, as in structlog.
    message = values.pop("event", "") if event is MISSING else event
    stacklevel = values.pop("stacklevel", 1)
    standing: dict[str, Any] = {"level": name_of(number, SETTINGS.names)}
    if where is not None:
        standing["location"] = where if isinstance(where, str) else location_of(where, stacklevel)
    if name is not None:
        standing["logger"] = name
    standing["timestamp"] = timestamp()
    standing |= state.fields()
    standing = {key: value for key, value in standing.items() if key not in values or key not in SETTINGS.settable_keys}
    return render_record(standing, message, values, None if isinstance(where, str) else where)


def render_record(standing: Mapping[str, Any], message: Any, values: dict[str, Any], frame: FrameType | None) -> str:
    """Return the line of its parts. What does not fit is cut, the message last.

    Args:
        standing: the line's own fields, which are written as they are.
        message: the message; `MISSING` for a line without one.
        values: what else the line says; `exc_info` and `stack_info` among it are taken as the standard library does.
        frame: where `stack_info` begins.
    """
    record = _Record(standing, message, values, frame)
    if SETTINGS.console:
        from shared_utils.logging.console import render_console

        return render_console(record.shape(SETTINGS.max_line_bytes, {}))
    limit = SETTINGS.max_line_bytes - 1
    # At first so much that whatever fits is left whole: more punctuation is reckoned with than there is.
    allowance = 2 * limit
    for _ in range(_ATTEMPTS):
        line = _encode(record.shape(allowance, SETTINGS.key_names))
        size = len(line) if line.isascii() else len(line.encode())
        if size <= limit:
            return line
        # Escapes and punctuation take more than was reckoned with.
        allowance = max(0, min(limit, allowance * limit // size) - 256)
    least = _Record({key: standing[key] for key in ("level", "timestamp") if key in standing}, "", {}, None)
    least.message = "a line was too long"
    return _encode(least.shape(limit, SETTINGS.key_names))


def _renamed(fields: Iterable[tuple[str, Any]], names: Mapping[str, str | None]) -> dict[str, Any]:
    return {shown: value for key, value in fields if (shown := names.get(key, key)) is not None}


def _encode(record: dict[str, Any]) -> str:
    if SETTINGS.serializer is not None:
        text = _serialized(record)
        if text is not None:
            return text
    return escape(json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":")))


def _serialized(record: dict[str, Any]) -> str | None:
    """Return what the serializer makes of the line; None when that is no text of one line, which is said once."""
    assert SETTINGS.serializer is not None
    try:
        text: Any = SETTINGS.serializer(record)
        if isinstance(text, (bytes, bytearray)):
            text = text.decode()
        text = text.rstrip("\r\n")
        if not text or "\n" in text or "\r" in text:
            raise ValueError("the text is not one line")
        text.encode()  # a lone surrogate cannot be written
    except Exception as error:
        if not SETTINGS.serializer_failed:
            SETTINGS.serializer_failed = True
            record["serializer_failed"] = type(error).__name__
        return None
    return str(text)


class _Record:
    """The parts of one line; `shape` makes a line of them, as often as it takes."""

    def __init__(
        self, standing: Mapping[str, Any], message: Any, values: dict[str, Any], frame: FrameType | None
    ) -> None:
        self.message = message
        self.values = values
        self.standing = standing
        exc_info = values.pop("exc_info", None)
        self.error = error_of(exc_info)
        if self.error is None and not isinstance(exc_info, (bool, int, tuple, type(None))):
            values["exc_info"] = exc_info  # a value of this name, and no exception
        self.stack = None
        stack_info = values.pop("stack_info", None)
        if isinstance(stack_info, int) and stack_info:
            from traceback import format_stack

            self.stack = "".join(format_stack(frame)).rstrip("\n")

    def shape(self, allowance: int, names: Mapping[str, str | None]) -> dict[str, Any]:
        """Return the line as a dict of JSON types whose text is about `allowance` characters long.

        Standing keys are renamed, or left out, as `names` says.
        """
        own = self.standing.items()
        converter = JSONConverter(allowance - sum(len(key) + len(str(value)) + 6 for key, value in own))
        fields = [item for item in own if item[0] in _FIRST]
        if self.message is not MISSING:
            fields.append(("message", converter.message(self.message)))
        fields += [item for item in own if item[0] not in _FIRST]
        record = _renamed(fields, names)
        failure = _renamed(self._failure(converter).items(), names)
        taken = record.keys() | failure.keys()
        items = ((_unused(key, taken) if key in taken else key, value) for key, value in self.values.items())
        converter.items(items, record)
        return record | failure

    def _failure(self, converter: JSONConverter) -> dict[str, Any]:
        failure: dict[str, Any] = {}
        if self.error is not None:
            from shared_utils.logging.exceptions import LONGEST_TRACE, describe, notes_of, printed

            described = describe(self.error, converter)
            failure["exception"] = converter.text(printed(self.error), keep_end=True, longest=LONGEST_TRACE)
            failure["exception_name"] = type(self.error).__name__
            notes = notes_of(self.error, converter)
            if notes:
                failure["exception_notes"] = notes
            failure["stack_trace"] = described
        if self.stack is not None:
            failure["stack"] = converter.text(self.stack, keep_end=True)
        return failure


def _unused(key: str, taken: set[str]) -> str:
    """Return the key, with an underscore at its end when the line itself has it already."""
    while key in taken:
        key += "_"
    return key


def error_of(exc_info: Any) -> BaseException | None:
    """Return the exception that ``exc_info`` means, given in any of the ways that the standard library accepts."""
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple) and len(exc_info) == 3 and isinstance(exc_info[1], BaseException):
        return exc_info[1]
    return sys.exc_info()[1] if isinstance(exc_info, int) and exc_info else None


def location_of(frame: FrameType, stacklevel: Any = 1) -> str:
    """Return the place in the code of a frame, or of one so many levels above it."""
    for _ in range(stacklevel - 1 if type(stacklevel) is int else 0):
        if frame.f_back is None:
            break
        frame = frame.f_back
    return f"{frame.f_code.co_name}:{frame.f_lineno}"
