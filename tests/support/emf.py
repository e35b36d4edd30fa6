"""Checks a line against the embedded metric format: AWS's JSON schema, and what a schema cannot say."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

MAX_LINE_BYTES = 256 * 1024


@cache
def _validator() -> jsonschema.Draft202012Validator:
    schema = json.loads((Path(__file__).parents[1] / "shared_utils/data/emf.schema.json").read_text())
    return jsonschema.Draft202012Validator(schema)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names), f"a member is there twice: {names}"
    return dict(pairs)


def _no_constant(word: str) -> Any:
    raise AssertionError(f"{word} is not JSON")


def parse(line: str) -> dict[str, Any]:
    """Return a line as the document that it is; fails when CloudWatch would not take it, or Lambda would cut it."""
    assert line.endswith("\n")
    assert "\n" not in line[:-1]
    assert len(line.encode()) <= MAX_LINE_BYTES
    document: dict[str, Any] = json.loads(line, object_pairs_hook=_unique, parse_constant=_no_constant)
    _validator().validate(document)
    for directive in document["_aws"]["CloudWatchMetrics"]:
        names = [metric["Name"] for metric in directive["Metrics"]]
        assert len(set(names)) == len(names), "a metric is defined twice"
        for name in names:
            values = document[name]
            assert isinstance(values, list)
            assert 1 <= len(values) <= 100
            for value in values:
                assert type(value) in (int, float)
                assert -(2.0**360) <= value <= 2.0**360
        for dimension in {name for names in directive["Dimensions"] for name in names}:
            value = document[dimension]
            assert isinstance(value, str)
            assert 1 <= len(value) <= 1024
            for text in (dimension, value):
                assert text.strip()
                assert text.isascii()
                assert text.isprintable()
            assert not dimension.startswith(":")
            assert dimension not in names
    return document


def parse_all(text: str) -> list[dict[str, Any]]:
    """Return the documents of an output that has nothing else in it."""
    return [parse(line) for line in text.splitlines(keepends=True)]


def values(documents: list[dict[str, Any]], name: str) -> list[float]:
    """Return all values of a metric in documents."""
    return [value for document in documents for value in document.get(name, [])]
