"""`layerctl build` on a small repository: what it refuses, in one line, with nothing half-written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from layerctl.__main__ import main
from layerctl.build import BuildOptions, build_layer
from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.mini_repository import MiniRepository


def _fails(mini: MiniRepository, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a build that must fail, and return its one line."""
    before = sorted(mini.root.rglob("*"))
    code = main(["build", "--layer-config", str(mini.root / "layer/layer.toml"), *arguments])
    error = capsys.readouterr().err
    lines = [line for line in error.splitlines() if line and not line.startswith("warning: ")]
    assert code == 2
    assert len(lines) == 1, error
    assert lines[0].startswith("error: ")
    left = [path for path in sorted(mini.root.rglob("*")) if path not in before]
    assert [path.name for path in left] in ([], ["build"], ["build", ".lock"]), "a failed build leaves nothing behind"
    return lines[0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("--hash=sha256:", "--hash=sha256:" + "0" * 64 + " # ", "does not match"),
        ("--hash=sha256:", "# ", "requirements.txt:1: pure-dep has no sha256 hash"),
        ("pure-dep==1.0", "pure-dep>=1.0", "requirements.txt:1: pure-dep is not pinned"),
        ("pure-dep==1.0", "-r other.txt", "requirements.txt:1: '-r other.txt' is not a pinned requirement"),
        ("pure-dep==1.0", "pure-dep==1.5", "can't be installed for python3.11 on x86_64"),
        ("pure-dep==1.0", "no-such-dep==1.0", "can't be installed for python3.11 on x86_64"),
    ],
)
def test_a_lock_that_does_not_fit(
    mini: MiniRepository, capsys: pytest.CaptureFixture[str], old: str, new: str, message: str
) -> None:
    """A lock without hashes, with wrong ones, or for something else is refused with the file and the hint."""
    mini.edit("layer/requirements.txt", old, new)
    assert message in _fails(mini, capsys)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (("pyproject.toml", "pure-dep>=1", "pure-dep>=2"), "mini-layer 0.3.0 needs pure-dep>=2"),
        (("pyproject.toml", "pure-dep>=1", "missing-dep"), "mini-layer 0.3.0 needs missing-dep"),
        (("pyproject.toml", "hatchling.build", "no_such_backend"), "the wheel can't be built"),
        (("pyproject.toml", '["hatchling"]', '["hatchling>=999"]'), "the build backend needs hatchling>=999"),
        (("pyproject.toml", "[project]", "[project"), "the wheel can't be built"),
        (("pyproject.toml", 'name = "mini-layer"', 'name = "other"'), "can't be installed as mini-layer"),
        (("src/mini_layer/clock.py", "def tick():", "def tick(:"), "clock.py does not compile on python3.11"),
        (("layer/layer.toml", "zipped = 100_000", "zipped = 1_000"), "over the budget of 1,020"),
        (("layer/layer.toml", "[provided]", "[provided]\nbundle-sdk = true"), "lacks boto3, botocore"),
        (("layer/layer.toml", '"3.11.7"', "["), "is not TOML"),
        (
            ("layer/layer.toml", 'requirements = "requirements.txt"', 'requirements = "none.txt"'),
            "none.txt does not exist",
        ),
    ],
)
def test_a_repository_that_can_not_be_built(
    mini: MiniRepository, capsys: pytest.CaptureFixture[str], edit: tuple[str, str, str], message: str
) -> None:
    """Each mistake gets one line that names it, and nothing half-written."""
    mini.edit(*edit)
    assert message in _fails(mini, capsys)


def test_a_failed_build_leaves_the_last_one(mini: MiniRepository, capsys: pytest.CaptureFixture[str]) -> None:
    """When a build fails, zip, manifest and stage stay as the one before left them."""
    build_layer(mini.config, BuildOptions(out=mini.root / "dist", stage=mini.root / "layer/python"))
    before = {path: path.read_bytes() for path in mini.root.rglob("*") if path.is_file()}
    mini.edit("pyproject.toml", "pure-dep>=1", "pure-dep>=2")
    _fails(mini, capsys)
    after = {path: path.read_bytes() for path in mini.root.rglob("*") if path.is_file()}
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert changed == {mini.root / "pyproject.toml"}


def test_without_a_network(
    mini: MiniRepository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index that can't be reached is named as the trouble, with what to do."""
    monkeypatch.delenv("UV_NO_INDEX")
    monkeypatch.delenv("UV_FIND_LINKS")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    line = _fails(mini, capsys)
    assert "can't be downloaded" in line
    assert "check the network" in line


def test_strict_takes_exactly_the_named_interpreters(mini: MiniRepository, capsys: pytest.CaptureFixture[str]) -> None:
    """--strict refuses a missing interpreter and another patch level, and names both."""
    mini.edit("layer/layer.toml", '"3.11.7"', '"3.11.99"')
    mini.edit("layer/layer.toml", '"python3.13" = "3.13.0"', '"python3.99" = "3.99.0"')
    line = _fails(mini, capsys, "--strict")
    assert "layer.toml names 3.11.99" in line
    assert "no interpreter for python3.99" in line


def test_a_link_out_of_the_repository_is_refused(mini: MiniRepository, tmp_path: Path) -> None:
    """A link in the sources that leads elsewhere would put somebody's file into the layer."""
    (tmp_path / "private.py").write_text("")
    (mini.root / "src/mini_layer/private.py").symlink_to(tmp_path / "private.py")
    with pytest.raises(LayerctlError, match="leads out of the repository"):
        build_layer(mini.config, BuildOptions(out=mini.root / "dist"))
