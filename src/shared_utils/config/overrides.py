"""Values that stand in for AWS: a file for local work, a mapping for tests.

Both map references to values. What a value is there follows the source: a parameter is text (a list is a StringList), a
secret is text or an object of keys, a configuration any tree.
"""

from __future__ import annotations

import os

from shared_utils.config.cache import Value
from shared_utils.config.failures import INVALID, MISSING, Failure
from shared_utils.config.references import Reference, parse
from shared_utils.config.types.scalars import StringList

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["file_values", "look_in"]

_VARIABLE = "SHARED_UTILS_CONFIG_FILE"
_cached: tuple[object, dict[str, Any] | Failure] | None = None
_warned = False


def check_reference(text: str) -> None:
    """Refuse a key that no read would ever look for.

    Raises:
        ValueError: it is not a reference.
    """
    try:
        parse(text)
    except Failure as failure:
        wrong = f"{text!r}: {failure.what}; {failure.remedy}"
    else:
        return
    raise ValueError(wrong)


def in_lambda() -> bool:
    """Whether this is Lambda itself, and not the SAM CLI or `layerctl run`, which say so (AWS_SAM_LOCAL)."""
    if os.environ.get("AWS_SAM_LOCAL", "").lower() == "true":
        return False
    return any(
        os.environ.get(name)
        for name in ("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_INITIALIZATION_TYPE")
    )


def file_values() -> dict[str, Any] | Failure | None:
    """Return what the file holds, a failure when it cannot be used, None when it must not be."""
    global _cached, _warned  # noqa: PLW0603 - read once for as long as the file is the same
    if in_lambda():
        if not _warned:
            _warned = True
            from shared_utils.config.client import report

            report("warning", f"{_VARIABLE} is ignored: in Lambda, configuration comes from AWS only")
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
        except ValueError as error:
            return Failure(INVALID, f"{_VARIABLE}: {path}: {error}")
    return tree


def look_in(values: Mapping[str, Any] | Failure, reference: Reference) -> Value | Failure:
    """Return what `values` hold for a reference, as the source would have answered."""
    if isinstance(values, Failure):
        return values
    wanted = Reference(reference.scheme, reference.name, None, dict(reference.options)).base
    under: dict[str, Any] = {}
    for text, given in values.items():
        key = parse(text)
        if key.scheme != reference.scheme or key.scheme == "env":
            continue
        if key.base == wanted:
            if key.key is None:
                return _value(reference, given)
            if key.key == reference.key:
                if reference.scheme == "secret":
                    from shared_utils.redaction.values import register_secret

                    register_secret({key.key: given})
                return Value({key.key: given}, sensitive=reference.scheme == "secret")
        elif reference.is_path and key.name.startswith(reference.name):
            rest = key.name[len(reference.name) :]
            if rest and ("/" not in rest or reference.options.get("recursive") != "false"):
                under[rest] = _value(key, given).content
    if under:
        return Value(under)
    return Failure(MISSING, "not found among the values that stand in for AWS", remedy=f"add {reference} to them")


def _value(reference: Reference, given: Any) -> Value:
    if reference.scheme == "appconfig":
        return Value(given)
    if reference.scheme == "secret":
        from shared_utils.config.sources.reading import secret_value

        if isinstance(given, bytes):
            return secret_value({"SecretBinary": given})
        if not isinstance(given, str):
            import json

            given = json.dumps(given, default=str)
        return secret_value({"SecretString": given})
    if reference.is_path and isinstance(given, dict):
        return Value({str(name): _text(value) for name, value in given.items()})
    return Value(_text(given))


def _text(given: Any) -> Any:
    """Return a parameter's value as SSM would hold it: a text, or a StringList."""
    if isinstance(given, str):
        return given
    import json

    if isinstance(given, (list, tuple)) and all(isinstance(item, str) for item in given):
        return StringList(given)
    return json.dumps(given, default=str)
