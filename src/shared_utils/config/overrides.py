"""Values that override AWS: a file for local work, a mapping for tests.

Both map references to values. The form of a value follows the source: a parameter is text (a list is a StringList), a
secret is text or an object of keys, a configuration any tree.
"""

from __future__ import annotations

import os

from shared_utils._env import in_lambda
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
        wrong = f"{text!r}: {failure.what}; {failure.remedy}"
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
    path = os.environ[_VARIABLE]
    try:
        state = os.stat(path)  # noqa: PTH116 - pathlib costs 3 ms
        mark = (path, state.st_mtime_ns, state.st_size, state.st_ino)
    except (OSError, ValueError):
        return Failure(
            INVALID, f"{_VARIABLE} names {path}, which cannot be read", remedy="correct the path, or unset it"
        )
    if _cached is None or _cached[0] != mark:
        _cached = (mark, _load(path))
    return _cached[1]


def _load(path: str) -> dict[str, Any] | Failure:
    import json
    import tomllib

    try:
        with open(path, "rb") as file:  # noqa: PTH123
            text = file.read().decode()
        tree = json.loads(text) if path.endswith(".json") else tomllib.loads(text)
    except OSError:
        return Failure(
            INVALID, f"{_VARIABLE} names {path}, which cannot be read", remedy="correct the path, or unset it"
        )
    except ValueError as error:  # both parsers' errors are; neither repeats more than a place
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "see its syntax"
        kind = "JSON" if path.endswith(".json") else "TOML"
        return Failure(INVALID, f"{_VARIABLE} names {path}, which is not {kind} ({where})", remedy="correct the file")
    if not isinstance(tree, dict):
        return Failure(
            INVALID, f"{_VARIABLE}: {path} is not a mapping of references to values", remedy="correct the file"
        )
    for key in tree:
        try:
            check_reference(key)
        except ConfigError as error:
            return Failure(INVALID, f"{_VARIABLE}: {path}: {error}")
    return tree


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
                return _part(reference.scheme, key.key, given)
        elif reference.children is not None:
            name = reference.children.name_of(key.base)
            if name is not None:
                below[name] = source_of(key.scheme).local_value(key, given).content
    if below:
        return Value(below)
    return Failure(MISSING, "not found among the values that override AWS", remedy=f"add {reference} to them")


def _part(scheme: str, key: str, given: Any) -> Value:
    """Return a value that has one key only, which was given by itself."""
    if scheme == "secret":
        from shared_utils.redaction.values import register_secret

        register_secret({key: given})
    return Value({key: given}, sensitive=scheme == "secret")
