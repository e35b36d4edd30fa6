"""`make mutants`: its mutants are whole modules with one fault each, and its list names what exists."""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

import pytest
from _pytest.reports import TestReport

from tests.support.mutants import lines
from tests.support.mutants.__main__ import ROOT, rate
from tests.support.mutants.faults import make_mutants
from tests.support.mutants.session import Session

LISTED = tomllib.loads((ROOT / "tests/mutants.toml").read_text("utf-8"))


def test_each_mutant_is_a_module_with_one_fault(tmp_path: Path) -> None:
    """Every mutant can be parsed, differs from the module and from all others, and says where and how."""
    path = tmp_path / "module.py"
    source = (
        'LIMIT = 3\n\n\ndef fits(size):\n    """Return whether it fits."""\n    return size <= LIMIT and size >= 0\n'
    )
    path.write_text(source)
    mutants = make_mutants(path)
    assert {mutant.after for mutant in mutants} == {
        "return size < LIMIT and size >= 0",
        "return size <= LIMIT or size >= 0",
        "return size <= LIMIT and size > 0",
        "return size <= LIMIT and size >= 1",
    }
    assert {mutant.before for mutant in mutants} == {"return size <= LIMIT and size >= 0"}
    assert {mutant.function for mutant in mutants} == {"fits"}
    assert len({ast.dump(ast.parse(mutant.code)) for mutant in mutants} - {ast.dump(ast.parse(source))}) == 4


def test_a_fault_knows_the_lines_of_its_statement(tmp_path: Path) -> None:
    """A fault within a statement of several lines is tried by what runs any of them, one in a head by the head's."""
    path = tmp_path / "module.py"
    path.write_text(
        "class Room:\n    def fits(self, size):\n        if size < 3:\n            return max(\n"
        "                size,\n                1,\n            )\n        return 0\n"
    )
    lines = {mutant.after: mutant.lines for mutant in make_mutants(path)}
    assert lines["if size <= 3:"] == (3,)
    assert lines["2,"] == (4, 5, 6, 7)
    assert lines["return 1"] == (8,)


def test_a_rate_says_how_sure_it_is() -> None:
    """The bounds are Wilson's: 95 of 100 leaves 89 to 98; nothing tried says nothing."""
    assert rate(95, 100) == "95.0 % (89 to 98)"
    assert rate(0, 0) == "-"


@pytest.mark.parametrize("group", LISTED["group"], ids=lambda group: str(group["modules"][0]))
def test_the_list_names_modules_and_tests_that_exist(group: dict[str, list[str]]) -> None:
    """A module that is moved, or a test, is moved in the list too."""
    assert group["modules"]
    assert group["tests"]
    for name in group["modules"] + group["tests"]:
        assert (ROOT / name).exists(), name


def test_how_long_a_test_took_is_written_down_wherever_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test may go to another folder, and still be there when its report is written."""
    monkeypatch.chdir(tmp_path)
    traced = sys.gettrace()
    session = Session([])
    lines.stop()
    sys.settrace(traced)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    report = TestReport("test_it", ("test.py", 1, "test_it"), {}, "passed", None, "call", duration=2.5)
    session.pytest_runtest_logreport(report)
    session._in.close()
    session._out.close()
    assert (tmp_path / ".mutants-lines").read_text() == "report\tpassed\ttest_it\t2.5\n"


def test_each_accepted_survivor_says_why() -> None:
    """An entry has the module, both lines and a reason, and its line still stands in the module."""
    for entry in LISTED.get("accepted", []):
        assert entry.keys() == {"module", "before", "after", "why"}
        assert len(entry["why"]) > 20
        source = " ".join(line.strip() for line in (ROOT / entry["module"]).read_text("utf-8").splitlines())
        assert entry["before"] in source, entry["before"]
