"""From a logger call to one line of JSON on standard output.

The fast way is for what nearly all lines are: known harmless keys, values that the standard library's C encoder writes
as they are. Whatever else turns up (an unknown type, a sensitive key, an exception, a line too long, a text that looks
as if it held a secret) is made again by `_careful`, which is slower and never fails.
"""

from __future__ import annotations

import json.encoder
import re
import time
from json.encoder import encode_basestring

from shared_utils.logging import output as _sink
from shared_utils.logging.levels import standard
from shared_utils.logging.settings import STATE
from shared_utils.redaction.rules import REDACTION

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import FrameType
    from typing import Protocol

    class Carrier(Protocol):
        """Carries values from line to line, and keeps for us how they look."""

        _context: Any
        _encoded: object

    from typing import Any

__all__ = [
    "MISSING",
    "OWN_KEYS",
    "escape",
    "failed",
    "flush_buffer",
    "interpolate",
    "line_of",
    "submit",
    "write_line",
]

# The keys that a line itself may have. Values given under these names take the careful way.
OWN_KEYS = frozenset(
    {
        *("level", "location", "message", "timestamp", "service", "logger", "correlation_id", "tenant_id"),
        *("cold_start", "function_name", "function_memory_size", "function_arn", "function_request_id"),
        *("xray_trace_id", "sampling_rate", "exception", "exception_name", "stack_trace", "stack"),
        *("exc_info", "stack_info", "stacklevel"),
    }
)
ERROR = 40
_DEEPEST = 16  # containers within containers, on the fast way
_MOST_KEYS = 1000
_MOST_SAFE_KEYS = 4096


class _Missing:
    """No positional message was given."""


MISSING = _Missing()

_SCALARS = frozenset({str, int, float, bool, type(None)})
_safe_keys = REDACTION.safe_keys


def _refuse(value: object) -> Any:
    raise TypeError(value)


def _make_encode() -> Any:
    """Return a function that writes a dict as JSON, or raises: no NaN, no types beyond JSON's, no cycles."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # an interpreter without the C accelerator
        return json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_refuse).encode
    encode = make(None, _refuse, encode_basestring, None, ":", ",", False, False, False)

    def encode_fast(values: Mapping[str, Any]) -> str:
        return "".join(encode(values, 0))

    return encode_fast


_encode = _make_encode()


def _keys_are_safe(keys: Iterable[Any]) -> bool:
    for key in keys:
        if key not in _safe_keys:
            if type(key) is not str or key in OWN_KEYS or REDACTION.is_sensitive(key):
                return False
            if len(_safe_keys) < _MOST_SAFE_KEYS:
                _safe_keys.add(key)
    return True


def _containers_are_plain(values: Iterable[Any], depth: int) -> bool:
    """Whether every value is a JSON type, with harmless keys, and not too deep."""
    for value in values:
        kind = type(value)
        if kind in _SCALARS:
            continue
        if depth >= _DEEPEST:
            return False
        if kind is dict:
            # So many keys are data, and too many to judge each: the careful way stops where the line ends.
            if not (_safe_keys.issuperset(value) or (len(value) <= _MOST_KEYS and _keys_are_safe(value))):
                return False
            value = value.values()  # noqa: PLW2901
        elif kind is not list and kind is not tuple:
            return False
        if not (_SCALARS.issuperset(map(type, value)) or _containers_are_plain(value, depth + 1)):
            return False
    return True


# Characters beyond ASCII at which a reader may end the line, or which UTF-8 cannot carry (lone surrogates).
_UNSAFE = "[\x7f-\x9f\u2028\u2029\ud800-\udfff]"


def escape(line: str) -> str:
    """Escape what must not stand as it is in an encoded line; it stands in JSON strings only."""
    return re.sub(_UNSAFE, lambda match: f"\\u{ord(match[0]):04x}", line)


_second = (0, "")


def timestamp() -> str:
    """Return the time in UTC as RFC 3339 with milliseconds."""
    global _second  # noqa: PLW0603 - the last second's text, replaced as a whole
    now, fraction = divmod(time.time_ns(), 1_000_000_000)
    second, text = _second
    if second != now:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
        _second = (now, text)
    return f"{text}.{fraction // 1_000_000:03d}Z"


def submit(number: int, line: str) -> None:
    """Write the line, or keep it in the invocation's buffer when its level is below the level."""
    buffer = STATE.buffer
    if buffer is not None:
        if number < STATE.written_from:
            buffer.add(line)
            return
        if number >= ERROR:
            flush_buffer()
    _sink.write(line)


