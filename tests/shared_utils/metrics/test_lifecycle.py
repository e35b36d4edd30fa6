"""When metrics are written without being asked, and where nothing may be lost or written twice."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from shared_utils import instrument, logging, metrics
from shared_utils.errors import MetricsError
from shared_utils.invocation import lifecycle as _invocation
from shared_utils.testing import CapturedLogs, CapturedMetrics, LambdaContext
from tests.support import emf


@pytest.fixture(autouse=True)
def _production(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A fresh, cold environment as in production: not strict, with a namespace."""
    metrics._registry.reset()
    _invocation.reset()
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Tests")
    yield
    metrics._registry.reset()
    _invocation.reset()


@pytest.fixture
def documents(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """Call it for the documents written since the last call; other lines are left out."""

    def read() -> list[dict[str, Any]]:
        return [emf.parse(line) for line in capsys.readouterr().out.splitlines(keepends=True) if '"_aws"' in line]

    return read


def values(found: list[dict[str, Any]], name: str) -> list[float]:
    """Return all values of a metric in documents."""
    return [value for document in found for value in document.get(name, [])]


def run(program: str, **environment: str) -> list[dict[str, Any]]:
    """Run a program as a script and return the documents it wrote; every line must be one."""
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "POWERTOOLS_METRICS_NAMESPACE": "Tests", **environment},
    )
    assert (result.returncode, result.stderr) == (0, "")
    return emf.parse_all(result.stdout)


# --- invocations ---


def test_an_invocation_is_flushed_once_and_starts_clean(documents: Any) -> None:
    """All values of an invocation are one document at its end; dimensions and properties do not reach the next."""

    @instrument
    def handler(event: Any, context: Any) -> None:
        metrics.count("Calls")
        if event == 0:
            metrics.dimensions(first="yes")
            metrics.properties(id=1)
        assert documents() == [] or event == 0

    metrics.configure(cold_start=False)
    metrics.default_dimensions(stage="dev")
    for number in range(2):
        handler(number, LambdaContext())
        (document,) = documents()
        assert document["Calls"] == [1]
        assert document["stage"] == "dev"
        assert ("first" in document, "id" in document) == (number == 0, number == 0)


def test_dimensions_without_metrics_do_not_reach_the_next_invocation(documents: Any) -> None:
    """An invocation that only set dimensions leaves nothing behind."""

    @instrument
    def handler(event: Any, context: Any) -> None:
        if event:
            metrics.count("Calls")
        else:
            metrics.dimensions(old="yes")
            metrics.timestamp(datetime.now())  # noqa: DTZ005 - naive on purpose: local time, as in Powertools

    metrics.configure(cold_start=False)
    handler(0, LambdaContext())
    handler(1, LambdaContext())
    assert "old" not in documents()[0]


def test_what_is_recorded_during_init_goes_out_with_the_first_invocation(documents: Any) -> None:
    """Values from before the first invocation are in its document."""
    metrics.count("Loaded")
    assert documents() == []

    @instrument
    def handler(event: Any, context: Any) -> None:
        metrics.count("Calls")

    handler({}, LambdaContext())
    found = documents()
    assert (values(found, "Loaded"), values(found, "Calls"), values(found, "ColdStart")) == ([1], [1], [1])
    handler({}, LambdaContext())
    assert values(documents(), "Loaded") == []


