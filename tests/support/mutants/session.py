"""A session of pytest that has collected the tests once and runs some of them for each mutant, in a forked child.

It reads one JSON object a line, `{"module": …, "code": …, "lines": […]}`, and answers with one each.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import importlib
import json
import os
import select
import signal
import sys
import tempfile
import time
from itertools import accumulate
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest
from _pytest.tmpdir import tmppath_result_key

from tests.support.mutants import lines

__all__: list[str] = []

# What takes long to load and is no code of ours; a child that needs it has it.
HEAVY = ("hypothesis.strategies", "jsonschema", "boto3", "botocore.endpoint", "moto.server", "sentry_sdk")
OPTIONS = ("-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-W", "ignore::pytest.PytestAssertRewriteWarning")
OUTCOMES = {"P": "passed", "S": "failed", "F": "failed", "N": "not put"}
QUICK = 1.0
LONGEST = 30.0  # seconds of tests for one fault, as measured: what is left out then are the slowest ones
PATIENCE = (5.0, 60.0)  # seconds beside five times what a test took: one that is late once may be late by the machine
FEW = 12  # a line that fewer tests run may do its work in a test that comes after: the rest of their files is run too


class Session:
    """The plugin that runs tests when asked to."""

    def __init__(self, modules: list[str]) -> None:
        self._modules = [str(Path(module).resolve()) for module in modules]
        self._sources = {module: Path(module).read_text("utf-8") for module in self._modules}
        self._in, self._out = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
        self._lines = Path(".mutants-lines").resolve()  # a test may be in another folder when its report is written
        self._lines.write_text("")
        self._runs: dict[tuple[str, int], set[str]] = {}
        self._seconds: dict[str, float] = {}
        self._pipe = -1
        self._patience = PATIENCE[0]
        self._clock = int(time.time()) - 1_000_000
        lines.start(str(self._lines), os.pathsep.join(self._modules))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Measure the tests, then run those that each request needs."""
        lines.stop()
        self._collected = session.items
        self._items = {item.nodeid: item for item in session.items}
        self._keep_session_fixtures(session.items)
        self._functions: dict[tuple[str, str, int], list[FunctionType]] = {}
        wanted = set(self._modules)
        for one in gc.get_objects():
            if isinstance(one, FunctionType) and one.__code__.co_filename in wanted:
                code = one.__code__
                key = (code.co_filename, code.co_qualname, code.co_firstlineno)
                self._functions.setdefault(key, []).append(one)
        self._answer(self._measure(session.items))
        for line in self._in:
            self._answer(self._try(json.loads(line)))
        return True

    def _answer(self, answer: dict[str, Any]) -> None:
        print(json.dumps(answer), file=self._out, flush=True)

    def _keep_session_fixtures(self, items: list[pytest.Item]) -> None:
        """Set up what lasts for a session (a local AWS), so that not every child does."""
        known: set[str] = set()
        for item in items:
            fixtures = getattr(item, "_fixtureinfo", None)
            definitions = fixtures.name2fixturedefs if fixtures else {}
            lasting = {name for name, found in definitions.items() if found[-1].scope == "session"}
            if not lasting <= known:
                known |= lasting
                item.stash[tmppath_result_key] = {}  # the fixture tmp_path asks how the test ended
                item.session._setupstate.setup(item)
                item.session._setupstate.teardown_exact(self._other(item))
                item._initrequest()  # as after each run: its next one asks for its fixtures anew

    def _other(self, item: pytest.Item) -> pytest.Item | None:
        """Return a test of another file, or else another one of the same."""
        others = [one for one in self._collected if one is not item]
        return next((one for one in others if one.path != item.path), others[0] if others else None)

    def _fork(self, items: list[pytest.Item], prepare: Any) -> tuple[str, str, float]:
        """Return the outcome of tests in a child: passed, failed or timed out, at which, after how many seconds."""
        reading, writing = os.pipe()
        began = time.monotonic()
        child = os.fork()
        if not child:
            try:
                os.setpgid(0, 0)
                os.close(reading)
                self._pipe = writing
                try:
                    prepare()
                except (ValueError, AssertionError):
                    os.write(writing, b"N\n")
                    os._exit(0)
                # Behind the last one, too, what lasts for a session stays: a server's thread is not in the child.
                last = self._other(items[-1]) if items else None
                for item, following in zip(items, [*items[1:], last], strict=True):
                    os.write(writing, f"S {item.nodeid}\n".encode())
                    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                os.write(writing, b"P\n")
            except BaseException as error:  # a mutant may do anything
                os.write(writing, f"F {error!r:.200}\n".encode())
            os._exit(0)
        os.close(writing)
        outcome, test, buffer = "failed", "", b""
        limit = 300.0
        while True:
            if not select.select([reading], [], [], limit)[0]:
                outcome = "timed out"
                break
            data = os.read(reading, 65536)
            if not data:
                break
            buffer += data
            *whole, buffer = buffer.split(b"\n")
            for kind, _, text in (message.decode(errors="replace").partition(" ") for message in whole):
                test = text or test
                outcome = OUTCOMES[kind]
                if kind == "S" and self._seconds:
                    limit = 5 * self._seconds.get(text, 1) + self._patience
            if whole and whole[-1][:1] in (b"P", b"F", b"N"):
                break
        os.close(reading)
        for ended in (lambda: os.killpg(child, signal.SIGKILL), lambda: os.kill(child, signal.SIGKILL)):
            with contextlib.suppress(ProcessLookupError):
                ended()
        os.waitpid(child, 0)
        return outcome, test, time.monotonic() - began

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """See to it that the lines of each test are written down, whatever the one before did."""
        lines.resume()

    pytest_runtest_call = pytest_runtest_setup

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Say at once that a test failed, or how long it took."""
        if self._seconds and report.failed:
            os.write(self._pipe, f"F {report.nodeid}\n".encode())
            os._exit(1)
        if not self._seconds:
            with self._lines.open("a") as file:
                kind = "failed" if report.failed else "passed"
                print("report", kind, report.nodeid, report.duration, sep="\t", file=file)

    def _measure(self, items: list[pytest.Item]) -> dict[str, Any]:
        """Run all tests without a fault, and remember what each of them runs and how long it takes."""

        def trace() -> None:
            modules = os.pathsep.join(self._modules)
            os.environ.update(MUTANTS_LINES=str(self._lines), MUTANTS_MODULES=modules)
            lines.start(str(self._lines), modules)

        outcome, test, seconds = self._fork(items, trace)
        failed = [] if outcome == "passed" else [f"{test}: {outcome}"]
        durations: dict[str, float] = {}
        for line in self._lines.read_text("utf-8").splitlines():
            if line.startswith("report\t"):
                _, kind, nodeid, duration = line.split("\t")
                durations[nodeid] = durations.get(nodeid, 0) + float(duration)
                if kind == "failed":
                    failed.append(nodeid)
                continue
            test, module, number = line.rsplit("\t", 2)
            nodeid, _, _phase = test.rpartition(" (")
            self._runs.setdefault((module, int(number)), set()).add(nodeid)
        self._seconds = durations
        self._items = {nodeid: item for nodeid, item in self._items.items() if nodeid not in failed}
        return {"failed": failed, "tests": len(items), "seconds": seconds}

    def _try(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run the tests that run the lines of a fault."""
        module = str(Path(request["module"]).resolve())
        self._write(module, request["code"])
        running = set().union(*(self._runs.get((module, line), set()) for line in request["lines"]))
        # A module's own tests come first, then quick ones. Slow ones come last, also of its own: they would use up
        # the time in which a quick one elsewhere notices.
        stem = Path(module).stem
        chosen = sorted(
            running & self._items.keys(),
            key=lambda one: (
                self._seconds.get(one, 0) >= QUICK,
                stem not in one.partition("::")[0],
                self._seconds.get(one, 0),
            ),
        )
        if "" in running or len(chosen) < FEW:
            files = {one.partition("::")[0] for one in chosen}
            rest = {
                one
                for one in self._items
                if (not files or one.partition("::")[0] in files) and self._seconds.get(one, 0) < QUICK
            } - set(chosen)
            chosen += sorted(rest, key=lambda one: self._seconds.get(one, 0))
        sums = accumulate(self._seconds.get(one, 0) for one in chosen)
        chosen = [one for one, seconds in zip(chosen, sums, strict=True) if seconds <= LONGEST] or chosen[:1]

        def fault() -> None:
            assert running != {""}  # it is too late: what runs when modules are loaded has run
            self._put(module, request["code"])

        try:
            for self._patience in PATIENCE:
                outcome, test, seconds = self._fork([self._items[one] for one in chosen], fault)
                if outcome != "timed out":
                    break
        finally:
            self._write(module, self._sources[module])
        return {
            "outcome": outcome,
            "test": test,
            "seconds": seconds,
            "tests": len(running & self._items.keys()),
            "at_import": "" in running,
            "chosen": chosen[:200],
        }

    def _write(self, module: str, code: str) -> None:
        """Write a module, with a time that no other version of it had: bytecode is kept by second and size."""
        Path(module).write_text(code, "utf-8")
        self._clock += 1
        os.utime(module, (self._clock, self._clock))

    def _put(self, module: str, code: str) -> None:
        """Put a fault into the functions of a module as they are loaded."""
        old, new = (compile(text, module, "exec") for text in (self._sources[module], code))
        news: dict[str, list[CodeType]] = {}
        for one in _codes(new):
            news.setdefault(one.co_qualname, []).append(one)
        for one in _codes(old):
            others = news.get(one.co_qualname)
            other = others.pop(0) if others else None  # a comprehension may be what was taken away
            for function in self._functions.get((module, one.co_qualname, one.co_firstlineno), ()):
                assert other is not None
                function.__code__ = other
        before, after = ast.parse(self._sources[module]), ast.parse(code)
        for one, other in zip(_definitions(before), _definitions(after), strict=True):
            if ast.dump(one.args) != ast.dump(other.args):
                self._put_defaults(module, one, other)

    def _put_defaults(self, module: str, before: Any, after: Any) -> None:
        """Change the defaults of a function that is loaded."""
        names = [arg.arg for arg in (*before.args.posonlyargs, *before.args.args)][-len(before.args.defaults) or 99 :]
        pairs = [
            *zip(names, before.args.defaults, after.args.defaults, strict=True),
            *zip(
                (one.arg for one in before.args.kwonlyargs),
                before.args.kw_defaults,
                after.args.kw_defaults,
                strict=True,
            ),
        ]
        changed = {n: o for n, b, o in pairs if b is not None and ast.dump(b) != ast.dump(o)}
        for (filename, qualname, first), functions in self._functions.items():
            if (
                filename == module
                and qualname.rpartition(".")[2] == before.name
                and before.lineno - 9 < first <= before.lineno
            ):
                for function in functions:
                    for name, node in changed.items():
                        value = ast.literal_eval(node)
                        if name in names:
                            values = list(function.__defaults__ or ())
                            values[names.index(name)] = value
                            function.__defaults__ = tuple(values)
                        else:
                            function.__kwdefaults__ = {**(function.__kwdefaults__ or {}), name: value}


def _codes(code: CodeType) -> Any:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _definitions(tree: ast.Module) -> list[Any]:
    return [one for one in ast.walk(tree) if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))]


def main() -> None:
    """Serve requests for modules by tests: `session MODULE… -- TEST…`."""
    at = sys.argv.index("--")
    plugin = Session(sys.argv[1:at])
    os.dup2(os.open(".mutants-output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)  # answers go elsewhere
    for name in HEAVY:
        importlib.import_module(name)
    # Not in the copy: tests of what is not below a repository would find the copy's own files.
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        code = pytest.main([*OPTIONS, f"--basetemp={folder}/tests", *sys.argv[at + 1 :]], plugins=[plugin])
    os._exit(code)


if __name__ == "__main__":
    main()
