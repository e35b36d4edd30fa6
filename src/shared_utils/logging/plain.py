"""Plain values as JSON for lines that processors or the user's serializer have a hand in.

Loaded when `configure` was given any of these.
"""

from __future__ import annotations

from json.encoder import encode_basestring

from shared_utils.logging.fields import CONTROL_KEYS, RESERVED_KEYS, standard, timestamp
from shared_utils.logging.full import location_of, render_full, serialized
from shared_utils.logging.render import MOST_SAFE_KEYS, SCALARS, containers_are_plain, encode, keys_are_safe
from shared_utils.logging.settings import SETTINGS
from shared_utils.redaction import REDACTION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

    from shared_utils.logging.render import Context
    from shared_utils.logging.state import LogState

__all__ = ["encode_plain", "render_serialized"]

_known_keys: set[str] = set()  # keys that may be written as they are, the line's own among them
_epoch = -1


def encode_plain(values: dict[str, Any]) -> str | None:
    """Return `values`, standing keys among them, as JSON; None when they need the full way."""
    global _epoch  # noqa: PLW0603 - of the rules by which the known keys were judged
    if _epoch != REDACTION.epoch:
        _known_keys.clear()
        _known_keys.update(RESERVED_KEYS)
        _epoch = REDACTION.epoch
    if not _known_keys.issuperset(values):
        for key in values:
            if key not in _known_keys:
                if key in CONTROL_KEYS or not (type(key) is str and not REDACTION.is_sensitive(key)):
                    return None
                if len(_known_keys) < MOST_SAFE_KEYS:
                    _known_keys.add(key)
    if not (SCALARS.issuperset(map(type, values.values())) or containers_are_plain(values.values(), 0)):
        return None
    try:
        text: str = encode(values)
    except (ValueError, TypeError, RecursionError):
        return None
    return text


def render_serialized(  # noqa: PLR0917 - as render
    number: int,
    event: Any,
    values: dict[str, Any],
    where: FrameType | str | None,
    name: str | None,
    contexts: tuple[Context, ...],
    state: LogState,
) -> str:
    """Return the line that the user's serializer makes of a call. For the arguments see `render`."""
    bound = {key: value for context in contexts for key, value in context._context.items()}
    values = {**bound, **values}
    if type(event) is str and keys_are_safe(values):
        encoded = encode_plain(values)
        if encoded is not None and not REDACTION.suspects(encode_basestring(event) + encoded):
            record: dict[str, Any] = {"level": SETTINGS.names[standard(number)]}
            if where is not None:
                record["location"] = where if isinstance(where, str) else location_of(where)
            if name is not None:
                record["logger"] = name
            record |= {"message": event, "timestamp": timestamp(), **state.fields()}
            names = SETTINGS.key_names
            if names:
                record = {shown: value for key, value in record.items() if (shown := names.get(key, key)) is not None}
            line = serialized(record | values, report=False)
            if line is not None and len(line) < SETTINGS.safe_chars:
                return line
    return render_full(number, event, values, where, name, state)
