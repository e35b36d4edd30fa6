"""`make mutants`: its mutants are whole modules with one fault each, and its list names what exists."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

from tests.support.mutants import ROOT, make_mutants

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


@pytest.mark.parametrize("module", LISTED["tests"])
def test_the_list_names_modules_and_tests_that_exist(module: str) -> None:
    """A module that is moved, or a test, is moved in the list too."""
    assert (ROOT / module).is_file()
    assert LISTED["tests"][module]
    for test in LISTED["tests"][module]:
        assert (ROOT / test).exists(), test


def test_each_accepted_survivor_says_why() -> None:
    """An entry has the module, both lines and a reason, and its line still stands in the module."""
    for entry in LISTED.get("accepted", []):
        assert entry.keys() == {"module", "before", "after", "why"}
        assert len(entry["why"]) > 20
        source = " ".join(line.strip() for line in (ROOT / entry["module"]).read_text("utf-8").splitlines())
        assert entry["before"] in source, entry["before"]
