"""Interpreters, and the bytecode that they compile."""

from __future__ import annotations

import importlib.util
import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerctl.build.bytecode import BytecodeCache, compile_tree, pyc_path
from layerctl.python.interpreters import Interpreter, choose, clean_environment, find_interpreters

HERE = "python" + ".".join(str(part) for part in sys.version_info[:2])
# Constructs whose marshalled form depends on what else the process has seen: interned names, shared constants.
SOURCES = {
    "python/pkg/__init__.py": "from pkg.names import *\n__all__ = ['os', 'sys', 'path', 'join']\n",
    "python/pkg/names.py": "import os.path as path, sys\nSET = {'os', 'sys', 'join'}\n"
    "def join(a, b=('os', 'sys'), *c, os=None, **d):\n    return a in {'x', 'y', 'z'} and f'{a}{b}'\n",
    "python/pkg/deep/__init__.py": "class Path:\n    __slots__ = ('os', 'sys')\n    join = lambda self: self.join\n",
    "python/single.py": "# -*- coding: latin-1 -*-\nTEXT = 'plain'\n",
}


@pytest.fixture
def here() -> Interpreter:
    """An interpreter of the version that runs the tests."""
    found = choose(HERE, "", find_interpreters([HERE], os.environ | {"PATH": str(Path(sys._base_executable).parent)}))  # type: ignore[attr-defined]
    assert found is not None
    return found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A content root with a few modules."""
    for path, text in SOURCES.items():
        (tmp_path / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / path).write_text(text)
    return tmp_path / "tree"


def _compiled(root: Path) -> dict[str, bytes]:
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.pyc")}
    for path in files:
        (root / path).unlink()
    return files


def test_bytecode_is_the_same_whatever_the_order_and_the_cache(tree: Path, here: Interpreter, tmp_path: Path) -> None:
    """All at once, one by one, backwards, or out of the cache: the same bytes under the names that Python looks for."""
    paths = list(SOURCES)
    assert compile_tree(tree, paths, here, None) == []
    expected = _compiled(tree)
    assert set(expected) == {pyc_path(path, here.tag) for path in paths}
    for path in reversed(paths):
        compile_tree(tree, [path], here, None)
    assert _compiled(tree) == expected
    cache = BytecodeCache(tmp_path / "cache")
    for _ in ("cold", "warm"):
        compile_tree(tree, paths[::-1], here, cache)
        assert _compiled(tree) == expected


def test_bytecode_is_unchecked_and_speaks_of_opt(tree: Path, here: Interpreter) -> None:
    """Python takes it without looking at the source's date, and tracebacks name the path on Lambda."""
    compile_tree(tree, list(SOURCES), here, None)
    data = (tree / pyc_path("python/pkg/names.py", here.tag)).read_bytes()
    assert data[:4] == bytes.fromhex(here.magic) == importlib.util.MAGIC_NUMBER
    assert int.from_bytes(data[4:8], "little") == 0b01  # hash-based, not checked (PEP 552)
    assert b"/opt/python/pkg/names.py" in data
    assert str(tree).encode() not in data


def test_a_damaged_cache_is_not_believed(tree: Path, here: Interpreter, tmp_path: Path) -> None:
    """Cut off, changed or empty entries are compiled anew; an unwritable cache only costs time."""
    paths = list(SOURCES)
    cache = BytecodeCache(tmp_path / "cache")
    compile_tree(tree, paths, here, cache)
    expected = _compiled(tree)
    entries = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert len(entries) == len(paths)
    for entry, data in zip(entries, (b"", b"x" * 100, entries[2].read_bytes()[:-1], b"\0" * 40), strict=True):
        entry.write_bytes(data)
    compile_tree(tree, paths, here, cache)
    assert _compiled(tree) == expected
    (tmp_path / "file").touch()
    compile_tree(tree, paths, here, BytecodeCache(tmp_path / "file"))
    assert _compiled(tree) == expected


def test_a_source_that_does_not_compile_is_told(tree: Path, here: Interpreter) -> None:
    """It has no bytecode; the others have theirs."""
    (tree / "python/single.py").write_text("def f(:\n")
    (tree / "python/pkg/deep/__init__.py").write_bytes(b"x = '\xff'\n")
    failures = compile_tree(tree, list(SOURCES), here, None)
    assert {failure.path for failure in failures} == {"python/single.py", "python/pkg/deep/__init__.py"}
    assert "line 1" in next(one.message for one in failures if one.path == "python/single.py")
    assert len(_compiled(tree)) == 2