def test_metrics_imported_or_configured_late_still_report_the_cold_start(
    documents: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A namespace that the handler sets itself is early enough for the cold start's metric."""
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE")

    @instrument
    def handler(event: Any, context: Any) -> None:
        metrics.configure(namespace="Late", service="todos")

    handler({}, LambdaContext("f"))
    (document,) = documents()
    assert document["ColdStart"] == [1]
    assert (document["function_name"], document["service"]) == ("f", "todos")
    handler({}, LambdaContext("f"))
    assert documents() == []


def test_provisioned_concurrency_is_no_cold_start(documents: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment initialised ahead of time reports none."""
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "provisioned-concurrency")
    instrument(lambda event, context: None)({}, LambdaContext())
    assert documents() == []


def test_a_cold_start_without_a_namespace_is_one_error_line_and_no_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody set a namespace: one line says so, and not even strict mode fails a handler that recorded nothing."""
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE")
    metrics.configure(strict=True)
    handler = instrument(lambda event, context: "fine")
    assert handler({}, LambdaContext()) == "fine"
    assert capsys.readouterr().out.count("no namespace, so ColdStart could not be written") == 1
    assert handler({}, LambdaContext()) == "fine"
    assert capsys.readouterr().out == ""


def test_an_error_line_at_the_end_belongs_to_its_invocation(
    captured_logs: CapturedLogs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A problem that shows only when metrics are written has the request id, and brings the buffered lines along."""
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE")
    logging.configure(buffer=True)
    metrics.configure(cold_start=False)

    @instrument(correlation_id="id")
    def handler(event: Any, context: Any) -> None:
        logging.debug("what led to it")
        metrics.count("Lost")

    context = LambdaContext()
    handler({"id": "c-1"}, context)
    line = captured_logs.one(level="ERROR")
    assert "no namespace, so Lost could not be written" in line["message"]
    assert (line["function_request_id"], line["correlation_id"]) == (context.aws_request_id, "c-1")
    assert captured_logs.one(level="DEBUG")["message"] == "what led to it"


def test_before_a_time_out_metrics_are_written_and_not_again(documents: Any) -> None:
    """What is recorded is written while there is time; a handler that finishes after all goes on with its document."""

    @instrument
    def handler(event: Any, context: Any) -> None:
        metrics.dimensions(kind="slow")
        metrics.count("Before")
        thread = threading.Thread(target=_invocation.timing_out, args=(_invocation.current(),))
        thread.start()
        thread.join()
        metrics.count("After")

    metrics.configure(cold_start=False)
    handler({}, LambdaContext())
    first, second = documents()
    assert (first["Before"], first["kind"]) == ([1], "slow")
    assert (second["After"], second["kind"]) == ([1], "slow")
    assert "Before" not in second


def test_each_problem_is_logged_once_in_an_invocation(
    captured_logs: CapturedLogs, capsys: pytest.CaptureFixture[str]
) -> None:
    """A thousand times the same mistake is one error line; the next invocation says it again."""

    @instrument
    def handler(event: Any, context: Any) -> None:
        for _ in range(1000):
            metrics.add("Time", 1, "Millisecond")
        metrics.count("Other", float("nan"))

    for _ in range(2):
        handler({}, LambdaContext())
        problems = captured_logs.find(logger="shared_utils.metrics", level="ERROR")
        assert len(problems) == 2
        assert "did you mean 'Milliseconds'?" in problems[0]["message"]
        assert problems[0]["function_name"] == "test-function"
        captured_logs.clear()


# --- scopes ---


def test_in_a_scope_the_modules_functions_record_into_it(documents: Any) -> None:
    """Whatever is recorded within the block, by whichever function, is in the scope's document."""

    def library() -> None:
        metrics.count("Inner")
        metrics.properties(id=1)

    metrics.default_dimensions(stage="dev")
    metrics.dimensions(outer="yes")
    metrics.count("Outer")
    with metrics.scope({"kind": "x"}, namespace="Scoped", operation="import") as scope:
        library()
        scope.add("Own", 2, "Bytes")
        with metrics.scope(nested="yes"):
            metrics.count("Nested")
        with scope.timer("Took"):
            pass
    metrics.count("Outer")
    metrics.flush()
    nested, scoped, outer = documents()
    assert nested["Nested"] == [1]
    assert (nested["nested"], nested["stage"]) == ("yes", "dev")
    assert "kind" not in nested
    assert (scoped["Inner"], scoped["Own"], len(scoped["Took"]), scoped["id"]) == ([1], [2], 1, 1)
    assert scoped["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Scoped"
    assert scoped["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["stage", "kind", "operation"]]
    assert "outer" not in scoped
    assert (outer["Outer"], outer["outer"]) == ([1, 1], "yes")


def test_a_scope_belongs_to_its_task(documents: Any) -> None:
    """Tasks that run at the same time record into their own scopes."""

    async def work(name: str) -> None:
        with metrics.scope(task=name):
            for _ in range(3):
                metrics.count("Steps")
                await asyncio.sleep(0)

    async def both() -> None:
        await asyncio.gather(work("a"), work("b"))

    asyncio.run(both())
    assert sorted((document["task"], len(document["Steps"])) for document in documents()) == [("a", 3), ("b", 3)]


def test_what_comes_after_a_scopes_end_is_not_lost(documents: Any) -> None:
    """A value recorded through the scope object later goes out with the next flush, with the scope's dimensions."""
    with metrics.scope(kind="x") as scope:
        pass
    scope.count("Late")
    metrics.flush()
    (document,) = documents()
    assert (document["Late"], document["kind"]) == ([1], "x")


# --- processes ---


def test_a_script_writes_at_its_exit() -> None:
    """Without a handler and without flush, everything is written when the script ends, scopes that are open too."""
    (main, scope) = run(
        """
        from shared_utils import metrics
        metrics.count("A")
        scope = metrics.scope(kind="x")
        scope.__enter__()
        metrics.count("B")
        """
    )
    assert (main["A"], scope["B"], scope["kind"]) == ([1], [1], "x")


def test_a_script_that_raises_or_exits_writes_too() -> None:
    """sys.exit and an uncaught exception do not lose metrics."""
    (document,) = run("from shared_utils import metrics\nmetrics.count('A')\nraise SystemExit(0)")
    assert document["A"] == [1]


def test_a_forked_child_writes_its_own_metrics_and_not_its_parents() -> None:
    """After fork, parent and child write what each recorded, once."""
    found = run(
        """
        import os, sys
        from shared_utils import metrics
        metrics.dimensions(kind="x")
        metrics.count("Parent")
        child = os.fork()
        metrics.count("Child" if child == 0 else "Parent")
        if child:
            os.waitpid(child, 0)
        """
    )
    assert sorted((document.get("Parent", []), document.get("Child", [])) for document in found) == [
        ([], [1]),
        ([1, 1], []),
    ]
    assert {document["kind"] for document in found} == {"x"}


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_of_multiprocessing_writes_at_its_exit(method: str, tmp_path: Path) -> None:
    """Such a child ends without atexit when it was forked; its metrics are written all the same."""
    (tmp_path / "job.py").write_text(
        textwrap.dedent(
            f"""
            import multiprocessing
            from shared_utils import metrics

            def work():
                metrics.count("Child")

            if __name__ == "__main__":
                metrics.count("Parent")
                child = multiprocessing.get_context({method!r}).Process(target=work)
                child.start()
                child.join()
                assert child.exitcode == 0
            """
        )
    )
    result = subprocess.run(
        [sys.executable, str(tmp_path / "job.py")],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "POWERTOOLS_METRICS_NAMESPACE": "Tests"},
    )
    found = emf.parse_all(result.stdout)
    assert (values(found, "Child"), values(found, "Parent")) == ([1], [1])


def test_before_a_snapshot_init_metrics_are_written_once_and_not_by_each_copy() -> None:
    """Under SnapStart what init recorded is written before the snapshot; after a restore nothing of it is left."""
    found = run(
        """
        import sys, types
        hooks = []
        module = types.ModuleType("snapshot_restore_py")  # Lambda's runtime has it; it is on no package index
        module.register_before_snapshot = lambda function, *args, **kwargs: hooks.append((function, args, kwargs))
        module.register_after_restore = lambda function, *args, **kwargs: None
        sys.modules["snapshot_restore_py"] = module
        from shared_utils import metrics
        metrics.count("Init")
        for function, args, kwargs in hooks:
            function(*args, **kwargs)
        print(end="", flush=True)
        metrics.count("Restored")
        """,
        AWS_LAMBDA_INITIALIZATION_TYPE="snap-start",
    )
    assert [sorted(document.keys() - {"_aws"}) for document in found] == [["Init"], ["Restored"]]


def test_nothing_happens_at_import() -> None:
    """Importing metrics reads no variable, registers nothing at exit, and loads nothing that logging has not."""
    program = """
    import atexit, os, sys
    from shared_utils import get_logger
    get_logger()
    before, hooks = set(sys.modules), atexit._ncallbacks()
    reads = []
    class Watched(type(os.environ)):
        def __getitem__(self, key):
            reads.append(key)
            return super().__getitem__(key)
    os.environ.__class__ = Watched
    from shared_utils import metrics
    assert reads == [], reads
    assert atexit._ncallbacks() == hooks
    loaded = {name for name in set(sys.modules) - before if not name.startswith("shared_utils")}
    assert loaded <= set(), loaded
    """
    assert run(program) == []


# --- Lambda's filter ---


@pytest.mark.parametrize("level", ["WARN", "ERROR", "FATAL", "CRITICAL", "error"])
def test_documents_state_a_level_where_the_platform_filters(
    level: str, documents: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With JSON format and a level above INFO, a document carries that level and a valid RFC 3339 time."""
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", "JSON")
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", level)
    metrics.count("A")
    metrics.flush()
    (document,) = documents()
    assert document["level"] == level.upper()
    assert datetime.fromisoformat(document["timestamp"]).tzinfo is not None
    assert document["timestamp"].endswith("Z")


def test_own_members_named_like_the_lines_win_and_it_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dimension named level stays what it is, the document stays valid, and an error line says what may happen."""
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", "JSON")
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", "WARN")
    metrics.dimensions(level="third")
    metrics.properties(timestamp="noon")
    metrics.count("A")
    metrics.flush()
    document, first, second = capsys.readouterr().out.splitlines(keepends=True)
    parsed = emf.parse(document)
    assert (parsed["level"], parsed["timestamp"]) == ("third", "noon")
    assert "Lambda filters by 'level' under log level WARN" in first
    assert "Lambda filters by 'timestamp'" in second


@pytest.mark.parametrize(
    ("log_format", "level"), [("JSON", "INFO"), ("JSON", "DEBUG"), ("Text", "ERROR"), ("JSON", "")]
)
def test_documents_state_no_level_where_nothing_is_filtered(
    log_format: str, level: str, documents: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everywhere else a document is as it always was."""
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", log_format)
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", level)
    metrics.count("A")
    metrics.flush()
    assert documents()[0].keys() == {"_aws", "A"}


# --- the pytest plugin ---


def test_captured_metrics_gives_documents_values_units_and_totals(captured_metrics: CapturedMetrics) -> None:
    """The fixture answers what tests ask for, flushed or not, and nothing goes to standard output."""
    metrics.count("Listed", 2)
    metrics.count("Listed", 3)
    with metrics.scope(operation="import") as scope:
        scope.count("Listed", 10)
        scope.add("Size", 1.5, "Bytes")
    assert captured_metrics.values("Listed") == [10, 2, 3]
    assert captured_metrics.values("Listed", operation="import") == [10]
    assert captured_metrics.values("Nothing") == []
    assert captured_metrics.total("Listed") == 15
    assert captured_metrics.units("Size") == ["Bytes"]
    assert captured_metrics.names == ["Listed", "Size"]
    assert len(captured_metrics.documents) == 2
    captured_metrics.clear()
    assert captured_metrics.documents == []


def test_captured_metrics_needs_no_namespace(
    captured_metrics: CapturedMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The namespace stands in the template, which a unit test does not load; the fixture stands in for it."""
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE")
    metrics.count("A")
    assert captured_metrics.values("A") == [1]


pytest_plugins = ["pytester"]


def test_the_plugin_makes_metrics_strict_and_leaves_configuration_alone(pytester: pytest.Pytester) -> None:
    """In a user's tests a bad unit raises, metrics of one test do not reach the next, configure() at import stays."""
    pytester.makepyfile(
        app="""
        from shared_utils import instrument, metrics
        metrics.configure(namespace="App")

        @instrument
        def handler(event, context):
            metrics.add("Time", 1, event["unit"])
        """,
        test_app="""
        import pytest
        from app import handler, metrics
        from shared_utils.errors import MetricsError

        def test_bad(lambda_context):
            with pytest.raises(MetricsError, match="did you mean 'Seconds'"):
                handler({"unit": "Second"}, lambda_context)
            metrics.count("Left")

        def test_good(lambda_context, captured_metrics):
            handler({"unit": "Seconds"}, lambda_context)
            assert captured_metrics.values("Time") == [1]
            assert captured_metrics.names == ["ColdStart", "Time"]
            assert captured_metrics.documents[1]["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "App"
        """,
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q")
    result.assert_outcomes(passed=2)


def test_strict_mode_does_not_leak_out_of_the_plugin() -> None:
    """Production code does not become strict because pytest is installed; only the plugin's fixture makes it so."""
    (line,) = run_lines("from shared_utils import metrics\nmetrics.count('')")
    assert json.loads(line)["level"] == "ERROR"
    metrics.configure(strict=True)
    with pytest.raises(MetricsError):
        metrics.count("")


def run_lines(program: str) -> list[str]:
    """Run a program and return its lines."""
    return subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    ).stdout.splitlines()
