"""The types that nearly every field has: text, numbers, truth values, bytes and secrets."""

from __future__ import annotations

from shared_utils.config.outcomes import one_line
from shared_utils.config.types.secret import Secret, make_secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = [
    "CONVERTERS",
    "IMMUTABLE",
    "ConversionError",
    "StringList",
    "contains_type",
    "copy_value",
    "to_secret",
    "to_text",
    "wrap_secret",
]

_TRUE = frozenset({"1", "true", "t", "yes", "y", "on", "enabled"})
_FALSE = frozenset({"0", "false", "f", "no", "n", "off", "disabled"})
_MISSING = object()


class StringList(list[str]):
    """The items of an SSM StringList. As a str it is the text that SSM holds: the items, joined by commas."""


class ConversionError(Exception):
    """A value is not of the expected type.

    `expected` describes the type ("a whole number"), `path` is the place in a tree ("[2].port"), and `value` is what
    was found there, which `message` shows only when it is no secret.
    """

    def __init__(self, expected: str, value: object = _MISSING, path: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.value = value
        self.path = path

    def below(self, step: str) -> ConversionError:
        """Return the same error, one step further down in a tree."""
        return ConversionError(self.expected, self.value, step + self.path)

    def message(self, *, sensitive: bool) -> str:
        """Return the sentence for an error message, without the value when it is `sensitive`."""
        where = f"at {self.path.lstrip('.')}: " if self.path else ""
        if sensitive or self.value is _MISSING:
            return f"{where}expected {self.expected}"
        return f"{where}expected {self.expected}, got {one_line(repr(self.value), 60)}"


def contains_type(kind: Any, wanted: type) -> bool:
    """Whether a type expression is `wanted`, or has it somewhere inside (in a dataclass, by its name)."""
    if kind is wanted or getattr(kind, "__origin__", None) is wanted:
        return True
    fields = getattr(kind, "__dataclass_fields__", None)
    if fields and any(wanted.__name__ in str(field.type) for field in fields.values()):
        return True
    return any(contains_type(part, wanted) for part in getattr(kind, "__args__", ()))


def wrap_secret(value: Any, kind: Any) -> Any:
    """Return text or bytes as a Secret where the type asks for one (`Secret`, `Secret | None`), the rest unchanged."""
    kinds = (kind,) if getattr(kind, "__origin__", None) is Secret else getattr(kind, "__args__", (kind,))
    asked = any(part is Secret or getattr(part, "__origin__", None) is Secret for part in kinds)
    return Secret(value) if asked and isinstance(value, (str, bytes)) and type(value) not in kinds else value


def to_text(content: Any) -> str:
    """Return a text as it is, anything else as people write it: numbers, true and false, trees as JSON."""
    if isinstance(content, str):
        return content
    if isinstance(content, StringList):
        return ",".join(content)
    if isinstance(content, bytes):
        try:
            return content.decode()
        except UnicodeDecodeError:
            broken = True
        if broken:
            raise ConversionError("text in UTF-8", content)
    if content is None:
        raise ConversionError("a text", content)
    if isinstance(content, (bool, int, float, list, dict)):
        import json

        return json.dumps(content, default=str)
    return str(content)


def to_int(content: Any) -> int:
    """Return a whole number: digits with an optional sign, or a JSON number without a fraction."""
    if isinstance(content, str):
        text = content.strip()
        digits = text[1:] if text[:1] in {"+", "-"} else text
        if digits.isascii() and digits.isdigit() and len(digits) <= 4000:  # Python's own limit is 4300
            return int(text)
    elif isinstance(content, int) and not isinstance(content, bool):
        return content
    elif isinstance(content, float) and content.is_integer():
        return int(content)
    raise ConversionError("a whole number", content)


def to_float(content: Any) -> float:
    """Return a finite number."""
    number = None
    if not isinstance(content, (bool, bytes)):  # Decimal is one, too
        try:
            number = float(content)
        except (ValueError, OverflowError, TypeError):
            number = None
    if number is None or not abs(number) < float("inf") or _has_underscore(content):
        raise ConversionError("a number", content)
    return number


def _has_underscore(content: object) -> bool:
    return isinstance(content, str) and "_" in content


def to_bool(content: Any) -> bool:
    """Return a truth value as people write it: true/false, yes/no, on/off, 1/0, enabled/disabled, in any case.

    A feature flag (an object with `enabled`) counts as what that says.
    """
    if isinstance(content, bool):
        return content
    if isinstance(content, dict) and isinstance(content.get("enabled"), bool):
        enabled: bool = content["enabled"]
        return enabled
    if isinstance(content, (str, int)):
        word = str(content).strip().lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
    raise ConversionError("true or false (or yes/no, on/off, 1/0)", content)


def to_secret(content: Any, *, kind: type[str | bytes] | None = None) -> Secret[Any]:
    """Return a Secret of `kind` (str or bytes; by default bytes where the source has bytes)."""
    if isinstance(content, Secret):
        return content
    if kind is bytes or (kind is None and isinstance(content, bytes)):
        value: str | bytes = _to_bytes(content)
    else:
        value = to_text(content)
    return make_secret(value)


def _to_bytes(content: Any) -> bytes:
    return content if isinstance(content, bytes) else to_text(content).encode("utf-8", "surrogatepass")


CONVERTERS: dict[object, Callable[[Any], Any]] = {
    str: to_text,
    int: to_int,
    float: to_float,
    bool: to_bool,
    bytes: _to_bytes,
    Secret: to_secret,
}
# Types whose values need no copy.
IMMUTABLE = frozenset({str, int, float, bool, bytes, Secret, type(None)})


def copy_value(value: Any) -> Any:
    """Return a deep copy; what is immutable is shared."""
    kind = type(value)
    if kind in IMMUTABLE:
        return value
    if kind is list or kind is StringList:
        return [copy_value(item) for item in value]
    if kind is dict:
        return {key: copy_value(item) for key, item in value.items()}
    from copy import deepcopy

    return deepcopy(value)
