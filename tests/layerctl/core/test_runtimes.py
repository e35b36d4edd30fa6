"""The facts about Lambda's runtimes, held against the copies that AWS's own tools and CPython carry."""

import ast
import datetime as dt
import importlib.machinery
import json
import platform
import sys
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.markers import default_environment

import layerctl
from layerctl.core.runtimes import (
    RUNTIMES,
    Runtime,
    extension_suffixes,
    import_roots,
    marker_environment,
    newest_python,
    runtime_of,
    supported_pythons,
)
from layerctl.python.interpreters import choose, find_interpreters
from layerctl.verify.case import ArtifactCase

NO_FILES = SimpleNamespace(entries=[])
_LIFECYCLE = json.loads((files("cfnlint") / "data/AdditionalSpecs/LmbdRuntimeLifecycle.json").read_text("utf-8"))


@pytest.mark.parametrize("name", sorted(RUNTIMES))
def test_dates_are_those_of_cfn_lint(name):
    """Every date equals the one that cfn-lint, kept by the CloudFormation team, has for the runtime."""
    runtime, theirs = RUNTIMES[name], _LIFECYCLE[name]
    ours = [runtime.deprecated, runtime.create_blocked, runtime.update_blocked]
    assert [str(day) for day in ours] == [theirs["deprecated"], theirs["create-block"], theirs["update-block"]]


def test_every_runtime_is_known():
    """No runtime that cfn-lint knows is missing here, the retired ones among them; dotnet9 is for images only."""
    assert set(_LIFECYCLE) - set(RUNTIMES) == {"dotnet9"}


@pytest.mark.parametrize(
    ("name", "glibc", "python"),
    [
        ("python3.11", (2, 26), (3, 11)),
        ("python3.12", (2, 34), (3, 12)),
        ("python3.14", (2, 34), (3, 14)),
        ("nodejs22.x", (2, 34), None),
        ("go1.x", (2, 17), None),
    ],
)
def test_system_facts(name, glibc, python):
    """The glibc and the Python version follow from the identifier."""
    runtime = RUNTIMES[name]
    assert (runtime.glibc, runtime.python) == (glibc, python)


def test_graviton_came_with_amazon_linux_2():
    """A runtime on the first Amazon Linux runs on x86_64 only."""
    assert RUNTIMES["python3.7"].architectures == ("x86_64",)
    assert RUNTIMES["python3.8"].architectures == ("x86_64", "arm64")


def test_unknown_runtime():
    """An identifier that is not in the table is None, not a guess."""
    assert runtime_of("python3.99") is None


@pytest.mark.parametrize(("day", "name"), [("2026-11-23", "python3.14"), ("2050-01-01", "python3.14")])
def test_newest_python(day, name):
    """The newest living runtime is named, or the newest of all when every one is past its date."""
    assert newest_python(dt.date.fromisoformat(day)).name == name


def test_marker_environment_has_every_variable():
    """The environment for a runtime defines each variable that packaging's own does."""
    environment = marker_environment(RUNTIMES["python3.13"], "arm64")
    assert set(environment) == {*default_environment(), "extra"}
    assert environment["platform_machine"] == "aarch64"


@pytest.mark.skipif(sys.platform != "linux" or sys.implementation.name != "cpython", reason="Linux's suffixes")
def test_extension_suffixes_are_the_interpreters_own():
    """For the running interpreter's version and machine the suffixes equal importlib's, but for Debian's own."""
    machine = platform.machine()
    architecture = {"x86_64": "x86_64", "aarch64": "arm64"}[machine]
    runtime = RUNTIMES[f"python{sys.version_info.major}.{sys.version_info.minor}"]
    theirs = list(importlib.machinery.EXTENSION_SUFFIXES)
    if sys.version_info < (3, 15) and f".abi3-{machine}-linux-gnu.so" in theirs:  # Debian had it before CPython
        theirs.remove(f".abi3-{machine}-linux-gnu.so")
    assert list(extension_suffixes(runtime, architecture)) == theirs


def test_extension_suffixes_of_python_3_15():
    """From 3.15 on there are the stable ABI's names with a platform, and those of free-threaded builds."""
    assert extension_suffixes(Runtime("python3.15", "al2023"), "arm64") == (
        ".cpython-315-aarch64-linux-gnu.so",
        ".abi3-aarch64-linux-gnu.so",
        ".abi3.so",
        ".abi3t-aarch64-linux-gnu.so",
        ".abi3t.so",
        ".so",
    )


@pytest.mark.parametrize("name", [name for name in RUNTIMES if RUNTIMES[name].magic])
def test_magic_numbers_are_the_interpreters_own(name):
    """The number of each runtime's bytecode is what its interpreter, where there is one, writes."""
    interpreter = choose(name, "", find_interpreters([name]))
    if interpreter is None:
        pytest.skip(f"no interpreter for {name}")
    assert interpreter.magic == (RUNTIMES[name].magic.to_bytes(2, "little") + b"\r\n").hex()


def test_a_new_runtime_is_one_more_entry(monkeypatch):
    """With a row of its own a runtime is supported, the newest, and looked at by `verify` without a layer.toml."""
    today = dt.date(2027, 1, 1)
    before = supported_pythons(today)
    minor = before[-1].python[1] + 1
    new = Runtime(f"python3.{minor}", "al2023", magic=3700)
    monkeypatch.setitem(RUNTIMES, new.name, new)
    assert supported_pythons(today) == [*before, new]
    assert newest_python(today) == new
    assert ArtifactCase(NO_FILES, []).runtimes[-1] == new
    assert marker_environment(new, "arm64")["python_full_version"] == f"3.{minor}.0"
    assert import_roots(new)[0] == f"python/lib/python3.{minor}/site-packages/"


def test_versions_of_python_are_named_in_the_table_only():
    """No other module of layerctl holds a runtime's name, so that a new one is one more entry."""
    root = Path(layerctl.__file__).parent
    naming = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and node.value in RUNTIMES and str(node.value).startswith("python"):
                naming.add(path.relative_to(root).as_posix())
    assert naming == {"core/runtimes.py"}
