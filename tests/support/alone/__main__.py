"""The command line of `make alone`."""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Tried", "files_of", "fork_each", "tell", "try_again", "try_file"]

ROOT = Path(__file__).resolve().parents[3]
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
LONGEST = 1200  # seconds that a test may take in a pytest of its own


@dataclass
class Tried:
    """What became of a file's tests: results as the plugin writes them, and an error that is no test's."""

    file: str
    results: list[dict[str, Any]]
    error: str = ""
    seconds: float = 0


def files_of(names: list[str]) -> list[str]:
    """Return the files of tests among files and folders, named from the root; a single test is as good as a file."""
    found: list[str] = []
    for name in names:
        path = ROOT / name.partition("::")[0]
        if path.is_dir():
            found += sorted(str(file.relative_to(ROOT)) for file in path.rglob("test_*.py"))
        elif path.is_file():
            found.append(name)
        else:
            sys.exit(f"error: there is no file or folder {name}")
    return list(dict.fromkeys(found))


def try_file(file: str, folder: Path, *, marks: str = "", own: bool = False, sample: float = 1) -> Tried:
    """Run each test of a file alone, in forked children or in a pytest for each; folders beside `folder` are shared."""
    began = time.monotonic()
    tried = list_tests(file, marks, sample) if own else fork_each(file, folder, marks, sample)
    try_again(tried, folder)
    tried.seconds = time.monotonic() - began
    return tried


def fork_each(file: str, folder: Path, marks: str = "", sample: float = 1) -> Tried:
    """Run each test of a file in a child forked from the process that has collected them."""
    written = folder.with_suffix(".results")
    options = ["-p", "tests.support.alone.forking", "--alone-results", str(written), f"--alone-sample={sample}"]
    done = _pytest(*options, f"--basetemp={folder}", "--tb=short", *(["-m", marks] if marks else []), file)
    shutil.rmtree(folder, ignore_errors=True)
    lines = written.read_text("utf-8").splitlines() if written.exists() else []
    # 5: no test has these marks
    return Tried(file, [json.loads(line) for line in lines], "" if done.returncode in (0, 5) else _text(done))


def list_tests(file: str, marks: str = "", sample: float = 1) -> Tried:
    """Return the tests of a file, or some of them, none of which has run."""
    done = _pytest("--collect-only", "--no-header", *(["-m", marks] if marks else []), file)
    tests = [line for line in done.stdout.splitlines() if "::" in line and random.random() < sample]
    error = "" if done.returncode in (0, 5) else _text(done)
    return Tried(file, [{"test": test, "outcome": "not run"} for test in tests], error)


def try_again(tried: Tried, folder: Path) -> None:
    """Run what did not pass in a pytest of its own: what fails in a forked child only may fail because of the fork."""
    for result in tried.results:
        if result["outcome"] in ("passed", "skipped", "left out"):
            continue
        if result["outcome"] != "not run":
            result["forked"] = f"{result['outcome']}: {result['text']}"
        test = f"{tried.file.partition('::')[0]}::{result['test'].partition('::')[2]}"
        done = _pytest(f"--basetemp={folder}", f"--timeout={LONGEST}", test)
        shutil.rmtree(folder, ignore_errors=True)
        result["outcome"] = "passed" if done.returncode == 0 else "failed"
        result["text"] = "" if done.returncode == 0 else _text(done)


def _pytest(*arguments: str) -> subprocess.CompletedProcess[str]:
    # Without bytecode each child would compile what it imports, for most of its time.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(
        [*PYTEST, *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _text(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


def report(tried: Tried) -> str:
    """Return what became of a file, with all that failed."""
    lines = [f"{tried.file}: {len(tried.results)} tests, {tried.seconds:.0f} s"]
    failed = [result for result in tried.results if result["outcome"] == "failed"]
    lines += [f"fails alone: {result['test']}\n{result['text']}" for result in failed]
    return "\n".join([*lines, *(["error: pytest did not run it to its end", tried.error] if tried.error else [])])


def tell(tried: list[Tried], seconds: float) -> int:
    """Print what became of all tests; return 1 if one fails or pytest could not run a file's, 2 if there was none."""
    results = [result for each in tried for result in each.results]
    counts = Counter(result["outcome"] for result in results)
    for result in results:
        if "forked" in result and result["outcome"] == "passed":
            reason = result["forked"].strip().splitlines()
            print(f"passes in a pytest of its own only: {result['test']}\n  {reason[0]} … {reason[-1]}")
    for result in results:
        if result["outcome"] == "failed":
            print(f"fails alone: {result['test']}")
    for each in tried:
        if each.error:
            print(f"was not run to its end: {each.file}")
        if left_out := sum(result["outcome"] == "left out" for result in each.results):
            print(f"left out: {left_out} of {len(each.results)} in {each.file}")
    run = len(results) - counts["left out"]
    print(
        f"{counts['passed']} of {run} tests in {len(tried)} files pass alone, {counts['failed']} fail,"
        f" {counts['skipped']} skip themselves, {counts['left out']} were left out; {seconds / 60:.0f} minutes"
    )
    if counts["failed"] or any(each.error for each in tried):
        return 1
    if not run:
        print("error: no test was run: name files of tests, other marks or a larger sample", file=sys.stderr)
    return 0 if run else 2


def main() -> int:
    """Run each test of some files alone, two files at a time."""
    parser = argparse.ArgumentParser(prog="make alone", description="run each test where no other test has run")
    parser.add_argument("--own", action="store_true", help="start a pytest for each test, in place of a forked child")
    parser.add_argument("--sample", type=float, default=1, help="so much of the tests, 0.1 for example")
    parser.add_argument("--marks", default="", help="only tests with these marks, as for `pytest -m`")
    parser.add_argument("names", nargs="*", help="files and folders; all tests without any")
    options = parser.parse_args()
    files = files_of(options.names or ["tests"])
    began, tried = time.monotonic(), []
    scratch = Path(tempfile.mkdtemp(prefix="alone-"))
    choice = {"marks": options.marks, "own": options.own, "sample": options.sample}
    pool = ThreadPoolExecutor(2)
    try:
        futures = [pool.submit(try_file, file, scratch / str(i), **choice) for i, file in enumerate(files)]
        for future in as_completed(futures):
            tried.append(future.result())
            print(f"[{len(tried)}/{len(files)}] {report(tried[-1])}", flush=True)
    except KeyboardInterrupt:
        print(f"interrupted after {len(tried)} of {len(files)} files", file=sys.stderr)
    finally:
        pool.shutdown(cancel_futures=True)
        shutil.rmtree(scratch, ignore_errors=True)
    code = tell(tried, time.monotonic() - began)
    return code if len(tried) == len(files) else 130


if __name__ == "__main__":
    sys.exit(main())
