"""The reference page of layer.toml, written from its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["PAGE", "render"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "layer-toml.md"

_INTRODUCTION = """\
# layer.toml

Written from `layerctl/src/layerctl/layer.schema.json` (`make reference`), a JSON Schema that editors understand: put
`#:schema PATH-TO/layer.schema.json` into the file's first line. An unknown key, a value of another type and a version
that PEP 440 does not know are errors with their line; then no command does anything.
"""
_KINDS = {"string": "text", "boolean": "true or false", "integer": "whole number", "array": "list", "object": "table"}


def render(schema: dict[str, Any]) -> str:
    """Write the page."""
    parts = [_INTRODUCTION]
    for name, table in schema["properties"].items():
        needed = " Required." if name in schema["required"] else ""
        parts.append(f"## {name}\n\n{table['description']}{needed}\n")
        parts.append(
            "\n".join(["| key | value | default | meaning |", "|---|---|---|---|", *_rows(schema, table)]) + "\n"
        )
    return "\n".join(parts)


def _rows(schema: dict[str, Any], table: dict[str, Any]) -> Iterator[str]:
    for key, found in table.get("properties", {}).items():
        yield _row(key, _whole(schema, found), required=key in table.get("required", ()))
    if names := table.get("propertyNames"):
        yield _row(names["description"].split(",")[0], table["additionalProperties"], required=False, quote="")


def _row(key: str, value: dict[str, Any], *, required: bool, quote: str = "`") -> str:
    default = "required" if required else f"`{json.dumps(value['default'])}`" if "default" in value else ""
    examples = "".join(
        f" Example: `{json.dumps(example, ensure_ascii=False)}`." for example in value.get("examples", ())
    )
    return f"| {quote}{key}{quote} | {_kind(value)} | {default} | {value['description']}{examples} |"


def _kind(value: dict[str, Any]) -> str:
    items = value.get("items", {})
    return f"list of {', '.join(items['enum'])}" if "enum" in items else _KINDS[value["type"]]


def _whole(schema: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """A value's schema with what it refers to."""
    reference = value.get("$ref", "").rpartition("/")[2]
    whole: dict[str, Any] = schema["$defs"].get(reference, {}) | value
    return whole
