"""Turning what a source answered into the type that a field asks for: the types that nearly every field has.

The rest (containers, unions, enums, dates, dataclasses) is in `_convert_rich`, loaded when a field asks for it.
"""

from __future__ import annotations

from shared_utils.config.types.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["FROZEN", "StringList", "Unfit", "conceal", "convert", "copy_of", "mentions", "to_text"]

_TRUE = frozenset({"1", "true", "t", "yes", "y", "on", "enabled"})
_FALSE = frozenset({"0", "false", "f", "no", "n", "off", "disabled"})
_MISSING = object()


class StringList(list[str]):
    """The items of an SSM StringList. As a str it is the text that SSM holds: the items, joined by commas."""


class Unfit(Exception):  # noqa: N818 - never leaves this package
    """A value is not what was expected.

    `expected` says what was ("a whole number"), `path` where in a tree ("[2].port"), and `got` is the value itself,
    which `tell` shows only when it is not a secret.
    """

    def __init__(self, expected: str, got: object = _MISSING, path: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.got = got
        self.path = path

    def below(self, step: str) -> Unfit:
        """Return the same, one step further down in a tree."""
        return Unfit(self.expected, self.got, step + self.path)

    def tell(self, *, sensitive: bool) -> str:
        """Return the sentence for an error message, with the value in it only when it is not `sensitive`."""
        where = f"at {self.path.lstrip('.')}: " if self.path else ""
        if sensitive or self.got is _MISSING:
            return f"{where}expected {self.expected}"
        from shared_utils.config.failures import one_line

        return f"{where}expected {self.expected}, got {one_line(repr(self.got), 60)}"


def convert(content: Any, kind: Any) -> Any:
    """Return `content` as a `kind`.

    Args:
        content: str, bytes, StringList, or a JSON-like tree.
        kind: a type or type expression; None, Any and object take it as it is.

    Raises:
        Unfit: when it is not one.
    """
    simple = _SIMPLE.get(kind) if isinstance(kind, type) else None
    if simple is not None:
        return simple(content)
    if kind is None or kind is object:
        return list(content) if isinstance(content, StringList) else copy_of(content)
    from shared_utils.config.types.composite import convert_rich

    return convert_rich(content, kind)


def mentions(kind: Any, wanted: type) -> bool:
    """Whether a type expression is `wanted`, or has it somewhere inside (in a dataclass, by its name)."""
    if kind is wanted:
        return True
    fields = getattr(kind, "__dataclass_fields__", None)
    if fields and any(wanted.__name__ in str(field.type) for field in fields.values()):
        return True
    return any(mentions(part, wanted) for part in getattr(kind, "__args__", ()))


def conceal(value: Any, kind: Any) -> Any:
    """Return a text as a Secret where the type asks for one (`Secret`, `Secret | None`), anything else as it is."""
    kinds = getattr(kind, "__args__", (kind,))
    return _to_secret(value) if isinstance(value, str) and Secret in kinds and str not in kinds else value


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
            raise Unfit("text in UTF-8", content)
    if content is None:
        raise Unfit("a text", content)
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
    raise Unfit("a whole number", content)


def to_float(content: Any) -> float:
    """Return a finite number."""
    number = None
    if not isinstance(content, (bool, bytes)):  # Decimal is one, too
        try:
            number = float(content)
        except (ValueError, OverflowError, TypeError):
            number = None
    if number is None or not abs(number) < float("inf") or _has_underscore(content):
        raise Unfit("a number", content)
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
    raise Unfit("true or false (or yes/no, on/off, 1/0)", content)


def _to_secret(content: Any) -> Secret:
    if isinstance(content, Secret):
        return content
    from shared_utils.redaction.values import register_secret

    value = content if isinstance(content, bytes) else to_text(content)
    register_secret(value)  # for good: configuration is few values, and long-lived ones
    return Secret(value)


def _to_bytes(content: Any) -> bytes:
    return content if isinstance(content, bytes) else to_text(content).encode("utf-8", "surrogatepass")


_SIMPLE: dict[object, Callable[[Any], Any]] = {
    str: to_text,
    int: to_int,
    float: to_float,
    bool: to_bool,
    bytes: _to_bytes,
    Secret: _to_secret,
}
# Types whose values need no copy.
FROZEN = frozenset({str, int, float, bool, bytes, Secret, type(None)})


def copy_of(value: Any) -> Any:
    """Return a copy that its receiver may change without changing anybody else's; what is immutable is shared."""
    kind = type(value)
    if kind in FROZEN:
        return value
    if kind is list or kind is StringList:
        return [copy_of(item) for item in value]
    if kind is dict:
        return {key: copy_of(item) for key, item in value.items()}
    from copy import deepcopy

    return deepcopy(value)
