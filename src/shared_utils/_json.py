"""Any Python value as JSON types: redacted, of bounded size and depth, without ever raising.

Types are recognised by what they have, not by importing what defines them (attrs, pydantic, ...).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import KeysView, Mapping, ValuesView
from collections.abc import Set as AbstractSet
from enum import Enum
from itertools import islice

from shared_utils.redaction import MASK, REDACTION

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

__all__ = ["JSONConverter", "text_of"]

_DEEPEST = 32
_LONGEST_KEY = 256
# What punctuation and quotes cost around a value, roughly.
_OVERHEAD = 4
# A text that looks like JSON is read and redacted as such up to this size (a request's body, mostly).
_LONGEST_JSON_TEXT = 256 * 1024
_SEQUENCES = (list, tuple, AbstractSet, deque, KeysView, ValuesView)


class JSONConverter:
    """Converts values to JSON types until `allowance` characters are used up; a marker stands for the rest."""

    def __init__(self, allowance: int) -> None:
        self.left = allowance
        self._path: set[int] = set()

    def message(self, event: Any) -> Any:
        """Return the message: text as text, whatever it looks like; other values as in any other place."""
        return self.text(event) if type(event) is str else self.value(event)

    def items(self, items: Iterable[tuple[Any, Any]], into: dict[str, Any]) -> dict[str, Any]:
        """Add `items` to the dict `into`; of keys that are the same as JSON, each is kept under a name of its own."""
        for count, (key, value) in enumerate(items):
            if self.left <= 0:
                into[self._unique("[cut]", into, 0)] = "the line is too long"
                break
            name = self._key(key)
            self.left -= len(name) + _OVERHEAD
            sensitive = REDACTION.hides(name, value)
            name = self._unique(name, into, count)
            into[name] = MASK if sensitive else self.value(value)
        return into

    def value(self, value: Any) -> Any:
        """Return `value` as JSON types."""
        self.left -= _OVERHEAD
        try:
            return self._convert(value)
        except RecursionError:
            return f"<{type(value).__name__}: nested too deep>"
        except (Exception, SystemExit) as error:  # any method of any object may raise anything
            return f"<{type(value).__name__}: {type(error).__name__} when printed>"

    def text(self, text: str, *, keep_end: bool = False, longest: int | None = None) -> str:
        """Return `text` without secrets, and cut at its end (`keep_end`: in its middle) when it is too long."""
        length = len(text)
        room = max(self.left, 0)
        if length > room or (longest is not None and length > longest):
            room = room // 2 if longest is None else min(room // 2, longest)
            # A secret may stand across the cut: look a little further than is kept, and throw that part away.
            margin = max(1024, 2 * REDACTION.longest)
            cut = f"…[{length - room} of {length} characters cut]"
            tail = _last(text, room // 2, margin) if keep_end else ""
            text = _first(text, room // 2 if keep_end else room, margin) + cut + tail
        else:
            text = _scrub(text)
        self.left -= len(text)
        return text

    def _convert(self, value: Any) -> Any:
        kind = type(value)
        if value is None or kind is bool:
            return value
        if issubclass(kind, Enum):
            return self.value(value.value)
        if issubclass(kind, str):
            return self.text(str.__str__(value))
        if issubclass(kind, int):
            return self._integer(int(value))
        if issubclass(kind, float):
            return self._float(float(value))
        if issubclass(kind, (bytes, bytearray, memoryview)):
            return self.text(bytes(value[: self.left + 1]).decode("utf-8", "backslashreplace"))
        if issubclass(kind, BaseException):
            return self.text(f"{kind.__name__}: {text_of(value)}")
        if hasattr(kind, "dtype") and getattr(value, "ndim", 1) == 0:  # a number of numpy's, or of what is like it
            number = value.item()
            return self._float(float(number)) if type(number) is kind else self._convert(number)
        if hasattr(kind, "__index__"):
            return self._integer(int(value.__index__()))
        parts = _parts(kind, value)
        if parts is None:
            return self.text(text_of(value))
        return self._container(value, parts)

    def _container(self, value: Any, parts: Callable[[], Any]) -> Any:
        if id(value) in self._path:
            return "<circular>"
        if len(self._path) >= _DEEPEST:
            return f"<{type(value).__name__}: nested too deep>"
        self._path.add(id(value))
        try:
            content = parts()
            if isinstance(content, Pairs):
                return self.items(content.pairs, {})
            return self._list(content)
        finally:
            self._path.discard(id(value))

    def _list(self, values: Iterable[Any]) -> list[Any]:
        result: list[Any] = []
        for value in values:
            if self.left <= 0:
                result.append("…[the line is too long]")
                break
            result.append(self.value(value))
        return result

    def _integer(self, value: int) -> int | str:
        # CPython refuses to print more than 4300 digits; nobody reads them either.
        if value.bit_length() > 1024:
            return f"<int of {value.bit_length()} bits>"
        text = str(value)
        self.left -= len(text)
        return value if REDACTION.scrub(text) == text else MASK

    def _float(self, value: float) -> float | str:
        self.left -= 8
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return value

    def _key(self, key: Any) -> str:
        if issubclass(type(key), Enum):
            key = key.value
        if key is None or type(key) is bool:
            return {None: "null", True: "true", False: "false"}[key]
        text = str.__str__(key) if issubclass(type(key), str) else text_of(key)
        if len(text) > _LONGEST_KEY:
            text = f"{text[:_LONGEST_KEY]}…[{len(text) - _LONGEST_KEY} of {len(text)} characters cut]"
        return REDACTION.scrub(text)

    def _unique(self, name: str, taken: dict[str, Any], count: int) -> str:
        if name not in taken:
            return name
        while f"{name}_{count}" in taken:
            count += 1
        return f"{name}_{count}"


class Pairs:
    """Keys and values of something that becomes a JSON object."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        self.pairs = pairs


