"""Any Python value as strict JSON text (RFC 8259): never NaN, never an exception, ASCII only.

The C encoder does the work when it can; only what it refuses (NaN, keys that are no strings, cycles, lone surrogates)
is copied into plain values first.
"""

from __future__ import annotations

import json
from typing import Any

__all__ = ["encode"]

_DEEPEST = 40  # levels of nesting that are written out; far below the C encoder's recursion limit


def encode(value: Any) -> str:
    """Return `value` as JSON text in ASCII. Objects become their `str`; NaN and Infinity become those words."""
    try:
        text = _ENCODER.encode(value)
    except Exception:  # an arbitrary object's methods may raise anything
        text = "\\ud"
    # An escaped surrogate may be half of an emoji or stand alone, which strict parsers refuse: look closer.
    return _ENCODER.encode(_plain(value, ())) if "\\ud" in text else text


def _text(value: object) -> str:
    """Return the `str` of anything; an object that has none is named by its type."""
    try:
        return str(value)
    except Exception:  # __str__ may raise anything, and int refuses more than 4300 digits
        return f"<{type(value).__name__} that cannot be printed>"


def _plain(value: Any, parents: tuple[int, ...]) -> Any:
    """Return a copy of `value` that consists of JSON's own types only; `parents` are the ids of what contains it."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, float):
        return float(value) if -float("inf") < value < float("inf") else _text(float(value))
    if isinstance(value, int):
        return int(value) if value.bit_length() < 10_000 else f"<int of {value.bit_length()} bits>"
    if isinstance(value, dict | list | tuple):
        if id(value) in parents or len(parents) == _DEEPEST:
            return "..."
        inside = (*parents, id(value))
        if isinstance(value, dict):
            return {_plain(_text(key), ()): _plain(item, inside) for key, item in value.items()}
        return [_plain(item, inside) for item in value]
    return _plain(_text(value), ())


_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=_text)
