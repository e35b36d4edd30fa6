"""Type checkers accept good usage and find each mistake: mypy --strict and basedpyright, which reads as editors do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
Found = dict[int, set[str]]


def run(*command: str) -> str:
    """Run a checker in the repository and return what it printed; more than 1 means that it could not check."""
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def mypy(file: str) -> Found:
    """Return the codes of mypy's errors by line."""
    found: Found = defaultdict(set)
    for line in run("mypy", "--strict", "--no-error-summary", "--output", "json", str(HERE / file)).splitlines():
        entry = json.loads(line)
        if entry["severity"] == "error":
            found[entry["line"]].add(entry["code"])
    return found


def pyright(file: str) -> Found:
    """Return the rules of pyright's errors by line."""
    found: Found = defaultdict(set)
    # The packages are those of this interpreter; without its name, those of .venv, which another Python may not have.
    said = run("basedpyright", "--outputjson", "--pythonpath", sys.executable, str(HERE / file))
    for entry in json.loads(said)["generalDiagnostics"]:
        found[entry["range"]["start"]["line"] + 1].add(entry.get("rule", "syntax"))
    return found


def test_good_usage_has_no_errors() -> None:
    """Neither checker finds anything, in strict mode, so each asserted type is what it sees."""
    assert mypy("good_usage.py") == {}
    assert pyright("good_usage.py") == {}


def test_each_mistake_is_found_where_it_is_and_nothing_else() -> None:
    """Both checkers report every marked line with the code that stands there, and no other line."""
    lines = (HERE / "bad_usage.py").read_text("utf-8").splitlines()
    marked = {
        number: mark for number, line in enumerate(lines, 1) if (mark := re.search(r"# finds: (\S+) \| (\S+)", line))
    }
    assert len(marked) > 40
    by_mypy, by_pyright = mypy("bad_usage.py"), pyright("bad_usage.py")
    assert set(by_mypy) == set(marked)
    assert set(by_pyright) == set(marked)
    for number, mark in marked.items():
        assert mark[1] in by_mypy[number], lines[number - 1]
        assert mark[2] in by_pyright[number], lines[number - 1]
