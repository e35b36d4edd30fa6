"""The demonstration: it ends by itself, shows what it must, and fails when anything is off."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.emulator


def demo(layer: Path) -> subprocess.CompletedProcess[str]:
    """Play the demonstration on a layer."""
    command = [sys.executable, str(ROOT / "examples/demo.py"), "--layer", str(layer)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_the_demonstration_shows_everything(built_layer: Path) -> None:
    """Answers of every status, log lines with request id and cold start, EMF documents; exit code 0."""
    result = demo(built_layer)
    assert (result.returncode, result.stderr) == (0, ""), result.stdout
    for expected in (
        "GET /todos  200",
        "GET /users  200",
        "POST /todos  201",
        "POST /todos  400",
        "GET /todos/none  404",
    ):
        assert expected in result.stdout
    lines = [line[10:] for line in result.stdout.splitlines() if line[10:].startswith("{")]
    records = [json.loads(line) for line in lines]
    logs = [record for record in records if "function_request_id" in record]
    assert {record["cold_start"] for record in logs} == {True, False}
    assert len({record["function_request_id"] for record in logs}) == 10
    assert any("TodosListed" in record for record in records if "_aws" in record)
    assert "everything as it should be" in result.stdout


def test_another_version_in_the_layer_fails_it(built_layer: Path, tmp_path: Path) -> None:
    """When the code that answers is not the layer's, the demonstration says so and fails."""
    layer = tmp_path / "layer"
    shutil.copytree(built_layer, layer)
    package = layer / "python/shared_utils"
    (package / "_version.py").write_text('__version__ = "0.0.1"\n')
    for bytecode in package.glob("__pycache__/_version.*"):
        bytecode.unlink()
    result = demo(layer)
    assert result.returncode == 1
    assert "version 0.0.1 instead of the layer's" in result.stdout


def test_a_layer_that_cannot_be_imported_fails_it(built_layer: Path, tmp_path: Path) -> None:
    """When the functions cannot start, one line says why."""
    layer = tmp_path / "layer"
    shutil.copytree(built_layer, layer)
    (layer / "python/shared_utils/__init__.py").write_text("raise RuntimeError('broken layer')\n")
    for bytecode in (layer / "python/shared_utils").glob("__pycache__/__init__.*"):
        bytecode.unlink()
    result = demo(layer)
    assert result.returncode != 0
    assert "RuntimeError: broken layer" in result.stderr


def test_without_a_layer_it_says_what_to_do(tmp_path: Path) -> None:
    """A folder that is no layer is told in one line."""
    result = demo(tmp_path)
    assert result.returncode == 1
    assert "run `sam build`" in result.stderr
    assert len(result.stderr.splitlines()) == 1
