"""From one call to one line of JSON: the fast way, and `full` for what it does not take.

The fast way is for what nearly all lines are: known harmless keys, and values of JSON's own types. They are checked by
set operations and written by the standard library's C encoder. Whatever else turns up (an unknown type, a sensitive
key, an exception, a line too long, a text that may hold a secret) is rendered in full.
"""

from __future__ import annotations

import json.encoder
from json.encoder import encode_basestring

from shared_utils.logging.fields import escape, standard, timestamp
from shared_utils.logging.settings import SETTINGS
from shared_utils.redaction import REDACTION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import FrameType
    from typing import Any, Protocol

    from shared_utils.logging.state import LogState

    class Context(Protocol):
        """Values that stand in many lines, with room for how they look there."""

        _context: Any
        _encoded: object


__all__ = ["SCALARS", "containers_are_plain", "encode", "keys_are_safe", "render"]

_DEEPEST = 16  # containers within containers
_MOST_KEYS = 1000  # of one container
MOST_SAFE_KEYS = 4096

SCALARS = frozenset({str, int, float, bool, type(None)})
_safe_keys = REDACTION.safe_keys


def _refuse(value: object) -> Any:
    raise TypeError(value)


def _make_encode() -> Any:
    """Return a function that writes a dict as JSON, or raises: no NaN, no types beyond JSON's, no cycles."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # an interpreter without the C accelerator
        return json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_refuse).encode
    write = make(None, _refuse, encode_basestring, None, ":", ",", False, False, False)

    def encode_fast(values: Mapping[str, Any]) -> str:
        return "".join(write(values, 0))

    return encode_fast


encode = _make_encode()


def render(  # noqa: PLR0917 - called for every line; keywords would cost
    number: int,
    event: Any,
    values: dict[str, Any],
    where: FrameType | str | None,
    name: str | None,
    contexts: tuple[Context, ...],
    state: LogState,
) -> str:
    """Return the finished line, without a newline.

    Args:
        number: the level.
        event: the message.
        values: what goes with it.
        where: the frame that logged it, or its finished text.
        name: the logger's name.
        contexts: whose values come before `values`; no two of all these have a key in common.
        state: what the lines of this moment carry.
    """
    context = ""
    for bound in contexts:
        known = _encoded_context(bound)
        if known is None:
            break
        context += known
    else:
        if (
            type(event) is str
            and (_safe_keys.issuperset(values) or keys_are_safe(values))
            and (SCALARS.issuperset(map(type, values.values())) or containers_are_plain(values.values(), 0))
            and SETTINGS.fast
        ):
            try:
                encoded = encode(values)
            except (ValueError, TypeError, RecursionError):  # NaN, an integer too long to print, a changing dict
                pass
            else:
                location = ""
                if where is not None:
                    text = where if isinstance(where, str) else f"{where.f_code.co_name}:{where.f_lineno}"
                    location = f"{SETTINGS.location_json}{encode_basestring(text)},"
                if name is not None:
                    location += f"{SETTINGS.logger_json}{encode_basestring(name)},"
                message = encode_basestring(event)
                base = state.base_fields_json
                if base is None:
                    base = state.work_out_fields()
                level = SETTINGS.names[standard(number)]
                comma = "," if values else ""
                template = SETTINGS.template
                if template is None:
                    line = (
                        f'{{"level":"{level}",{location}"message":{message},'
                        f'"timestamp":"{timestamp()}"{base}{context}{comma}{encoded[1:]}'
                    )
                else:
                    line = template % (level, location, message, timestamp(), base, context, comma, encoded[1:])
                if not line.isascii():
                    line = escape(line)
                if len(line) < SETTINGS.safe_chars and not REDACTION.suspects(message + encoded):
                    return line
    from shared_utils.logging.full import render_full

    if contexts:
        values = {**{key: value for bound in contexts for key, value in bound._context.items()}, **values}
    return render_full(number, event, values, where, name, state)


def keys_are_safe(keys: Iterable[Any]) -> bool:
    """Whether every key may be written as it is: a harmless one, and none of the line's own."""
    for key in keys:
        if key not in _safe_keys:
            if type(key) is not str or key in SETTINGS.reserved_keys or REDACTION.is_sensitive(key):
                return False
            if len(_safe_keys) < MOST_SAFE_KEYS:
                _safe_keys.add(key)
    return True


def containers_are_plain(values: Iterable[Any], depth: int) -> bool:
    """Whether every value is of a JSON type, with harmless keys, and not too deep."""
    for value in values:
        kind = type(value)
        if kind in SCALARS:
            continue
        if depth >= _DEEPEST:
            return False
        if kind is dict:
            # So many keys are data, and too many to judge each: the full way stops where the line ends.
            if not (_safe_keys.issuperset(value) or (len(value) <= _MOST_KEYS and keys_are_safe(value))):
                return False
            value = value.values()  # noqa: PLW2901
        elif kind is not list and kind is not tuple:
            return False
        if not (SCALARS.issuperset(map(type, value)) or containers_are_plain(value, depth + 1)):
            return False
    return True


def _encoded_context(context: Context) -> str | None:
    """Return a context's values as JSON, without braces, or None when each line must look at them.

    They are encoded once: bound once, they are written often. The comparison is for those who change a context in place
    (`structlog.get_context`).
    """
    values = context._context
    known = context._encoded
    try:
        if type(known) is tuple and known[0] == REDACTION.epoch and (known[1] is None or known[1] == values):
            text: str | None = known[2]
            return text
    except Exception:  # noqa: S110 - what was put there since may compare in any way: an array, for example
        pass
    text = None
    if keys_are_safe(values) and SCALARS.issuperset(map(type, values.values())):
        try:
            text = "," + encode(values)[1:-1]
        except (ValueError, TypeError, RecursionError):
            pass
        else:
            text = None if REDACTION.suspects(text) else text
    # Values that are not simple are not compared: their __eq__ may do anything.
    context._encoded = (REDACTION.epoch, None if text is None else dict(values), text)
    return text
