"""`layerctl diff`: what changes in the public API, and the version step that it needs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from layerctl.__main__ import main
from layerctl.inspection.api import Step, api_difference
from layerctl.inspection.step import step_between
from tests.layerctl.releases.conftest import write_zip

if TYPE_CHECKING:
    from pathlib import Path

OLD = '''
"""A package."""
from lib.deep import helper
from lib import sub
__all__ = ["LIMIT", "Base", "Thing", "fetch", "helper", "sub"]
LIMIT = 1

class Base:
    """A base."""

class Thing(Base):
    """A thing."""
    size: int = 0
    def run(self, times=1): ...
    @staticmethod
    def make(): ...
    def _inner(self, x): ...

def fetch(key, default=None, *, timeout=3): ...
def _private(x): ...
'''
DEEP = "def helper(x): ...\ndef other(x): ...\n"
FILES = {
    "python/lib/__init__.py": OLD,
    "python/lib/deep.py": DEEP,
    "python/lib/sub.py": "VALUE: int = 1\ndef open(path): ...\n",
    "python/lib/_hidden.py": "def secret(x): ...\n",
}
INIT, DEEP_PY, SUB = "python/lib/__init__.py", "python/lib/deep.py", "python/lib/sub.py"

# What is done to a file (old text, new text), and what is told of it: (path, how), with the step.
CHANGES = [
    ("nothing", INIT, ("", ""), [], Step.NONE),
    ("a docstring", INIT, ('"""A thing."""', '"""The thing."""'), [], Step.NONE),
    ("a body", SUB, ("open(path): ...", "open(path): return path"), [], Step.NONE),
    ("a private function", INIT, ("def _private(x): ...\n", ""), [], Step.NONE),
    ("a private method", INIT, ("    def _inner(self, x): ...\n", ""), [], Step.NONE),
    ("a private module", "python/lib/_hidden.py", ("def secret(x)", "def secret(x, y)"), [], Step.NONE),
    ("a module that __all__ does not name", DEEP_PY, ("def other(x): ...\n", ""), [], Step.NONE),
    ("a value", INIT, ("LIMIT = 1", "LIMIT = 2"), [("lib.LIMIT", "changed")], Step.PATCH),
    ("a new function", SUB, ("def open(path): ...", "def open(path): ...\ndef close(): ..."),
     [("lib.sub.close", "added")], Step.MINOR),
    ("a new method", INIT, ("    @staticmethod\n", "    def stop(self): ...\n    @staticmethod\n"),
     [("lib.Thing.stop", "added")], Step.MINOR),
    ("a new optional parameter", INIT, ("timeout=3)", "timeout=3, retries=0)"),
     [("lib.fetch(retries)", "added")], Step.MINOR),
    ("newly in __all__", INIT, ('"sub"]', '"sub", "_private"]'), [("lib._private", "added")], Step.MINOR),
    ("a function is gone", SUB, ("def open(path): ...", ""), [("lib.sub.open", "removed")], Step.MAJOR),
    ("a function has another name", SUB, ("def open", "def open_file"),
     [("lib.sub.open", "removed"), ("lib.sub.open_file", "added")], Step.MAJOR),
    ("no longer in __all__", INIT, ('"fetch", ', ""), [("lib.fetch", "removed")], Step.MAJOR),
    ("a method is gone", INIT, ("    def run(self, times=1): ...\n", ""), [("lib.Thing.run", "removed")], Step.MAJOR),
    ("a parameter is gone", INIT, (", *, timeout=3", ""), [("lib.fetch(timeout)", "removed")], Step.MAJOR),
    ("a parameter is required now", INIT, ("default=None", "default"),
     [("lib.fetch(default)", "changed")], Step.MAJOR),
    ("a new required parameter", SUB, ("open(path)", "open(path, mode)"),
     [("lib.sub.open(mode)", "changed")], Step.MAJOR),
    ("another default", INIT, ("timeout=3", "timeout=5"), [("lib.fetch(timeout)", "changed")], Step.MAJOR),
    ("by keyword only", INIT, ("key, default=None, *,", "key, *, default=None,"),
     [("lib.fetch(default)", "changed")], Step.MAJOR),
    ("another order", INIT, ("key, default=None, *", "default=None, key=None, *"),
     [("lib.fetch(default)", "changed"), ("lib.fetch(key)", "changed")], Step.MAJOR),
    ("another kind", INIT, ("LIMIT = 1", "def LIMIT(): ..."), [("lib.LIMIT", "changed")], Step.MAJOR),
    ("a base is gone", INIT, ("Thing(Base)", "Thing"), [("lib.Thing", "changed")], Step.MAJOR),
    ("another base", INIT, ("Thing(Base)", "Thing(dict)"), [("lib.Thing", "changed")], Step.MAJOR),
    ("async", SUB, ("def open", "async def open"), [("lib.sub.open", "changed")], Step.MAJOR),
    ("no longer static", INIT, ("    @staticmethod\n    def make()", "    def make()"),
     [("lib.Thing.make", "changed")], Step.MAJOR),
    ("through its public name", DEEP_PY, ("def helper(x)", "def helper(y)"),
     [("lib.helper(x)", "removed"), ("lib.helper(y)", "changed")], Step.MAJOR),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "edit", "told", "step"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES]
)
def test_what_a_change_needs(
    tmp_path: Path, file: str, edit: tuple[str, str], told: list[tuple[str, str]], step: Step
) -> None:
    """Each change of a public name is told by the name that users write, with the step that it needs."""
    old, new = tmp_path / "lib-1.0.0.zip", tmp_path / "lib-1.0.1.zip"
    write_zip(old, FILES)
    assert edit[0] in FILES[file]
    write_zip(new, FILES | {file: FILES[file].replace(*edit, 1)})
    changes = api_difference(old, new).changes
    assert {(one.path, one.how) for one in changes} >= set(told)
    assert {one.path for one in changes} == {path for path, _ in told}
    assert max((one.step for one in changes), default=Step.NONE) is step


def test_what_is_not_counted_is_told(tmp_path: Path) -> None:
    """Changes in modules that no __all__ names are counted apart; a module that is said to be public counts."""
    old, new = tmp_path / "old.zip", tmp_path / "new.zip"
    write_zip(old, FILES)
    write_zip(new, FILES | {DEEP_PY: "def helper(x): ...\n"})
    assert (api_difference(old, new).changes, api_difference(old, new).internal) == ((), 1)
    found = api_difference(old, new, public=["lib.deep"])
    assert ([one.path for one in found.changes], found.internal) == (["lib.deep.other"], 0)


def test_packages_come_and_go(tmp_path: Path) -> None:
    """A package that is new needs a minor step, one that is gone a major one; one that neither has is an error."""
    old, new = tmp_path / "old.zip", tmp_path / "new.zip"
    write_zip(old, FILES | {"python/one.py": "def a(): ...\n"})
    write_zip(new, FILES | {"python/two/__init__.py": ""})
    assert [(one.path, one.step) for one in api_difference(old, new).changes] == [
        ("one", Step.MAJOR),
        ("two", Step.MINOR),
    ]
    assert main(["diff", str(old), str(new), "--package", "three"]) == 2


@pytest.mark.parametrize(
    ("old", "new", "step"),
    [
        ("1.0.0", "2.0.0", Step.MAJOR),
        ("1.0.0", "1.1.0", Step.MINOR),
        ("1.0.0", "1.0.1", Step.PATCH),
        ("1.9.0", "1.10.0", Step.MINOR),
        ("1.0.0", "1.0.0", Step.NONE),
        ("1.1.0", "1.0.9", Step.NONE),
        ("1.0.0", "2.0.0rc1", Step.MAJOR),
        ("2.0.0rc1", "2.0.0", Step.MAJOR),
        ("1.0", "1.0.0.post1", Step.PATCH),
        ("one", "1.0.0", None),
        ("", "1.0.0", None),
    ],
)
def test_steps(old: str, new: str, step: Step | None) -> None:
    """The step between two versions, by PEP 440's order."""
    assert step_between(old, new) is step


