"""The full way to a line: any value, redacted, cut to size, always one line of strict JSON.

Loaded when the first line is logged that is not simple.
"""

from __future__ import annotations

import json
import sys

from shared_utils._json import JSONConverter
from shared_utils.logging.fields import MISSING, RESERVED_KEYS, escape, name_of, timestamp
from shared_utils.logging.settings import SETTINGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

    from shared_utils.logging.state import LogState

__all__ = ["render_console", "render_full"]

# The line's own keys that a caller may set: they say whose the line is, and the caller may know better.
_SETTABLE = frozenset({"service", "correlation_id", "tenant_id", "logger"})
_ATTEMPTS = 8


def render_full(  # noqa: PLR0917 - as render_fast
    number: int, event: Any, values: dict[str, Any], where: FrameType | str | None, name: str | None, state: LogState
) -> str:
    """Return the line, at most ``max_line_bytes`` with its newline. What does not fit is cut, the message last."""
    call = _Call(number, event, values, where, name, state)
    limit = SETTINGS.max_line_bytes - 1
    # At first so much that whatever fits is left whole: the allowance reckons with more punctuation than there is.
    allowance = 2 * limit
    for _ in range(_ATTEMPTS):
        line = _encode(call.record(allowance))
        size = len(line) if line.isascii() else len(line.encode())
        if size <= limit:
            return line
        # Escapes and punctuation take more than was reckoned with.
        allowance = max(0, min(limit, allowance * limit // size) - 256)
    return _encode({"level": call.level, "message": "a line was too long", "timestamp": call.stamp})


def render_console(  # noqa: PLR0917
    number: int, event: Any, values: dict[str, Any], where: FrameType | str | None, name: str | None, state: LogState
) -> str:
    """Return the line for a person at a terminal."""
    from shared_utils.logging.console import render

    return render(_Call(number, event, values, where, name, state).record(SETTINGS.max_line_bytes))


def _encode(record: dict[str, Any]) -> str:
    return escape(json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":")))


class _Call:
    """One call of a logger: what was logged, when and where; `record` makes a line of it, as often as it takes."""

    def __init__(  # noqa: PLR0917
        self,
        number: int,
        event: Any,
        values: dict[str, Any],
        where: FrameType | str | None,
        name: str | None,
        state: LogState,
    ) -> None:
        self.level = name_of(number, SETTINGS.names)
        self.stamp = timestamp()
        self.values = values = dict(values)
        # log.info(event="…") is a way to give the message too, as in structlog.
        self.event = values.pop("event", "") if event is MISSING else event
        if state.base_fields_json is None:
            state.work_out_fields()
        self.base_fields = state.base_fields
        self.name = name if "logger" not in values else None

        stacklevel = values.pop("stacklevel", 1)
        self.where = where if where is None or isinstance(where, str) else _location(where, stacklevel)
        exc_info = values.pop("exc_info", None)
        self.error = _error_of(exc_info)
        if self.error is None and not isinstance(exc_info, (bool, int, tuple, type(None))):
            values["exc_info"] = exc_info  # somebody's own value of this name
        self.stack = None
        stack_info = values.pop("stack_info", None)
        if isinstance(stack_info, int) and stack_info:
            from traceback import format_stack

            self.stack = "".join(format_stack(None if isinstance(where, str) else where)).rstrip("\n")

    def record(self, allowance: int) -> dict[str, Any]:
        """Return the line as a dict of JSON types whose text is about `allowance` characters long."""
        converter = JSONConverter(
            allowance - sum(len(key) + len(str(value)) + 6 for key, value in self.base_fields.items())
        )
        record: dict[str, Any] = {"level": self.level}
        if self.where is not None:
            record["location"] = self.where
        if self.name is not None:
            record["logger"] = self.name
        record["message"] = converter.message(self.event)
        record["timestamp"] = self.stamp
        record |= {k: v for k, v in self.base_fields.items() if k not in self.values or k not in _SETTABLE}
        failure = self._failure(converter)
        taken = record.keys() | failure.keys()
        items = ((_unused(key, taken) if key in RESERVED_KEYS else key, value) for key, value in self.values.items())
        converter.items(items, record)
        return record | failure

    def _failure(self, converter: JSONConverter) -> dict[str, Any]:
        failure: dict[str, Any] = {}
        if self.error is not None:
            from shared_utils.logging.exceptions import LONGEST_TRACE, describe, stack_trace

            failure["exception"] = describe(self.error, converter)
            failure["exception_name"] = type(self.error).__name__
            failure["stack_trace"] = converter.text(stack_trace(self.error), keep_end=True, longest=LONGEST_TRACE)
        if self.stack is not None:
            failure["stack"] = converter.text(self.stack, keep_end=True)
        return failure


def _unused(key: str, taken: set[str]) -> str:
    """Return the key, with an underscore at its end when the line itself has it already."""
    while key in taken:
        key += "_"
    return key


def _error_of(exc_info: Any) -> BaseException | None:
    """Return the exception that ``exc_info`` means, given in any of the ways that the standard library accepts."""
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple) and len(exc_info) == 3 and isinstance(exc_info[1], BaseException):
        return exc_info[1]
    return sys.exc_info()[1] if isinstance(exc_info, int) and exc_info else None


def _location(frame: FrameType, stacklevel: Any) -> str:
    for _ in range(stacklevel - 1 if type(stacklevel) is int else 0):
        if frame.f_back is None:
            break
        frame = frame.f_back
    return f"{frame.f_code.co_name}:{frame.f_lineno}"
