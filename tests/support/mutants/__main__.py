"""The command line of `make mutants`."""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

from tests.support.mutants.faults import Mutant, make_mutants

ROOT = Path(__file__).resolve().parents[3]
COPY = ROOT / os.environ.get("MUTANTS_COPY", ".mutants")  # two runs at once need two
LEFT_OUT = (".git", ".mutants*", ".venv*", ".aws-sam", "dist", "__pycache__", ".*_cache", ".hypothesis")
SURVIVORS = ROOT / ".mutants-survivors.json"
LINES = Path("tests/support/mutants/lines.py")


def copy_repository() -> None:
    """Copy the sources, and the environment with the copy's packages in place of the repository's."""
    shutil.rmtree(COPY, ignore_errors=True)
    shutil.copytree(ROOT, COPY, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=True)
    shutil.copytree(ROOT / ".venv", COPY / ".venv", symlinks=True, copy_function=os.link)
    packages = next((COPY / ".venv").glob("lib/*/site-packages"))
    for link in packages.glob("*.pth"):
        text = link.read_text("utf-8").replace(str(ROOT), str(COPY))
        link.unlink()  # it is one file with the repository's
        link.write_text(text, "utf-8")
    shutil.copy(ROOT / LINES, packages / "mutants_lines.py")
    (packages / "mutants_lines.pth").write_text("import mutants_lines\n", "utf-8")
    # A layer is built of what git tracks.
    identity = ("-c", "user.name=mutants", "-c", "user.email=mutants@localhost", "-c", "commit.gpgsign=false")
    for command in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-qm", "a copy")):
        subprocess.run(["git", *command], cwd=COPY, check=True)


