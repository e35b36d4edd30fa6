"""Fixtures that run handlers on the *built* layer in AWS's emulator, so that tests see what Lambda would see."""

from __future__ import annotations

import fcntl
import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from layerctl.build import BuildOptions, build_layer
from layerctl.config import LayerConfig
from layerctl.local.emulator import Emulator, FunctionLimits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["built_layer", "emulated"]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def built_layer(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The layer's content as it would lie in /opt (it holds ``python/``), built once for all xdist workers."""
    session = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        session = session.parent
    folder = session / "built-layer"
    with (session / "built-layer.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            scratch = session / "built-layer.part"
            shutil.rmtree(scratch, ignore_errors=True)
            config = LayerConfig.load(ROOT / "layer" / "layer.toml")
            build_layer(config, BuildOptions(stage=scratch / "python"))
            scratch.rename(folder)
    return folder


@pytest.fixture
def emulated(built_layer: Path, tmp_path: Path) -> Iterator[Callable[..., Emulator]]:
    """Start functions from source text on the built layer: ``emulated(source, timeout=…, environment={…})``.

    The source is the module ``app``; its ``handler`` is called. Ended with the test.
    """
    running: list[Emulator] = []

    def start(source: str, *, environment: dict[str, str] | None = None, **more: Any) -> Emulator:
        folder = tmp_path / f"function-{len(running)}"
        folder.mkdir()
        (folder / "app.py").write_text(textwrap.dedent(source), "utf-8")
        layers = more.pop("layers", [built_layer])
        interpreter = more.pop("interpreter", None)
        limits = FunctionLimits(**more)  # name, timeout, memory, log_format, log_level
        emulator = Emulator(
            folder, "app.handler", layers=layers, interpreter=interpreter, environment=environment, limits=limits
        )
        emulator.start()
        running.append(emulator)
        return emulator

    yield start
    for emulator in running:
        emulator.stop()
