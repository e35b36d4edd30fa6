"""`make alone`: a test that needs another one before it is found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.alone.__main__ import Tried, files_of, fork_each, tell, try_again, try_file

if TYPE_CHECKING:
    from pathlib import Path

KINDS = """
import os, sys, threading
import pytest

KNOWN = []

@pytest.fixture(scope="module")
def kept():
    yield KNOWN
    assert KNOWN != ["left"], "what lasts for the module ends behind each test"

def test_first(): KNOWN.append("by the first")
def test_needs_the_first(): assert KNOWN
def test_needs_that_nothing_ran(): assert not KNOWN
def test_exits(): os._exit(0)
def test_leaves(): sys.exit(3)
def test_skips(): pytest.skip("not here")
def test_leaves_a_fixture_broken(kept): kept.append("left")
@pytest.mark.slow
def test_with_a_mark(): pass
def test_loads_nothing_of_ours(): assert "coverage" in sys.modules or "multiprocessing" not in sys.modules
def test_that_cannot_be_forked(): assert os.getpid() == MAIN
MAIN = os.getpid()
"""


@pytest.mark.once
def test_each_test_runs_where_no_other_has_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each kind of end is told; what fails because of the fork alone passes in a pytest of its own."""
    file = tmp_path / "test_kinds.py"
    file.write_text(KINDS)
    tried = fork_each(str(file), tmp_path / "0", marks="not slow")
    assert not tried.error
    outcomes = {result["test"].partition("::test_")[2]: result["outcome"] for result in tried.results}
    assert outcomes == {
        "with_a_mark": "left out",
        "first": "passed",
        "needs_the_first": "failed",
        "needs_that_nothing_ran": "passed",
        "exits": "failed",
        "leaves": "failed",
        "skips": "skipped",
        "leaves_a_fixture_broken": "failed",
        "loads_nothing_of_ours": "passed",
        "that_cannot_be_forked": "failed",
    }
    chosen = ("with_a_mark", "first", "needs_the_first", "skips", "that_cannot_be_forked")
    tried.results = [result for result in tried.results if result["test"].endswith(chosen)]
    try_again(tried, tmp_path / "0")
    assert tell([tried], 60) == 1
    told = re.sub(r"\S*/(?=test_kinds)", "", capsys.readouterr().out)  # named from where pytest takes the root to be
    assert "passes in a pytest of its own only: test_kinds.py::test_that_cannot_be_forked" in told
    assert "fails alone: test_kinds.py::test_needs_the_first" in told
    assert "2 of 4 tests in 1 files pass alone, 1 fail, 1 skip themselves, 1 were left out; 1 minutes" in told


@pytest.mark.once
def test_a_file_that_cannot_be_collected_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing passes because nothing ran."""
    file = tmp_path / "test_broken.py"
    file.write_text("import no_such_module\n")
    tried = try_file(str(file), tmp_path / "0")
    assert "no_such_module" in tried.error
    assert tell([tried], 60) == 1
    assert f"was not run to its end: {file}" in capsys.readouterr().out


def test_no_failure_is_exit_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    """What passes and what skips itself is fine."""
    results = [{"test": "a", "outcome": "passed"}, {"test": "b", "outcome": "skipped"}]
    assert tell([Tried("test_a.py", results)], 60) == 0


def test_that_nothing_ran_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    """As when no test has the marks, or a folder no files of tests."""
    assert tell([], 60) == 2
    assert tell([Tried("test_a.py", [{"test": "a", "outcome": "left out"}])], 60) == 2
    assert "no test was run" in capsys.readouterr().err


def test_folders_stand_for_their_files() -> None:
    """Each file once, whatever was named twice."""
    files = files_of(["tests/support", "tests/test_alone.py", "tests/shared_utils/redaction", "tests/test_alone.py"])
    assert files[0] == "tests/test_alone.py"
    assert files[1:] == sorted(files[1:])
    assert "tests/shared_utils/redaction/test_text.py" in files
