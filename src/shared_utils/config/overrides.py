"""Values that override AWS: a file for local work, a mapping for tests.

Both map references to values. The form of a value follows the source: a parameter is text (a list is a StringList), a
secret is text or an object of keys, a configuration any tree.
"""

from __future__ import annotations

import os

from shared_utils._env import in_lambda, text_of
from shared_utils.config.outcomes import INVALID, MISSING, Failure, Value
from shared_utils.config.references import Reference
from shared_utils.config.sources.registry import parse, source_of
from shared_utils.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["check_reference", "file_values", "find_override"]

_VARIABLE = "SHARED_UTILS_CONFIG_FILE"
_cached: tuple[object, dict[str, Any] | Failure] | None = None
_warned = False


def check_reference(text: str) -> None:
    """Refuse a key that is no reference, because no read would ever look for it.

    Raises:
        ConfigError: it is not a reference.
    """
    try:
        parse(text)
    except Failure as failure:
        wrong = f"{text!r}: {failure.what}; {failure.hint}"
    else:
        return
    raise ConfigError(wrong)


def file_values() -> dict[str, Any] | Failure | None:
    """Return what the file holds, a failure when it cannot be used, None when it must not be."""
    global _cached, _warned  # noqa: PLW0603 - read once for as long as the file is the same
    if in_lambda():
        if not _warned:
            _warned = True
            from shared_utils import logging

            logging.warning(f"{_VARIABLE} is ignored: in Lambda, configuration comes from AWS only")
        return None
    path = text_of(_VARIABLE)
    try:
        state = os.stat(path)  # noqa: PTH116 - pathlib costs 3 ms
        mark = (path, state.st_mtime_ns, state.st_size, state.st_ino)
    except FileNotFoundError:
        where = "" if os.path.isabs(path) else f" in {os.getcwd()}"  # noqa: PTH117, PTH109
        return _unusable(f"names {path}, and there is no such file{where}", "correct the path, or unset the variable")
    except (OSError, ValueError) as error:
        return _unusable(f"names {path}, which cannot be read ({_reason(error)})", "correct the path or its mode")
    if _cached is None or _cached[0] != mark:
        _cached = (mark, _load(path))
    return _cached[1]


def _load(path: str) -> dict[str, Any] | Failure:
    import json
    import tomllib

    kind = "JSON" if path.endswith(".json") else "TOML"
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            text = file.read().decode()
        tree = json.loads(text) if kind == "JSON" else tomllib.loads(text)
    except OSError as error:
        return _unusable(f"names {path}, which cannot be read ({_reason(error)})", "correct the path or its mode")
    except (ValueError, RecursionError) as error:
        return _unusable(f"names {path}, which is not {kind} ({_place(error)})", "correct the file")
    if not isinstance(tree, dict):
        return _unusable(f"names {path}, which is not a mapping of references to values", "correct the file")
    for key in tree:
        try:
            parse(key)
        except Failure as failure:
            return _unusable(f"names {path}, where {key!r} is wrong: {failure.what}", failure.hint)
    return tree


def _unusable(what: str, hint: str) -> Failure:
    return Failure(INVALID, f"{_VARIABLE} {what}", hint=hint)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__


def _place(error: Exception) -> str:
    """Return where a parser stopped, and nothing of what stands there."""
    if isinstance(error, UnicodeDecodeError):
        return f"line {error.object[: error.start].count(10) + 1} is not UTF-8"
    line = getattr(error, "lineno", None)
    if line is None:
        import re

        found = re.search(r"at line (\d+)", str(error))
        line = found[1] if found else None
    return f"line {line}" if line is not None else "nested too deep" if isinstance(error, RecursionError) else "its end"


def find_override(values: Mapping[str, Any] | Failure, reference: Reference) -> Value | Failure:
    """Return what `values` have for a reference, as its source would have answered."""
    if isinstance(values, Failure):
        return values
    below: dict[str, Any] = {}
    for text, given in values.items():
        key = parse(text)
        if key.base == reference.base:
            if key.key is None:
                return source_of(reference.scheme).local_value(reference, given)
            if key.key == reference.key:
                return _part(key, given, secret=source_of(reference.scheme).secret)
        elif reference.children is not None:
            name = reference.children.name_of(key.base)
            if name is not None:
                below[name] = source_of(key.scheme).local_value(key, given).content
    if below:
        return Value(below)
    hint = f"add {reference} to the file that {_VARIABLE} names"
    if values is not _file_tree():
        hint = f"add {reference} to config_values"
    return Failure(MISSING, "not found among the values that override AWS", hint=hint)


def _file_tree() -> object:
    return None if _cached is None else _cached[1]


def _part(key: Reference, given: Any, *, secret: bool) -> Value:
    """Return a value that has one key only, which was given by itself."""
    if secret:
        from shared_utils.redaction.values import register_secret

        register_secret({key.key: given}, owner=str(key))
    return Value({key.key: given}, sensitive=secret)
