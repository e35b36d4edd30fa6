"""The plugin of a pytest that runs each test in a forked child, and writes down what became of it.

The file of results has an object a line: the test, its outcome, the seconds that it took and, if it failed, why.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import signal
import threading
import time
from pathlib import Path
from typing import NoReturn

import pytest

from tests.support.alone import sharing

__all__: list[str] = []

LONGEST = 600.0  # seconds that a test may take


class Forking:
    """Run each test in a child of the process that has collected them."""

    def __init__(self, results: Path, sample: float) -> None:
        self._results = results
        self._sample = sample
        self._reports: list[pytest.TestReport] = []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what is not in the sample."""
        chosen = [item for item in items if random.random() < self._sample]
        self.pytest_deselected([item for item in items if item not in chosen])
        items[:] = chosen

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Fork for each test, one after the other."""
        session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # one for all children
        fixtures = {name for item in session.items for name in getattr(item, "fixturenames", ())}
        with sharing.start_what_lasts(fixtures):
            for item in session.items:
                began = time.monotonic()
                # A child has one thread: what another one holds would never be let go of.
                outcome, text = ("not forked", "a thread runs") if threading.active_count() > 1 else self._fork(item)
                self._tell(item, outcome, text, time.monotonic() - began)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what the child's test reports."""
        self._reports.append(report)

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Tell which tests are left out."""
        for item in items:
            self._tell(item, "left out", "", 0)

    def _tell(self, item: pytest.Item, outcome: str, text: str, seconds: float) -> None:
        result = {"test": item.nodeid, "outcome": outcome, "seconds": seconds, "text": text}
        with self._results.open("a", encoding="utf-8") as file:
            print(json.dumps(result), file=file)

    def _fork(self, item: pytest.Item) -> tuple[str, str]:
        """Return a test's outcome in a child: passed, skipped, failed or timed out, and why."""
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            self._run(item, writing)
        try:
            os.close(writing)
            answer = _read(reading)
        finally:
            os.close(reading)
            # A process that the test has left behind ends with it.
            for end in (lambda: os.killpg(child, signal.SIGKILL), lambda: os.kill(child, signal.SIGKILL)):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    end()
            _, status = os.waitpid(child, 0)
        if answer is None:
            return "timed out", f"it does not end within {LONGEST:.0f} s"
        if not answer.endswith(b"\n"):
            return "failed", f"its process ended before it did: {os.waitstatus_to_exitcode(status)}"
        outcome, text = json.loads(answer)
        return outcome, text

    def _run(self, item: pytest.Item, writing: int) -> NoReturn:
        """Run a test in this child, and end."""
        try:
            os.setpgid(0, 0)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)  # what lasts for a session ends, too
            answer = self._outcome()
        except BaseException as error:  # a test may leave by any way
            answer = "failed", f"{error!r}"
        with contextlib.suppress(OSError), os.fdopen(writing, "wb") as pipe:
            pipe.write(json.dumps(answer).encode() + b"\n")
        os._exit(0)

    def _outcome(self) -> tuple[str, str]:
        failed = [report for report in self._reports if report.failed]
        texts = [f"{report.longreprtext}\n{report.capstdout}{report.capstderr}" for report in failed]
        if failed:
            return "failed", "\n".join(texts)
        return ("skipped" if any(report.skipped for report in self._reports) else "passed"), ""


def _read(descriptor: int) -> bytes | None:
    """Return what is written up to the end of its line; None when that takes too long."""
    data, end = b"", time.monotonic() + LONGEST
    while not data.endswith(b"\n"):
        if not select.select([descriptor], [], [], max(end - time.monotonic(), 0))[0]:
            return None
        part = os.read(descriptor, 1 << 16)
        if not part:
            break
        data += part
    return data


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that this plugin works by."""
    parser.addoption("--alone-results", help="run each test in a forked child, and write the results to this file")
    parser.addoption("--alone-sample", type=float, default=1, help="of the tests so much, 0.1 for example")


def pytest_configure(config: pytest.Config) -> None:
    """Take the place of the loop that runs tests; our fixtures come after pytest-xdist's."""
    if results := config.getoption("--alone-results"):
        config.pluginmanager.register(Forking(Path(results), config.getoption("--alone-sample")))
        config.pluginmanager.register(sharing)