def write_line(
    number: int, event: Any, values: dict[str, Any], where: FrameType | str | None = None, name: str | None = None
) -> None:
    """Make the line and `submit` it. Never raises: a handler must not fail because of a line."""
    try:
        submit(number, line_of(number, event, values, where, name))
    except Exception as error:
        failed(number, event, error)


def flush_buffer() -> None:
    """Write what the invocation's buffer holds, and say how much had been dropped."""
    buffer = STATE.buffer
    if buffer is None:
        return
    lines, dropped = buffer.take()
    if dropped:
        _sink.write(line_of(30, "log buffer was full: the oldest lines are missing", {"dropped_lines": dropped}))
    for line in lines:
        _sink.write(line)


def encoded_context(carrier: Carrier) -> str | None:
    """Return values that are carried along as JSON, without braces, or None when each line must look at them.

    They are encoded once: bound once, they are written often. The comparison is for those who change a context in place
    (`structlog.get_context`).
    """
    context = carrier._context
    known = carrier._encoded
    if type(known) is tuple and known[0] == REDACTION.epoch and (known[1] is None or known[1] == context):
        text: str | None = known[2]
        return text
    text = None
    if _keys_are_safe(context) and _SCALARS.issuperset(map(type, context.values())):
        try:
            text = "," + _encode(context)[1:-1]
        except (ValueError, TypeError, RecursionError):
            pass
        else:
            text = None if REDACTION.suspects(text) else text
    # Values that are not simple are not compared: who knows what their __eq__ does.
    carrier._encoded = (REDACTION.epoch, None if text is None else dict(context), text)
    return text


def line_of(  # noqa: PLR0917 - called for every line; keywords would cost
    number: int,
    event: Any,
    values: dict[str, Any],
    where: FrameType | str | None = None,
    name: str | None = None,
    carriers: tuple[Carrier, ...] = (),
) -> str:
    """Return the finished line, without a newline.

    Args:
        number: the level.
        event: the message.
        values: what goes with it.
        where: the frame that logged it, or its finished text.
        name: the logger's name.
        carriers: whose values come before `values`; no two of all these have a key in common.
    """
    context = ""
    for carrier in carriers:
        known = encoded_context(carrier)
        if known is None:  # then all of them go the way of the call's own values
            values = {**_all_values(carriers), **values}
            carriers, context = (), ""
            break
        context += known
    if STATE.console:
        from shared_utils.logging.full import console_line

        return console_line(number, event, {**_all_values(carriers), **values}, where, name)
    if (
        type(event) is str
        and (_safe_keys.issuperset(values) or _keys_are_safe(values))
        and (_SCALARS.issuperset(map(type, values.values())) or _containers_are_plain(values.values(), 0))
    ):
        try:
            encoded = _encode(values)
        except (ValueError, TypeError, RecursionError):  # NaN, an integer too long to print, a dict changed meanwhile
            pass
        else:
            location = ""
            if where is not None:
                text = where if isinstance(where, str) else f"{where.f_code.co_name}:{where.f_lineno}"
                location = f'"location":{encode_basestring(text)},'
            if name is not None:
                location += f'"logger":{encode_basestring(name)},'
            message = encode_basestring(event)
            line = (
                f'{{"level":"{STATE.names[standard(number)]}",{location}"message":{message},'
                f'"timestamp":"{timestamp()}"{STATE.tail}{context}{"," if values else ""}{encoded[1:]}'
            )
            if len(line) < STATE.safe_chars and not REDACTION.suspects(message + encoded):
                return line if line.isascii() else escape(line)
    from shared_utils.logging.full import careful_line

    return careful_line(number, event, {**_all_values(carriers), **values}, where, name)


def _all_values(carriers: tuple[Carrier, ...]) -> dict[str, Any]:
    return {key: value for carrier in carriers for key, value in carrier._context.items()}


def interpolate(event: Any, args: tuple[Any, ...]) -> Any:
    """Format as structlog and the standard library do; when that fails, show the parts."""
    try:
        if len(args) == 1 and isinstance(args[0], dict) and args[0]:
            return event % args[0]
        return event % args
    except Exception:  # any object may stand here
        from shared_utils.logging.full import text_of

        return " ".join([text_of(event), *(text_of(arg) for arg in args)])


def failed(number: int, event: Any, error: Exception) -> None:
    """Say that a line could not be made; with nothing in it that could fail again."""
    message = event if type(event) is str and len(event) < 1000 else type(event).__name__
    text = REDACTION.scrub(f"logging failed: {type(error).__name__}; the line was: {message}")
    _sink.write(
        escape(
            f'{{"level":"{STATE.names[standard(max(number, ERROR))]}","message":{encode_basestring(text)},'
            f'"timestamp":"{timestamp()}"{STATE.tail}}}'
        )
    )
