"""`--install-pythons` with the real uv, which takes an interpreter from a mirror on loopback."""

from __future__ import annotations

import hashlib
import json
import platform
import pwd
import sys
import tarfile
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from layerctl.__main__ import main
from layerctl.artifact import open_artifact
from layerctl.core.runtimes import USUAL_RELEASES
from layerctl.local.emulator import own_interpreter
from layerctl.python.interpreters import find_interpreters
from tests.support.loopback import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.python.interpreters import Interpreter
    from tests.support.mini_repository import MiniRepository

FAMILY = {"x86_64": "x86_64", "aarch64": "aarch64"}.get(platform.machine(), "")
# Where uv's own list of downloads leads; UV_PYTHON_INSTALL_MIRROR takes the place of it.
RELEASES = "https://github.com/astral-sh/python-build-standalone/releases/download"
LEFT_OUT = {"site-packages", "test", "__pycache__", "ensurepip", "idlelib", "tkinter", "lib2to3", "pydoc_data"}


def archive(interpreter: Interpreter, folder: Path) -> tuple[str, str]:
    """Write an interpreter of this machine as python-build-standalone lays its archives out; give path and SHA-256."""
    short, prefix = interpreter.runtime, interpreter.path.resolve().parents[1]
    path = folder / "20240107" / f"cpython-{interpreter.version}+20240107-{FAMILY}-install_only.tar.gz"
    path.parent.mkdir(parents=True)

    def wanted(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        return None if LEFT_OUT & set(info.name.split("/")) or info.name.endswith(".a") else info

    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        tar.add(interpreter.path.resolve(), f"python/bin/{short}")
        for name in ("python", "python3"):
            link = tarfile.TarInfo(f"python/bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, short
            tar.addfile(link)
        tar.add(prefix / "lib" / short, f"python/lib/{short}", filter=wanted)
    return path.relative_to(folder).as_posix().replace("+", "%2B"), hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[Path, str, list[str]]]:
    """A folder that is served, where, and what was asked of it."""
    folder = tmp_path / "mirror"
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            asked.append(self.path)

    with serving(partial(Handler, directory=str(folder))) as address:
        yield folder, address, asked


@pytest.mark.skipif(not FAMILY or sys.platform != "linux", reason="the archives are made for Linux")
def test_a_missing_interpreter_is_fetched_once_and_compiles(
    mini: MiniRepository,
    mirror: tuple[Path, str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An exact release that the machine lacks comes through uv; the layer has bytecode for its runtime, strictly."""
    own, found = own_interpreter(), find_interpreters(USUAL_RELEASES)
    # the machine's own interpreters are out of sight, but for those of the system
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    user = pwd.struct_passwd(("somebody", "x", 1000, 1000, "", str(tmp_path), "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: user)
    seen = {one.version for one in find_interpreters(USUAL_RELEASES)}
    others = [one for one in found if one.runtime != own.runtime and one.version not in seen]
    if not others or not (others[0].path.resolve().parents[1] / "lib" / others[0].runtime / "os.py").is_file():
        pytest.skip("there is no second interpreter to make an archive of")
    folder, address, asked = mirror
    path, sha256 = archive(others[0], folder)
    major, minor, patch = map(int, others[0].version.split("."))
    download = {
        "name": "cpython", "arch": {"family": FAMILY, "variant": None}, "os": "linux", "libc": "gnu",
        "major": major, "minor": minor, "patch": patch, "prerelease": "", "variant": None, "build": "20240107",
        "url": f"{RELEASES}/{path}", "sha256": sha256,
    }  # fmt: skip
    (tmp_path / "downloads.json").write_text(json.dumps({f"cpython-{others[0].version}-linux-{FAMILY}-gnu": download}))
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS_JSON_URL", str(tmp_path / "downloads.json"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", address)
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "pythons"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    runtimes = "".join(f'"{one.runtime}" = "{one.version}"\n' for one in (own, others[0]))
    mini.edit("layer/layer.toml", '"python3.11" = "3.11.7"\n"python3.13" = "3.13.0"\n', runtimes)

    arguments = ["build", "--layer-config", str(mini.root / "layer/layer.toml"), "--strict"]
    assert main(arguments) == 2
    assert others[0].version in capsys.readouterr().err
    assert not asked
    assert main([*arguments, "--install-pythons"]) == 0
    assert asked == [f"/{path}"]
    (fetched,) = [one for one in find_interpreters([others[0].runtime]) if one.version == others[0].version]
    assert fetched.path.is_relative_to(tmp_path / "pythons")
    (built,) = (mini.root / "dist").glob("*.zip")
    with open_artifact(built) as artifact:
        assert [entry.path for entry in artifact.entries if f".{fetched.tag}.pyc" in entry.path]
    assert main([*arguments, "--install-pythons"]) == 0
    assert len(asked) == 1
