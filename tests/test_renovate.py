"""The preset for Renovate: which pins it moves. Its run on a fixture needs Renovate itself (docs/decisions/pins.md)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

PRESET = Path(__file__).parents[1] / "renovate" / "layer.json"


@pytest.fixture
def pattern() -> re.Pattern[str]:
    """The expression that finds pins, for the layer `shared-utils`."""
    (manager,) = json.loads(PRESET.read_text("utf-8"))["customManagers"]
    (text,) = manager["matchStrings"]
    return re.compile(text.replace("{{arg0}}", "shared-utils").replace("(?<", "(?P<"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("arn:aws:lambda:eu-central-1:123456789012:layer:shared-utils:17", ("eu-central-1", "17")),
        ("'arn:aws-cn:lambda:cn-north-1:123456789012:layer:shared-utils:3'", ("cn-north-1", "3")),
        ("arn:aws:lambda:eu-central-1:123456789012:layer:shared-utils-more:17", None),
        ("arn:aws:lambda:eu-central-1:123456789012:layer:other:17", None),
        ("arn:aws:lambda:${AWS::Region}:123456789012:layer:shared-utils:17", None),
    ],
)
def test_a_pin_is_found_with_its_region(pattern, text, found):
    """Region and version of a literal ARN of that layer; another layer, or an open region, is left alone."""
    match = pattern.search(text)
    assert (match and (match["packageName"], match["currentValue"])) == found


def test_what_the_preset_asks_of_the_index_is_in_its_schema():
    """The fields that the expression takes from layers.json are those of its JSON Schema."""
    (expression,) = json.loads(PRESET.read_text("utf-8"))["customDatasources"]["lambda-layer"]["transformTemplates"]
    schema = (PRESET.parents[1] / "layerctl/src/layerctl/releases/index/schema.json").read_text("utf-8")
    for name in ("releases", "yanked", "regions", "arn", "date"):
        assert re.search(rf"\b{name}\b", expression)
        assert f'"{name}"' in schema