def _fake(folder: Path, name: str, answer: str | None) -> Path:
    """An executable that answers the question after who it is, or fails."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{answer}'\n" if answer else "#!/bin/sh\necho 'not active' >&2\nexit 127\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def _answer(version: str, *, name: str = "cpython", flags: str = "", level: str = "final") -> str:
    parts = ", ".join(version.split("."))
    return (
        f'{{"name": "{name}", "version": [{parts}, "{level}", 2], "tag": "cpython-3", "flags": "{flags}", '
        f'"build": "b", "magic": "00000000"}}'
    )


def test_where_interpreters_are_looked_for(tmp_path: Path) -> None:
    """PATH (also as python3), pyenv and uv are searched; shims, other kinds and debug builds are passed over."""
    _fake(tmp_path / "bin", "python3.91", _answer("3.91.4"))
    _fake(tmp_path / "bin", "python3", _answer("3.92.0"))
    _fake(tmp_path / "bin", "python3.93", None)
    _fake(tmp_path / "bin", "python3.94", _answer("3.94.0", name="pypy"))
    _fake(tmp_path / "bin", "python3.95", _answer("3.95.0", flags="t"))
    _fake(tmp_path / "bin", "python3.96", "no JSON")
    _fake(tmp_path / "pyenv/shims", "python3.97", _answer("3.97.0"))
    _fake(tmp_path / "pyenv/versions/3.91.7/bin", "python3.91", _answer("3.91.7"))
    _fake(tmp_path / "uv/cpython-3.98/bin", "python3.98", _answer("3.98.0", level="candidate"))
    (tmp_path / "bin/python3.99").touch()
    environ = {
        "PATH": f"{tmp_path}/bin:{tmp_path}/pyenv/shims:/nowhere:",
        "PYENV_ROOT": str(tmp_path / "pyenv"),
        "UV_PYTHON_INSTALL_DIR": str(tmp_path / "uv"),
        "HOME": str(tmp_path),
    }
    found = find_interpreters([f"python3.{minor}" for minor in range(91, 100)], environ)
    assert [one.version for one in found] == ["3.91.4", "3.92.0", "3.91.7", "3.98.0rc2"]
    default = {"PATH": "", "HOME": str(tmp_path / "home")}
    _fake(tmp_path / "home/.pyenv/versions/x/bin", "python3.91", _answer("3.91.1"))
    _fake(tmp_path / "home/.local/share/uv/python/x/bin", "python3.92", _answer("3.92.1"))
    found = find_interpreters(["python3.91", "python3.92"], default)
    assert [one.version for one in found] == ["3.91.1", "3.92.1"]
    moved = {"PATH": str(tmp_path / "pyenv/shims"), "HOME": str(tmp_path / "another")}
    assert [one.version for one in find_interpreters(["python3.91"], moved)] == ["3.91.7"]


def test_interpreters_below_opt_and_our_own_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is on no PATH: interpreters below /opt, as images have them, and the one that runs this program."""
    monkeypatch.setattr("layerctl.python.interpreters._OPT", tmp_path)
    _fake(tmp_path / "python3.91/bin", "python3.91", _answer("3.91.2"))
    _fake(tmp_path / "python/cp392-cp392/bin", "python3.92", _answer("3.92.3"))
    _fake(tmp_path / "another/bin", "python3.93", _answer("3.93.0"))
    empty = {"PATH": "", "HOME": str(tmp_path)}
    found = find_interpreters(["python3.91", "python3.92", "python3.93"], empty)
    assert [one.version for one in found] == ["3.91.2", "3.92.3"]
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path / "another"))
    assert [one.version for one in find_interpreters(["python3.93"], empty)] == ["3.93.0"]


@given(st.permutations(["3.13.0", "3.13.9", "3.13.10", "3.13.10rc1", "3.13.0b2", "3.12.4"]))
def test_which_one_is_taken(versions: list[str]) -> None:
    """The version that layer.toml names, else the newest final one of the runtime, in whatever order they are found."""
    found = [Interpreter(Path("/x"), version, "t", "m", "b") for version in versions]

    def take(exact: str) -> str | None:
        chosen = choose("python3.13", exact, found)
        return chosen.version if chosen else None

    assert take("3.13.9") == "3.13.9"
    assert take("3.13.99") == "3.13.10"
    assert choose("python3.11", "3.11.1", found) is None


def test_the_environment_of_the_caller_changes_nothing(
    tree: Path, here: Interpreter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """PYTHON* variables and a virtual environment's marks don't reach the compiler."""
    compile_tree(tree, list(SOURCES), here, None)
    expected = _compiled(tree)
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil/sitecustomize.py").write_text("raise SystemExit('reached')")
    (tmp_path / "evil/py_compile.py").write_text("raise SystemExit('reached')")
    settings = {"PYTHONPATH": str(tmp_path / "evil"), "PYTHONOPTIMIZE": "2", "PYTHONHASHSEED": "7", "PYTHONUTF8": "0"}
    for name, value in (settings | {"VIRTUAL_ENV": "/nowhere", "LC_ALL": "C", "PYTHONWARNINGS": "error"}).items():
        monkeypatch.setenv(name, value)
    assert not [name for name in clean_environment() if name.startswith("PYTHON") or name == "VIRTUAL_ENV"]
    compile_tree(tree, list(SOURCES), here, None)
    assert _compiled(tree) == expected


def test_the_bytecode_is_used(tree: Path, here: Interpreter) -> None:
    """An interpreter imports the modules from their bytecode: with the source changed, it still runs the old one."""
    compile_tree(tree, list(SOURCES), here, None)
    (tree / "python/single.py").write_text("TEXT = 'changed'\n")
    program = textwrap.dedent("import sys; sys.path.insert(0, sys.argv[1]); import single; print(single.TEXT)")
    result = subprocess.run(
        [here.path, "-I", "-S", "-c", program, str(tree / "python")], capture_output=True, text=True, check=True
    )
    assert result.stdout == "plain\n"
