"""Layers with compiled packages: the wheels of several runtimes and architectures in one tree."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from layerctl.artifact import open_artifact, unpack
from layerctl.build import BuildOptions, build_layer
from layerctl.config import LayerConfig
from layerctl.core.errors import LayerctlError
from layerctl.python.elf import read_elf
from layerctl.python.interpreters import find_interpreters
from layerctl.verify import Options, verify
from tests.support.elf import tiny_elf

if TYPE_CHECKING:
    from tests.support.mini_repository import MiniRepository

MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}


def _add(mini: MiniRepository, minor: int, architecture: str, *, module: str = "", **more: str) -> None:
    """Pin a wheel of `fast` for one Python and architecture, as its makers would publish it."""
    machine = MACHINES[architecture]
    abi = f"cp3{minor}"
    mini.add(
        "fast",
        {
            "fast/__init__.py": "FAST = True\n",
            f"fast/{module or f'_c.cpython-3{minor}-{machine}-linux-gnu.so'}": tiny_elf(architecture),
        },
        tag=f"{abi}-{abi}-manylinux_2_17_{machine}",
        **more,
    )


def _build(mini: MiniRepository) -> Path:
    path = build_layer(mini.config, BuildOptions(out=mini.root / "dist")).zip
    assert path is not None
    return path


def test_wheels_lie_side_by_side(mini: MiniRepository) -> None:
    """Each runtime and architecture finds its extension module, metadata tell all tags, and verify agrees."""
    for minor in (11, 13):
        for architecture in MACHINES:
            _add(mini, minor, architecture)
    path = _build(mini)
    with open_artifact(path) as artifact:
        found = {entry.path: read_elf(artifact.read(entry)) for entry in artifact.entries if entry.path.endswith(".so")}
        wheel = artifact.read(artifact.require("python/fast-1.0.dist-info/WHEEL")).decode()
    assert {place: facts.architecture for place, facts in found.items() if facts} == {
        f"python/fast/_c.cpython-3{minor}-{machine}-linux-gnu.so": architecture
        for minor in (11, 13)
        for architecture, machine in MACHINES.items()
    }
    assert [line for line in wheel.splitlines() if line.startswith("Tag: ")] == sorted(
        f"Tag: cp3{minor}-cp3{minor}-manylinux_2_17_{machine}" for minor in (11, 13) for machine in MACHINES.values()
    )
    assert verify(path, mini.config) == []


def test_names_that_collide_stop_the_build(mini: MiniRepository) -> None:
    """Where two architectures need different content under one name, the package is named."""
    for minor in (11, 13):
        for architecture in MACHINES:
            _add(mini, minor, architecture, module="_c.abi3.so")
    with pytest.raises(LayerctlError, match=r"fast 1\.0 has different files named fast/_c\.abi3\.so") as caught:
        _build(mini)
    assert "python3.11 on x86_64" in str(caught.value)
    assert "python3.11 on arm64" in str(caught.value)


def test_a_wheel_that_is_missing_for_one_target(mini: MiniRepository) -> None:
    """A package without a wheel for one runtime and architecture is named with that target."""
    _add(mini, 11, "x86_64")
    _add(mini, 11, "arm64")
    _add(mini, 13, "x86_64")
    with pytest.raises(LayerctlError, match=r"can't be installed for python3\.13 on arm64.*fast"):
        _build(mini)


def test_a_pure_wheel_stands_in(mini: MiniRepository) -> None:
    """A package with a compiled wheel for some targets, and a pure one for the rest, is laid together."""
    _add(mini, 11, "x86_64")
    mini.add("fast", {"fast/__init__.py": "FAST = True\n"})
    with open_artifact(_build(mini)) as artifact:
        assert [entry.path for entry in artifact.entries if entry.path.endswith(".so")] == [
            "python/fast/_c.cpython-311-x86_64-linux-gnu.so"
        ]


def test_two_distributions_with_one_file(mini: MiniRepository) -> None:
    """Two distributions that bring different files of one name can't both be right, and both are named."""
    mini.add("one", {"shared/__init__.py": "ONE = 1\n"})
    mini.add("two", {"shared/__init__.py": "TWO = 2\n"})
    with pytest.raises(LayerctlError, match=r"one and two both bring shared/__init__\.py"):
        _build(mini)


def test_a_namespace_shared_by_two(mini: MiniRepository) -> None:
    """The same file in two distributions is no collision, and both RECORDs list it."""
    mini.add("one", {"shared/__init__.py": "", "shared/one.py": ""})
    mini.add("two", {"shared/__init__.py": "", "shared/two.py": ""})
    with open_artifact(_build(mini)) as artifact:
        for name in ("one", "two"):
            record = artifact.read(artifact.require(f"python/{name}-1.0.dist-info/RECORD")).decode()
            assert "shared/__init__.py,sha256=" in record
            assert f"shared/{name}.py" in record
    assert verify(mini.root / "dist/mini-0.3.0.zip", mini.config) == []


def test_versions_that_differ_by_runtime(mini: MiniRepository) -> None:
    """A lock with one version for an old runtime and another for a new one makes no universal layer."""
    old = mini.add("fork", {"fork/__init__.py": "", "fork/old.py": ""}, version="1.0")
    new = mini.add("fork", {"fork/__init__.py": "", "fork/new.py": ""}, version="2.0")
    lock = mini.root / "layer/requirements.txt"
    text = lock.read_text()
    text = text.replace("fork==1.0 \\", "fork==1.0 ; python_full_version < '3.12' \\")
    lock.write_text(text.replace("fork==2.0 \\", "fork==2.0 ; python_full_version >= '3.12' \\"))
    assert old.sha256 != new.sha256
    with pytest.raises(LayerctlError, match=r"fork 1\.0 \(for python3\.11.*fork 2\.0 \(for python3\.13"):
        _build(mini)


@pytest.mark.slow
def test_a_real_compiled_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Msgspec for eight targets: the arm64 files are arm64 ELF, and it works on each interpreter found.

    Needs the package index or uv's cache of an earlier run; the tests above need neither.
    """
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if "UV_CACHE_DIR" not in os.environ:
        monkeypatch.setenv("UV_CACHE_DIR", str(Path.home() / ".cache/uv"))
    shutil.copytree(Path(__file__).parents[1] / "fixtures/native", tmp_path / "native")
    config = LayerConfig.load(tmp_path / "native/layer/layer.toml")
    try:
        result = build_layer(config, BuildOptions(out=tmp_path / "dist"))
    except LayerctlError as error:
        if "can't be downloaded" in str(error):
            pytest.skip("no package index can be reached, and uv's cache does not hold msgspec")
        raise
    assert result.zip is not None
    findings = verify(result.zip, config, Options(imports=True))
    assert [one for one in findings if one.rule != "not-tried"] == []
    content = unpack(result.zip, tmp_path / "opt")
    libraries = sorted((content / "python/msgspec").glob("*.so"))
    assert len(libraries) == 8
    for library in libraries:
        facts = read_elf(library.read_bytes())
        assert facts is not None
        assert facts.architecture == ("arm64" if "-aarch64-" in library.name else "x86_64")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import msgspec; print(msgspec.json.encode({'a': 1}).decode())"
    )
    found = find_interpreters(config.runtimes)
    assert found
    for interpreter in found:
        command = [interpreter.path, "-I", "-S", "-c", program, content / "python"]
        result_of_one = subprocess.run(command, capture_output=True, text=True, check=True)
        assert result_of_one.stdout == '{"a":1}\n'
