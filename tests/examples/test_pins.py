"""The examples for SAM, Serverless, Terraform and the CDK pin one version of the layer, and are moved together."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from layerctl.__main__ import main

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
ARN = "arn:aws:lambda:eu-central-1:123456789012:layer:shared-utils"
CONSUMERS = ("cdk", "orders", "serverless", "terraform", "todos", "users")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The examples, in a folder where they may be changed."""
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__", ".aws-sam"))
    return tmp_path / "examples"


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_each_consumer_pins_the_layer(consumer: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`pins list` finds the pin of each kind of template, and nothing that it could not read."""
    assert main(["pins", "list", str(EXAMPLES / consumer), "--json"]) == 0
    pins = json.loads(capsys.readouterr().out)["pins"]
    assert pins
    assert {pin["arn"] for pin in pins} == {f"{ARN}:1"}


def test_one_bump_moves_all_of_them(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`pins bump --to 2` changes the version in each file, and only there."""
    assert main(["pins", "bump", "--to", "2", "--offline", str(copied)]) == 0
    capsys.readouterr()
    for consumer in CONSUMERS:
        moved = [
            path
            for path in (copied / consumer).rglob("*")
            if path.is_file() and f"{ARN}:2" in path.read_text("utf-8", "replace")
        ]
        assert moved, consumer
    assert not [
        path for path in copied.rglob("*") if path.is_file() and f"{ARN}:1" in path.read_text("utf-8", "replace")
    ]
