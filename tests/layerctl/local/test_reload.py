"""What changes while `layerctl run` serves is in the next answer: code, layers in folders and in zips."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from layerctl.local.runner import RunOptions, plan
from tests.support.running import Running, write_app

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.emulator

TEMPLATE = f"""
Resources:
  Own: {{Type: AWS::Serverless::LayerVersion, Properties: {{ContentUri: own/}}}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python{sys.version_info.major}.{sys.version_info.minor}
      Handler: app.handler
      CodeUri: src/
      Layers: [!Ref Own]
      Events: {{A: {{Type: HttpApi}}}}
"""
SOURCE = "import own\nfrom part import PART\ndef handler(event, context): return f'{PART} {own.NAME}'"
OLD = 946_684_800  # the year 2000


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An application with a module and a layer of its own."""
    folder = write_app(tmp_path / "app", template=TEMPLATE)
    for name, text in {
        "src/app.py": SOURCE,
        "src/part.py": "PART = 'code'",
        "own/python/own.py": "NAME = 'layer'",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def becomes(running: Running, expected: str) -> None:
    """Ask until the answer is there."""
    deadline = time.monotonic() + 30
    seen: Any = None
    while seen != (200, expected):
        assert time.monotonic() < deadline, seen
        seen = running.ask("/")


def test_code_and_layers(serve: Callable[..., Running], app: Path) -> None:
    """Edits of the code and of the template's own layer, and a file with an older date, are in the next answer."""
    running = serve(app)
    assert running.ask("/") == (200, "code layer")
    (app / "src/part.py").write_text("PART = 'edited'")
    becomes(running, "edited layer")
    (app / "own/python/own.py").write_text("NAME = 'new layer'")
    becomes(running, "edited new layer")
    older = app / "older.py"
    older.write_text("PART = 'olders'")  # as many bytes, and older: as a checkout or an archive brings it
    os.utime(older, (OLD, OLD))
    older.rename(app / "src/part.py")
    becomes(running, "olders new layer")


def test_a_layer_that_is_built_anew(serve: Callable[..., Running], app: Path, tmp_path: Path) -> None:
    """A zip that --layer names may be replaced."""
    shutil.make_archive(str(tmp_path / "own"), "zip", app / "own")
    running = serve(app, "--layer", f"Own={tmp_path}/own.zip")
    assert running.ask("/") == (200, "code layer")
    (app / "own/python/own.py").write_text("NAME = 'built anew'")
    shutil.make_archive(str(tmp_path / "own"), "zip", app / "own")
    becomes(running, "code built anew")


def _older(path: Path) -> None:
    os.utime(path, (OLD, OLD))


def _replaced(path: Path) -> None:
    stat = path.stat()
    other = path.with_name("other")
    other.write_bytes(path.read_bytes()[::-1])
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.rename(path)


def _longer(path: Path) -> None:
    stat = path.stat()
    path.write_bytes(path.read_bytes() + b"\n")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


CHANGES: dict[str, Callable[[Path], object]] = {
    "an older date": _older,
    "the same date and size, another file": _replaced,
    "the same date, another size": _longer,
    "gone": Path.unlink,
    "another name": lambda path: path.rename(path.with_name("renamed.py")),
    "another file": lambda path: path.with_name("more.py").write_text(""),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["src/part.py", "own/python/own.py"])
def test_any_change_is_seen(app: Path, change: str, name: str) -> None:
    """Whatever makes a file another one changes what the function looks like; nothing else does."""
    (runnable,) = plan([app], RunOptions()).runnables
    before = runnable.fingerprint()
    (app / "src/__pycache__").mkdir()
    (app / "src/__pycache__/part.pyc").write_text("")
    (app / "src/.part.py.swp").mkdir()
    assert runnable.fingerprint() == before
    CHANGES[change](app / name)
    assert runnable.fingerprint() != before
