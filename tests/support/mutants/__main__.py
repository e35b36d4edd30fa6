"""`make mutants`: one fault at a time is put into a module, and its tests must notice.

mutmut makes the mutants. Each is written to a copy of the repository, and the module's tests run there as they are:
mutmut's own runner calls functions through others, and our timers, locations and time-outs look at frames.

What is tested by what, and which survivors are accepted, stands in tests/mutants.toml.
"""

from __future__ import annotations

import argparse
import difflib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

import libcst
from mutmut.mutation.file_mutation import create_mutations

__all__ = ["Mutant", "make_mutants"]

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / ".mutants"
LEFT_OUT = (".git", ".mutants", ".venv*", ".aws-sam", "dist", "__pycache__", ".*_cache", ".hypothesis")


@dataclass(frozen=True)
class Mutant:
    """A module with one fault.

    Attributes:
        function: the function or method that has the fault.
        before, after: the lines that differ, without indentation, joined.
        code: the whole module.
    """

    function: str
    before: str
    after: str
    code: str


def make_mutants(path: Path) -> list[Mutant]:
    """Return the mutants of a module's functions, each once."""
    source = path.read_text("utf-8")
    module, mutations, *_ = create_mutations(str(path), source)
    mutants: dict[tuple[str, str], Mutant] = {}
    for mutation in mutations:
        function = mutation.contained_by_top_level_function
        if not isinstance(function, libcst.FunctionDef):
            continue  # constants and names: what they mean is seen where they are used
        changed = module.deep_replace(mutation.original_node, mutation.mutated_node)
        code = changed.code  # type: ignore[union-attr]  # a module stays one
        lines = list(difflib.unified_diff(source.splitlines(), code.splitlines(), n=0, lineterm=""))[2:]
        before, after = (" ".join(line[1:].strip() for line in lines if line[0] == sign) for sign in "-+")
        mutants[before, after] = Mutant(function.name.value, before, after, code)
    return list(mutants.values())


def copy_repository() -> None:
    """Copy the sources, and the environment with the copy's packages in place of the repository's."""
    shutil.rmtree(COPY, ignore_errors=True)
    shutil.copytree(ROOT, COPY, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=True)
    shutil.copytree(ROOT / ".venv", COPY / ".venv", symlinks=True, copy_function=os.link)
    for link in (COPY / ".venv").glob("lib/*/site-packages/*.pth"):
        text = link.read_text("utf-8").replace(str(ROOT), str(COPY))
        link.unlink()  # it is one file with the repository's
        link.write_text(text, "utf-8")


# Loads what all tests need once, then runs each line's tests in a child of its own and says how it ended.
SERVER = """
import hypothesis, hypothesis.strategies, jsonschema, os, pytest, shlex, sys
for line in sys.stdin:
    child = os.fork()
    if not child:
        os.setpgid(0, 0)
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(0, 1), os.dup2(0, 2)
        os._exit(pytest.main(shlex.split(line)))
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
OPTIONS = ["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]


class TestRuns:
    """Runs of tests in the copy, each in a fresh child of one process."""

    def __init__(self) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self._server = subprocess.Popen(
            [".venv/bin/python", "-c", SERVER],
            cwd=COPY,
            env={**environment, "HYPOTHESIS_STORAGE_DIRECTORY": str(COPY / ".hypothesis")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, tests: list[str], timeout: float | None) -> tuple[bool, float]:
        """Return whether the tests pass within so many seconds, and how long they took."""
        for stale in (COPY / "src").rglob("__pycache__"):
            shutil.rmtree(stale)  # bytecode of a mutant of the same second and size passes for that of the next
        began = time.monotonic()
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        print(shlex.join([*OPTIONS, *tests]), file=self._server.stdin, flush=True)
        child = int(self._server.stdout.readline())
        timer = threading.Timer(timeout, os.killpg, (child, signal.SIGKILL)) if timeout else None
        if timer:
            timer.start()
        passed = int(self._server.stdout.readline()) == 0
        if timer:
            timer.cancel()
        return passed, time.monotonic() - began


def try_module(runs: TestRuns, module: str, tests: list[str], accepted: list[dict[str, str]]) -> bool:
    """Try all mutants of a module, print those that survive, and return whether each of them is accepted."""
    path = COPY / module
    original = path.read_text("utf-8")
    mutants = make_mutants(path)
    passed, seconds = runs.run(tests, None)
    if not passed:
        print(f"{module}: its tests fail without a mutant too: {' '.join(tests)}")
        return False
    print(f"{module}: {len(mutants)} mutants, tests take {seconds:.0f} s", flush=True)
    began, explained, survivors = time.monotonic(), 0, 0
    known = {(one["before"], one["after"]) for one in accepted if one["module"] == module}
    survived = set()
    try:
        for mutant in mutants:
            path.write_text(mutant.code, "utf-8")
            if not runs.run(tests, 5 * seconds + 10)[0]:
                continue
            survived.add((mutant.before, mutant.after))
            if (mutant.before, mutant.after) in known:
                explained += 1
                continue
            survivors += 1
            print(f"  survives in {mutant.function}:\n    - {mutant.before}\n    + {mutant.after}", flush=True)
    finally:
        path.write_text(original, "utf-8")
    for before, after in sorted(known - survived):
        print(f"  is accepted and does not survive (any more):\n    - {before}\n    + {after}")
    counted = len(mutants) - explained
    print(
        f"{module}: {counted - survivors} of {counted} noticed"
        f" ({100 * (counted - survivors) / max(counted, 1):.1f} %), {explained} accepted,"
        f" {time.monotonic() - began:.0f} s",
        flush=True,
    )
    return not survivors


def changed_files() -> set[str]:
    """Return the files that differ from the main branch, committed or not."""
    command = ["git", "diff", "--name-only", "--merge-base", "main"]
    return set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())


def main() -> int:
    """Try the mutants of all modules, or of some."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--changed", action="store_true", help="only modules that differ from the main branch")
    parser.add_argument("modules", nargs="*", help="parts of modules' paths; all modules without any")
    options = parser.parse_args()
    listed = tomllib.loads((ROOT / "tests/mutants.toml").read_text("utf-8"))
    changed = changed_files() if options.changed else None
    wanted = {
        module: tests
        for module, tests in listed["tests"].items()
        if (changed is None or module in changed)
        and (not options.modules or any(part in module for part in options.modules))
    }
    if not wanted:
        print("no module to try")
        return 0
    copy_repository()
    runs = TestRuns()
    results = [try_module(runs, module, tests, listed.get("accepted", [])) for module, tests in wanted.items()]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
