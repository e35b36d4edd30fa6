"""The facts about Lambda's runtimes, held against the copies that AWS's own tools and CPython carry."""

import datetime as dt
import importlib.machinery
import json
import sys
from importlib.resources import files

import pytest
from packaging.markers import default_environment

from layerctl.core.runtimes import RUNTIMES, extension_suffixes, marker_environment, newest_python, runtime_of

_LIFECYCLE = json.loads((files("cfnlint") / "data/AdditionalSpecs/LmbdRuntimeLifecycle.json").read_text("utf-8"))


@pytest.mark.parametrize("name", sorted(RUNTIMES))
def test_dates_are_those_of_cfn_lint(name):
    """Every date equals the one that cfn-lint, kept by the CloudFormation team, has for the runtime."""
    runtime, theirs = RUNTIMES[name], _LIFECYCLE[name]
    ours = [runtime.deprecated, runtime.create_blocked, runtime.update_blocked]
    assert [str(day) for day in ours] == [theirs["deprecated"], theirs["create-block"], theirs["update-block"]]


def test_every_python_runtime_is_known():
    """No Python runtime that cfn-lint knows is missing here."""
    assert {name for name in _LIFECYCLE if name.startswith("python")} == {
        name for name in RUNTIMES if RUNTIMES[name].python
    }


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
    """For the running interpreter's version and machine the suffixes equal importlib's."""
    import platform

    machine = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]
    runtime = RUNTIMES[f"python{sys.version_info.major}.{sys.version_info.minor}"]
    assert list(extension_suffixes(runtime, machine)) == importlib.machinery.EXTENSION_SUFFIXES
