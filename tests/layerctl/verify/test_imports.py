"""`layerctl verify --import`: every module is tried as a function would import it."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from layerctl.config import LayerConfig
from layerctl.core.diagnostics import Severity
from layerctl.verify import Options, verify
from tests.support.elf import tiny_elf
from tests.support.layer_zips import PYC, LayerZip

if TYPE_CHECKING:
    from layerctl.core.diagnostics import Finding

CONFIG = Path(__file__).parents[1] / "fixtures" / "verify.toml"
CORE = "python/good/core.py"


@pytest.fixture
def good() -> LayerZip:
    """A layer of Python modules alone, in which nothing is wrong."""
    layer = LayerZip()
    for path in list(layer.files):
        if path.endswith((".so", ".pyc")):
            del layer.files[path]
    return layer


@pytest.fixture
def config() -> LayerConfig:
    """What it is judged by."""
    return LayerConfig.load(CONFIG)


def _imported(layer: LayerZip, folder: Path, config: LayerConfig | None) -> list[Finding]:
    """What is wrong when the modules are imported, apart from interpreters that this machine lacks."""
    findings = verify(layer.write(folder / "x.zip"), config, Options(imports=True))
    return [one for one in findings if (one.rule, one.severity) != ("not-tried", Severity.NOTE)]


@pytest.mark.parametrize(
    "module",
    [
        (b"import no_such_module\n", "No module named 'no_such_module'"),
        (b"import sys\nsys.exit(3)\n", "SystemExit"),
        (b"import os\nos._exit(3)\n", "ended with 3"),
        (b"import os\nos.kill(os.getpid(), 9)\n", "killed by signal 9"),
        (b"x = bytearray(1 << 36)\n", "MemoryError"),
        (b"import os\nassert 'AWS_SECRET_ACCESS_KEY' in os.environ\n", "AssertionError"),
        (b"import click\n", "No module named 'click'"),
    ],
)
def test_modules_that_can_not_be_imported(
    good: LayerZip, config: LayerConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: tuple[bytes, str]
) -> None:
    """Whatever a module does at import is told with its file; it neither stops the check nor sees the caller's keys."""
    source, message = module
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "caller")
    good.files[CORE] = source
    findings = _imported(good, tmp_path, config)
    assert {(finding.rule, finding.path) for finding in findings} == {("import-failed", CORE)}
    assert all(message in finding.message for finding in findings)


def test_what_the_runtime_provides_can_be_imported(good: LayerZip, config: LayerConfig, tmp_path: Path) -> None:
    """A module of the layer may import boto3 at once: the runtime has it."""
    good.files[CORE] = b"import boto3\n"
    assert _imported(good, tmp_path, config) == []


def test_another_architecture_is_told(good: LayerZip, tmp_path: Path) -> None:
    """A layer for another processor is not tried, and that is said with both architectures, once."""
    other = "arm64" if platform.machine() == "x86_64" else "x86_64"
    good.files["python/good/_fast.abi3.so"] = tiny_elf(other)
    (finding,) = _imported(good, tmp_path, None)
    assert (finding.rule, finding.severity) == ("not-tried", Severity.WARNING)
    assert other in finding.message
    assert platform.machine() in finding.message


def test_an_interpreter_that_is_not_here_is_told(good: LayerZip, tmp_path: Path) -> None:
    """Imports that could not be tried, and bytecode that could not be loaded, are named."""
    findings = verify(good.write(tmp_path / "x.zip"), None, Options(imports=True, runtimes=("python3.99",)))
    assert [(one.rule, one.severity) for one in findings] == [("not-tried", Severity.NOTE)]
    assert "python3.99" in findings[0].message
    good.files[PYC.replace("311", "399")] = b""