def environment() -> dict[str, str]:
    """Return the environment of the tests' processes."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "HYPOTHESIS_STORAGE_DIRECTORY": str(COPY / ".hypothesis")}


class Session:
    """A session of pytest in the copy that tries mutants (tests/support/mutants/session.py)."""

    def __init__(self, modules: list[str], tests: list[str]) -> None:
        self._process = subprocess.Popen(
            [".venv/bin/python", "-m", "tests.support.mutants.session", *modules, "--", *tests],
            cwd=COPY,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def read(self) -> dict[str, Any]:
        """Return the next answer; say what pytest printed when there is none."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"error: the session ended:\n{(COPY / '.mutants-output').read_text('utf-8')}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, module: str, mutant: Mutant) -> dict[str, Any]:
        """Return how the tests of a mutant's lines ended."""
        assert self._process.stdin is not None
        request = {"module": module, "code": mutant.code, "lines": mutant.lines}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return self.read()

    def close(self) -> None:
        """End the session."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


def passes_anew(module: str, mutant: Mutant, tests: list[str]) -> bool:
    """Return whether tests pass in a new process: for faults in what runs when modules are loaded."""
    path = COPY / module
    original = path.read_text("utf-8")
    path.write_text(mutant.code, "utf-8")
    try:
        for stale in path.parent.glob(f"__pycache__/{path.stem}.*"):
            stale.unlink()
        command = [".venv/bin/python", "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        ran = subprocess.run(command, cwd=COPY, env=environment(), capture_output=True, timeout=200, check=False)
    except subprocess.TimeoutExpired:
        return False
    finally:
        path.write_text(original, "utf-8")
        os.utime(path, (time.time() - 1e6 - 1, time.time() - 1e6 - 1))
    return ran.returncode == 0


def try_mutant(session: Session, module: str, mutant: Mutant) -> bool:
    """Return whether the tests notice a mutant."""
    answer = session.ask(module, mutant)
    if os.environ.get("MUTANTS_VERBOSE"):
        print(mutant.function, "|", mutant.after[:90], {k: v for k, v in answer.items() if k != "chosen"}, flush=True)
    again = answer["outcome"] == "not put" or (answer["outcome"] == "passed" and answer["at_import"])
    if again:
        return not passes_anew(module, mutant, answer["chosen"])
    return bool(answer["outcome"] != "passed")


def survivors() -> dict[str, list[list[str]]]:
    """Return what survived when each module was tried last."""
    if not SURVIVORS.exists():
        return {}
    kept: dict[str, list[list[str]]] = json.loads(SURVIVORS.read_text("utf-8"))
    return kept


def choose(module: str, options: argparse.Namespace, survived: list[list[str]]) -> list[Mutant]:
    """Return the mutants of a module to try: all, a sample, or those that survived before."""
    mutants = make_mutants(ROOT / module)
    if options.again:
        return [mutant for mutant in mutants if [mutant.before, mutant.after] in survived]
    if options.sample and options.sample < len(mutants):
        mutants = random.Random(module + options.seed).sample(mutants, options.sample)
    return mutants


def try_module(
    session: Session, module: str, mutants: list[Mutant], accepted: list[dict[str, str]]
) -> tuple[dict[str, Any], list[list[str]]]:
    """Try the mutants of a module, print those that survive, and return the numbers and the survivors."""
    known = {(one["before"], one["after"]): one["why"] for one in accepted if one["module"] == module}
    row = {"module": module, "mutants": len(mutants), "noticed": 0, "equivalent": 0, "accepted": 0, "survivors": 0}
    print(module, flush=True)
    began, noticed, survived = time.monotonic(), set(), []
    for mutant in mutants:
        key = (mutant.before, mutant.after)
        if try_mutant(session, module, mutant):
            row["noticed"] += 1
            noticed.add(key)
        elif key in known:
            row["equivalent" if known[key].startswith("Equivalent") else "accepted"] += 1
        else:
            row["survivors"] += 1
            survived.append([*key])
            print(f"  survives in {mutant.function}:\n    - {mutant.before}\n    + {mutant.after}", flush=True)
    for before, after in known:
        if (before, after) in noticed:
            print(f"  is accepted and does not survive (any more):\n    - {before}\n    + {after}")
    row["seconds"] = round(time.monotonic() - began)
    print(table([row]), flush=True)
    return row, survived


def table(rows: list[dict[str, Any]]) -> str:
    """Return the numbers of modules as a table in Markdown; a rate counts those that are not equivalent."""
    lines = [
        "| module | mutants | noticed | equivalent | accepted | survivors | rate | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    total = {name: sum(row[name] for row in rows) for name in rows[0] if name != "module"}
    for row in [*rows, *([{"module": "together", **total}] if len(rows) > 1 else [])]:
        tried = row["mutants"] - row["equivalent"]
        lines.append(
            f"| {row['module']} | {row['mutants']} | {row['noticed']} | {row['equivalent']} | {row['accepted']}"
            f" | {row['survivors']} | {rate(row['noticed'], tried)} | {row['seconds']} |"
        )
    return "\n".join(lines)


def rate(noticed: int, tried: int) -> str:
    """Return a rate with the bounds of its 95 % confidence, after Wilson: what a sample says of the whole."""
    if not tried:
        return "-"
    share, z = noticed / tried, 1.96
    middle = share + z * z / (2 * tried)
    half = z * math.sqrt(share * (1 - share) / tried + z * z / (4 * tried * tried))
    low, high = ((middle + sign * half) / (1 + z * z / tried) for sign in (-1, 1))
    return f"{100 * share:.1f} % ({100 * low:.0f} to {100 * high:.0f})"


def changed_files() -> set[str]:
    """Return the files that differ from the main branch, committed or not; on it, from the commit before."""
    for base in ("main", "HEAD~"):
        command = ["git", "diff", "--name-only", "--merge-base", base]
        names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
        if names:
            return set(names)
    return set()


def main() -> int:
    """Try the mutants of all modules, or of some."""
    parser = argparse.ArgumentParser(description="put faults into the listed modules: their tests must notice")
    parser.add_argument("--changed", action="store_true", help="only modules that differ from the main branch")
    parser.add_argument("--sample", type=int, default=0, help="of each module so many mutants, the same each time")
    parser.add_argument("--seed", default="", help="take another sample")
    parser.add_argument("--again", action="store_true", help="only what survived when the module was tried last")
    parser.add_argument("modules", nargs="*", help="parts of modules' paths; all modules without any")
    options = parser.parse_args()
    listed = tomllib.loads((ROOT / "tests/mutants.toml").read_text("utf-8"))
    changed = changed_files() if options.changed else None
    groups = []
    for group in listed["group"]:
        modules = [
            module
            for module in group["modules"]
            if (changed is None or module in changed)
            and (not options.modules or any(part in module for part in options.modules))
        ]
        if modules:
            groups.append((modules, group["tests"]))
    if not groups:
        print("no module to try")
        return 0
    copy_repository()
    rows, failed = [], False
    for modules, tests in groups:
        session = Session(modules, tests)
        measured = session.read()
        print(f"{measured['tests']} tests, {measured['seconds']:.0f} s", flush=True)
        if measured["failed"]:
            print(
                "error: these fail without a fault too, and are left out:", *measured["failed"], sep="\n  ", flush=True
            )
            failed = True
        for module in modules:
            mutants = choose(module, options, survivors().get(module, []))
            row, survived = try_module(session, module, mutants, listed.get("accepted", []))
            rows.append(row)
            SURVIVORS.write_text(json.dumps({**survivors(), module: survived}, indent=1), "utf-8")
        session.close()
    if rows:
        print("\n" + table(rows))
    return 1 if failed or any(row["survivors"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
