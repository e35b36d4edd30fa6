"""A TOML file held against a JSON Schema: every mistake in words. `toml_lines` has the line that it is in."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from layerctl.core.toml_lines import Keys

__all__ = ["find_mistakes"]

_KINDS = {
    "boolean": "true or false",
    "string": "a text in quotes",
    "integer": "a whole number",
    "array": "a list",
    "object": "a table",
}


def find_mistakes(data: dict[str, Any], schema: dict[str, Any]) -> list[tuple[Keys, str]]:
    """Find everything in which data is not as its schema says: where, and what.

    Args:
        data: a parsed TOML file.
        schema: its JSON Schema (draft 2020-12). The format ``pep440`` means a version of Python's packages.
    """
    from jsonschema import Draft202012Validator

    found = [
        mistake
        for error in Draft202012Validator(schema, format_checker=_formats()).iter_errors(data)
        for mistake in _said(error, schema)
    ]
    return list(dict.fromkeys(found))


def _formats() -> Any:
    from jsonschema import FormatChecker
    from packaging.version import Version

    checker = FormatChecker(())

    @checker.checks("pep440", raises=ValueError)  # InvalidVersion, or a number of thousands of digits
    def _is_version(value: object) -> bool:
        return not isinstance(value, str) or bool(Version(value))

    return checker


def _said(error: Any, schema: dict[str, Any]) -> Iterator[tuple[Keys, str]]:
    keys: Keys = tuple(error.absolute_path)
    name, value, rule = _name(keys), error.instance, error.validator_value
    match error.validator:
        case "additionalProperties":
            for key in sorted(set(value) - set(error.schema.get("properties", ()))):
                yield (*keys, key), f"{_name((*keys, key))!r} is unknown{_meant(key, keys, error.schema, schema)}"
        case "type":
            yield keys, f"{name} must be {_KINDS[rule]}, not {_shown(value)}"
        case "required":
            yield from ((keys, f"{_name((*keys, key))} is missing") for key in rule if key not in value)
        case "enum":
            at = (*keys, value) if isinstance(value, str) and "propertyNames" in error.absolute_schema_path else keys
            yield at, f"{name} has {_shown(value)}; expected {' or '.join(rule)}"
        case "minItems" | "minProperties" | "minLength":
            yield keys, f"{name} is empty"
        case "uniqueItems":
            yield keys, f"{name} names something twice"
        case "minimum":
            yield keys, f"{name} is less than {rule}"
        case "format":
            yield keys, f"{name} {value[:60]!r} is no version as PEP 440 knows them; expected e.g. 1.4.0 or 1.4.0rc1"
        case _ if isinstance(value, str) and "propertyNames" in error.absolute_schema_path:
            yield (*keys, value), f"{name} names {value!r}; expected {error.schema['description'].rstrip('.')}"
        case _:
            yield (
                keys,
                f"{name} {value[:60]!r} is not as it must be; expected {error.schema['description'].rstrip('.')}",
            )


def _meant(key: str, keys: Keys, here: dict[str, Any], schema: dict[str, Any]) -> str:
    """A guess at what an unknown key was to be: one that is written alike, or one of another table."""
    near = _nearest(key, here.get("properties", ()))
    if near:
        return f"; did you mean {near!r}?"
    for table, known in schema["properties"].items():
        if (table,) != keys and key in known.get("properties", ()):
            return f"; it belongs in [{table}]"
    return ""


def _nearest(key: str, known: Iterable[str]) -> str | None:
    lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(key.lower(), lower, n=1, cutoff=0.7)
    return lower[near[0]] if near else None


def _name(keys: Keys) -> str:
    parts = [f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys]
    return "".join(parts).removeprefix(".") or "the file"


def _shown(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f"the text {value[:60]!r}"
        case int() | float():
            return f"the number {str(value)[:60]}"
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return str(value)[:60]
