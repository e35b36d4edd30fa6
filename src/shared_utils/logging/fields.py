"""What every line has: a level, its standing keys, a timestamp; and how text is escaped in it."""

from __future__ import annotations

import re
import time
from json.encoder import encode_basestring

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = [
    "CONTROL_KEYS",
    "DEBUG",
    "ERROR",
    "INFO",
    "MISSING",
    "NAMES",
    "PLATFORM_NAMES",
    "RESERVED_KEYS",
    "SETTABLE_KEYS",
    "WARNING",
    "encode_fields",
    "escape",
    "interpolate",
    "name_of",
    "parse_level",
    "standard",
    "timestamp",
]

DEBUG, INFO, WARNING, ERROR = 10, 20, 30, 40
NAMES = {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}
# With JSON log format Lambda filters by these; a line with another name counts as INFO and may be dropped
# (Lambda developer guide, "Log-level filtering").
PLATFORM_NAMES = NAMES | {30: "WARN", 50: "FATAL"}

_NUMBERS = {name: number for names in (NAMES, PLATFORM_NAMES) for number, name in names.items()} | {
    "TRACE": 10,
    "NOTSET": 10,
    "EXCEPTION": 40,
}

# The keys that a line itself may have. A value given under one of them is rendered in full.
RESERVED_KEYS = frozenset(
    {
        *("level", "location", "message", "timestamp", "service", "logger", "correlation_id", "tenant_id"),
        *("cold_start", "function_name", "function_memory_size", "function_arn", "function_request_id"),
        *("xray_trace_id", "sampling_rate", "exception", "exception_name", "exception_notes", "stack_trace", "stack"),
    }
)
# The keys that say something about the line, and are none of its own.
CONTROL_KEYS = frozenset({"exc_info", "stack_info", "stacklevel"})
# Keys of the line that a caller may set: they say whose the line is, and the caller may know better.
SETTABLE_KEYS = frozenset({"service", "correlation_id", "tenant_id", "logger"})


MISSING: Any = object()
"""No positional message was given."""

# Characters beyond ASCII at which a reader may end the line, or which UTF-8 cannot carry (lone surrogates).
_UNSAFE = "[\x7f-\x9f\u2028\u2029\ud800-\udfff]"

_second = (0, "")


def parse_level(level: object) -> int | None:
    """Return the number of a level given as a number or a name in any case, or None when there is no such level."""
    if isinstance(level, bool):
        return None
    if isinstance(level, int):
        return level if 0 <= level <= 1000 else None
    if isinstance(level, str):
        text = level.strip()
        return parse_level(int(text[:9])) if text.isdecimal() else _NUMBERS.get(text.upper())
    return None


def standard(number: int) -> int:
    """Return the standard level that a line of level `number` is reported under: the next one below, DEBUG at least."""
    return min(50, max(10, number // 10 * 10))


def name_of(number: int, names: dict[int, str] = NAMES) -> str:
    """Return the name under which a line of this level is reported."""
    return names[standard(number)]


def escape(line: str) -> str:
    """Escape what must not stand as it is in an encoded line; it stands in JSON strings only."""
    return line if line.isascii() and "\x7f" not in line else re.sub(_UNSAFE, _escaped, line)


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def timestamp() -> str:
    """Return the time in UTC as RFC 3339 with milliseconds."""
    global _second  # noqa: PLW0603 - the last second's text, replaced as a whole
    now, fraction = divmod(time.time_ns(), 1_000_000_000)
    second, text = _second
    if second != now:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
        _second = (now, text)
    return f"{text}.{fraction // 1_000_000:03d}Z"


def _encode_value(value: Any) -> str:
    """Return the JSON of a value of JSON's types."""
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, (bool, int, float)):
        return repr(value).lower()
    import json

    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def encode_fields(fields: Mapping[str, Any], names: Mapping[str, str | None]) -> str:
    """Return the fields as a piece of JSON, each with a comma before it; renamed or left out as `names` says."""
    shown = ((names.get(key, key), value) for key, value in fields.items())
    return "".join([f",{encode_basestring(key)}:{_encode_value(value)}" for key, value in shown if key is not None])


def interpolate(event: Any, args: tuple[Any, ...]) -> Any:
    """Return the message with its arguments, formatted as structlog and the standard library do; else the parts."""
    try:
        if len(args) == 1 and isinstance(args[0], dict) and args[0]:
            return event % args[0]
        return event % args
    except Exception:  # any object may stand here
        from shared_utils._json import text_of

        return " ".join([text_of(event), *(text_of(arg) for arg in args)])
