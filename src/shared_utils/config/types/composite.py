"""The types that need more than a look: containers, unions, literals, enums, dates, durations, paths, dataclasses."""

from __future__ import annotations

import dataclasses
import enum
import json
import re
import types
import typing
from collections import abc
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import PurePath

from shared_utils.config.types.scalars import (
    CONVERTERS,
    ConversionError,
    StringList,
    contains_type,
    copy_value,
    to_secret,
    to_text,
)
from shared_utils.config.types.secret import Secret

__all__ = ["convert_any"]

_LISTS = (list, abc.Sequence, abc.MutableSequence, abc.Collection, abc.Iterable)
_SETS = (set, abc.Set, abc.MutableSet)
_DICTS = (dict, abc.Mapping, abc.MutableMapping)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|sec|min|s|m|h|d|w)", re.IGNORECASE)
_UNIT_SECONDS = {"ms": 0.001, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_ISO_DURATION = re.compile(
    r"P(?:(?P<w>\d+)W)?(?:(?P<d>\d+)D)?(?:T(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?", re.IGNORECASE
)
_CLOCK_DURATION = re.compile(r"(\d+):([0-5]\d):([0-5]\d(?:\.\d+)?)")


def convert_any(content: typing.Any, kind: typing.Any) -> typing.Any:
    """Return `content` as a `kind`; None, Any and object take it as it is.

    Raises:
        ConversionError: it is not one.
    """
    converter = CONVERTERS.get(kind) if isinstance(kind, type) else None
    if converter is not None:
        return converter(content)
    if kind is None or kind is object or kind is typing.Any:
        return list(content) if isinstance(content, StringList) else copy_value(content)
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        return convert_any(content, typing.get_args(kind)[0])
    if hasattr(kind, "__supertype__"):  # NewType
        return convert_any(content, kind.__supertype__)
    if origin is Secret:
        (of,) = typing.get_args(kind)
        return to_secret(content, kind=of if of in {str, bytes} else None)
    if origin is typing.Union or origin is types.UnionType:
        return _union(content, typing.get_args(kind))
    if origin is typing.Literal:
        return _choice(content, {choice: choice for choice in typing.get_args(kind)})
    container = origin or kind
    if container in _LISTS:
        return _items(content, kind)
    if container is tuple:
        return _tuple(content, kind)
    if container in _SETS:
        return set(_items(content, kind))
    if container is frozenset:
        return frozenset(_items(content, kind))
    if container in _DICTS or typing.is_typeddict(kind):
        return _mapping(content, kind)
    if isinstance(kind, type):
        return _class(content, kind)
    if callable(kind):
        return _call(kind, content)
    raise ConversionError(f"a type that can be read, and {kind!r} is none")


def _class(content: typing.Any, kind: type) -> typing.Any:
    if dataclasses.is_dataclass(kind):
        return _dataclass(content, kind)
    if issubclass(kind, enum.Enum):
        return _enum(content, kind)
    if kind is type(None):
        if content is None or (isinstance(content, str) and content.strip().lower() in {"", "null", "none"}):
            return None
        raise ConversionError("nothing", content)
    if kind is Decimal:
        return _decimal(content)
    if kind is timedelta:
        return _duration(content)
    if kind in {date, datetime, time}:
        return _call(kind.fromisoformat, content, f"an ISO 8601 {kind.__name__}")
    if issubclass(kind, PurePath):
        text = to_text(content)
        if not text or "\0" in text:
            raise ConversionError("a path", content)
        return kind(text)
    return _call(kind, content)


def _call(function: typing.Callable[[typing.Any], typing.Any], content: typing.Any, expected: str = "") -> typing.Any:
    """Let a class or function make something of the text (of the tree, where there is no text)."""
    given = to_text(content) if isinstance(content, (str, bytes, StringList)) else content
    try:
        return function(given)
    except Exception:  # its own text may hold the value
        failed = True
    if failed:
        raise ConversionError(expected or f"what {getattr(function, '__name__', function)} accepts", content)
    raise AssertionError  # pragma: no cover


def _union(content: typing.Any, kinds: tuple[typing.Any, ...]) -> typing.Any:
    """Return the first member that fits, in the order written. Nothing (null, an empty text) is None where allowed."""
    optional = type(None) in kinds
    others = [kind for kind in kinds if kind is not type(None)]
    if content is None and optional:
        return None
    unfit = []
    for kind in others:
        try:
            return convert_any(content, kind)
        except ConversionError as error:
            unfit.append(error)
    if optional and isinstance(content, str) and content.strip().lower() in {"", "null", "none"}:
        return None
    if len(unfit) == 1:
        raise unfit[0]
    raise ConversionError(" or ".join(error.expected for error in unfit), content)


def _choice(content: typing.Any, choices: dict[typing.Any, typing.Any]) -> typing.Any:
    """Return the choice that `content` is, compared as what it is and then as text."""
    for choice, result in choices.items():
        if type(choice) is type(content) and choice == content:
            return result
    if not isinstance(content, (dict, list)) and content is not None:
        text = to_text(content)
        for choice, result in choices.items():
            if choice is not None and to_text(choice) == text:
                return result
            if isinstance(choice, bool) and text.strip().lower() == str(choice).lower():
                return result
    raise ConversionError("one of " + ", ".join(repr(choice) for choice in choices), content)


def _enum(content: typing.Any, kind: type[enum.Enum]) -> enum.Enum:
    """Return a member by its value, else by its name (in any case)."""
    members = {member.value: member for member in kind if isinstance(member.value, (str, int, float, bool))}
    try:
        found = _choice(content, members)
    except ConversionError:
        found = None
    if found is None and isinstance(content, str):
        names = {name.lower(): member for name, member in kind.__members__.items()}
        found = names.get(content.strip().lower())
    if found is None:
        raise ConversionError("one of " + ", ".join(repr(choice) for choice in members or kind.__members__), content)
    member: enum.Enum = found
    return member


def _decimal(content: typing.Any) -> Decimal:
    number = None
    if isinstance(content, (str, int, float, Decimal)) and not isinstance(content, bool):
        try:
            number = Decimal(repr(content) if isinstance(content, float) else content)
        except InvalidOperation:
            number = None
    if number is None or not number.is_finite() or (isinstance(content, str) and "_" in content):
        raise ConversionError("a decimal number", content)
    return number


def _duration(content: typing.Any) -> timedelta:
    """Return a length of time: seconds, `1h30m`, `250ms`, ISO 8601 `PT1H30M`, or `01:30:00`."""
    seconds: float | None = None
    if isinstance(content, (int, float)) and not isinstance(content, bool):
        seconds = float(content)
    elif isinstance(content, str):
        seconds = _seconds(content.strip())
    try:
        if seconds is not None:
            return timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        seconds = None
    raise ConversionError("a duration (seconds, 1h30m, PT1H30M or 01:30:00)", content)


def _seconds(text: str) -> float | None:
    if re.fullmatch(r"[+-]?\d+(\.\d+)?", text):
        return float(text)
    iso = _ISO_DURATION.fullmatch(text)
    if iso and any(iso.groups()) and not text.upper().endswith("T"):
        return sum(float(amount) * _UNIT_SECONDS[unit] for unit, amount in iso.groupdict().items() if amount)
    clock = _CLOCK_DURATION.fullmatch(text)
    if clock:
        hours, minutes, rest = clock.groups()
        return int(hours) * 3600 + int(minutes) * 60 + float(rest)
    parts = _DURATION.findall(text)
    if parts and not _DURATION.sub("", text).strip():
        return sum(float(amount) * _UNIT_SECONDS[unit.lower()] for amount, unit in parts)
    return None


def _tree(content: typing.Any, kind: typing.Any, expected: str) -> typing.Any:
    """Return the tree that a text holds as JSON. Decimals keep their digits where a Decimal is asked for."""
    if isinstance(content, bytes):
        content = to_text(content)
    if not isinstance(content, str):
        return content
    try:
        return json.loads(content, parse_float=Decimal if contains_type(kind, Decimal) else None)
    except (ValueError, RecursionError):
        broken = True
    if broken:
        raise ConversionError(expected, content)
    raise AssertionError  # pragma: no cover


def _sequence(content: typing.Any, kind: typing.Any) -> list[typing.Any]:
    """Return the items of a list: a JSON array, or texts between commas."""
    if isinstance(content, bytes):
        content = to_text(content)
    if isinstance(content, str) and not content.lstrip().startswith("["):
        return [item.strip() for item in content.split(",")] if content.strip() else []
    items = _tree(content, kind, "a list (a JSON array, or items between commas)")
    if not isinstance(items, list):
        raise ConversionError("a list", content)
    return items


def _items(content: typing.Any, kind: typing.Any) -> list[typing.Any]:
    (of,) = typing.get_args(kind) or (None,)
    return [_at(f"[{number}]", item, of) for number, item in enumerate(_sequence(content, kind))]


def _tuple(content: typing.Any, kind: typing.Any) -> tuple[typing.Any, ...]:
    items = _sequence(content, kind)
    kinds = typing.get_args(kind)
    if not kinds:
        return tuple(convert_any(item, None) for item in items)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(items)
    if len(kinds) != len(items):
        raise ConversionError(f"{len(kinds)} items", content)
    return tuple(_at(f"[{n}]", item, of) for n, (item, of) in enumerate(zip(items, kinds, strict=True)))


def _mapping(content: typing.Any, kind: typing.Any) -> dict[typing.Any, typing.Any]:
    tree = _tree(content, kind, "a JSON object")
    if not isinstance(tree, dict):
        raise ConversionError("a JSON object", content)
    if typing.is_typeddict(kind):
        hints = typing.get_type_hints(kind, include_extras=True)
        # __required_keys__ alone does not know NotRequired where annotations are texts (PEP 563).
        optional = {key for key, hint in hints.items() if typing.get_origin(hint) is typing.NotRequired}
        hints = typing.get_type_hints(kind)
        lacking = sorted(kind.__required_keys__ - optional - tree.keys())
        if lacking:
            raise ConversionError(f"the key {lacking[0]!r} in it")
        return {key: _at(f".{key}", value, hints.get(key)) for key, value in tree.items()}
    of_key, of_value = typing.get_args(kind) or (None, None)
    return {_at(f".{key}", key, of_key): _at(f".{key}", value, of_value) for key, value in tree.items()}


def _dataclass(content: typing.Any, kind: type) -> typing.Any:
    """Return a dataclass made of a JSON object. Keys that it does not know are left alone: others may need them."""
    tree = _tree(content, kind, "a JSON object")
    if not isinstance(tree, dict):
        raise ConversionError("a JSON object", content)
    hints = typing.get_type_hints(kind, include_extras=True)
    given = {}
    for field in dataclasses.fields(kind):
        if field.init and field.name in tree:
            given[field.name] = _at(f".{field.name}", tree[field.name], hints[field.name])
        elif field.init and field.default is field.default_factory is dataclasses.MISSING:
            raise ConversionError(f"the key {field.name!r} in it")
    try:
        return kind(**given)
    except Exception:  # a __post_init__ that refuses; its text may hold the value
        refused = True
    if refused:
        raise ConversionError(f"what {kind.__name__} accepts", content)
    raise AssertionError  # pragma: no cover


def _at(step: str, item: typing.Any, kind: typing.Any) -> typing.Any:
    try:
        return convert_any(item, kind)
    except ConversionError as error:
        unfit = error.below(step)
    raise unfit