def _parts(kind: type, value: Any) -> Callable[[], Any] | None:
    """Return how to take a container or record apart, or None when it is neither."""
    if issubclass(kind, dict):
        return lambda: Pairs(list(dict.items(value)))
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return lambda: Pairs(list(zip(kind._fields, value, strict=False)))
    if issubclass(kind, (set, frozenset)):
        return lambda: sorted(value, key=text_of) if len(value) < 1000 else islice(value, 1000)
    if issubclass(kind, _SEQUENCES):
        return lambda: list(value)
    if issubclass(kind, Mapping):
        return lambda: Pairs(list(value.items()))
    if hasattr(kind, "__dataclass_fields__"):
        return lambda: Pairs(_fields(value, ((f.name, f.repr) for f in kind.__dataclass_fields__.values())))
    if hasattr(kind, "__attrs_attrs__"):
        return lambda: Pairs(_fields(value, ((a.name, bool(a.repr)) for a in kind.__attrs_attrs__)))
    pydantic = getattr(kind, "__pydantic_fields__", None)
    if isinstance(pydantic, dict):
        shown = [(name, getattr(field, "repr", True)) for name, field in pydantic.items()]
        return lambda: Pairs(_fields(value, shown + [(name, True) for name in (value.__pydantic_extra__ or ())]))
    return None


def _fields(value: Any, fields: Iterable[tuple[str, bool]]) -> list[tuple[str, Any]]:
    """Return the fields that an object has; one that is kept out of its repr is kept out of its line too."""
    missing = object()
    pairs = []
    for name, shown in fields:
        content = getattr(value, name, missing)
        if content is not missing:
            pairs.append((name, content if shown or content is None else _HIDDEN))
    return pairs


class _Hidden:
    """Stands for a field that its class keeps out of its repr."""

    def __str__(self) -> str:
        return MASK


_HIDDEN = _Hidden()


def _first(text: str, room: int, margin: int) -> str:
    """Return the first `room` characters of `text`, or less, without secrets that begin there and end in the margin."""
    if len(text) <= room + margin:
        return REDACTION.scrub(text)[:room]
    return REDACTION.scrub(text[: room + margin])[:-margin]


def _last(text: str, room: int, margin: int) -> str:
    """Return the last `room` characters of `text`, or less, likewise."""
    if len(text) <= room + margin:
        scrubbed = REDACTION.scrub(text)
        return scrubbed[max(0, len(scrubbed) - room) :]
    return REDACTION.scrub(text[len(text) - room - margin :])[margin:]


def _scrub(text: str) -> str:
    """Return the text without secrets; JSON inside it is looked through as JSON."""
    scrubbed = REDACTION.scrub(text)
    if scrubbed != text and text[:1] in ("{", "[") and len(text) <= _LONGEST_JSON_TEXT:
        import json

        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            return scrubbed
        return json.dumps(JSONConverter(2 * len(text)).value(content), ensure_ascii=False)
    return scrubbed


def text_of(value: Any) -> str:
    """Return ``str(value)``, in ISO 8601 for dates and times; when that fails, what can be said of it."""
    try:
        kind = type(value)
        if hasattr(kind, "isoformat"):
            return str(value.isoformat())
        return str.__str__(str(value))
    except (Exception, SystemExit) as error:
        return f"<{type(value).__name__}: {type(error).__name__} when printed>"