PATCH, MINOR, MAJOR = (
    (SUB, FILES[SUB].replace("path): ...", "path): return 1")),
    (SUB, FILES[SUB] + "def close(): ...\n"),
    (SUB, "VALUE: int = 1\n"),
)


@pytest.mark.parametrize(
    ("change", "versions", "code"),
    [
        (PATCH, ("1.0.0", "1.0.1"), 0),
        (PATCH, ("1.0.0", "1.0.0"), 1),
        (MINOR, ("1.0.0", "1.0.1"), 1),
        (MINOR, ("1.0.0", "1.1.0"), 0),
        (MAJOR, ("1.0.0", "1.1.0"), 1),
        (MAJOR, ("1.0.0", "2.0.0"), 0),
        (MAJOR, ("0.1.0", "0.1.1"), 1),
        (MAJOR, ("0.1.0", "0.2.0"), 0),
        (MINOR, ("0.1.0", "0.1.1"), 0),
        (MAJOR, ("2.0.0", "1.0.0"), 1),
        (MAJOR, ("2.0.0rc1", "2.0.0rc2"), 0),
        ((SUB, FILES[SUB]), ("1.0.0", "1.0.0"), 0),
    ],
)
def test_a_step_that_is_too_small_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], versions: tuple[str, str], code: int
) -> None:
    """Exit 1 where the version does not move as far as the changes ask, with what asks for it."""
    before, after = (tmp_path / side / f"lib-{one}.zip" for side, one in zip("ab", versions, strict=True))
    for path, files in ((before, FILES), (after, FILES | dict([change]))):
        path.parent.mkdir()
        write_zip(path, files)
    assert main(["diff", str(before), str(after), "--json"]) == code
    data = json.loads(capsys.readouterr().out)
    assert [one["rule"] for one in data["findings"]] == ["version-step"] * code
    assert main(["diff", str(before), str(after)]) == code


def test_sources_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A layer whose sources are no Python is an error that names the package, without a traceback."""
    old, new = tmp_path / "lib-1.0.0.zip", tmp_path / "lib-1.0.1.zip"
    write_zip(old, FILES)
    write_zip(new, FILES | {INIT: "def broken(:\n"})
    assert main(["diff", str(old), str(new)]) == 2
    assert capsys.readouterr().err.startswith("error: lib cannot be read")


def test_imports_are_timed_on_both_sides(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --imports each side is imported by itself, and the module that only one of them imports is told."""
    old, new = tmp_path / "lib-1.0.0.zip", tmp_path / "lib-1.0.1.zip"
    write_zip(old, {INIT: ""})
    write_zip(new, {INIT: "import lib._more\n", "python/lib/_more.py": ""})
    assert main(["diff", str(old), str(new), "--imports", "--json"]) == 0
    was, now = json.loads(capsys.readouterr().out)["imports"]
    assert set(now["modules"]) - set(was["modules"]) == {"lib._more"}
    assert main(["diff", str(old), str(new), "--imports"]) == 0
    assert "added    lib._more" in capsys.readouterr().out
