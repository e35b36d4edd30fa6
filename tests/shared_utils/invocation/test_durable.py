"""Durable executions on the SDK's own local runner: what runs again neither logs nor counts again."""

from __future__ import annotations

import json
import logging as standard_logging
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import Duration, StepConfig
from aws_durable_execution_sdk_python.retries import RetryStrategyConfig, create_retry_strategy
from aws_durable_execution_sdk_python_testing import DurableFunctionTestRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared_utils import get_logger, instrument, logging, metrics
from shared_utils.invocation import lifecycle
from shared_utils.testing import LambdaContext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared_utils.testing import CapturedLogs, CapturedMetrics

PLACES = ["below", "above", "above with plugin", "both", "both with plugin"]
QUICK = StepConfig(
    retry_strategy=create_retry_strategy(
        RetryStrategyConfig(max_attempts=4, initial_delay=Duration.from_seconds(1), max_delay=Duration.from_seconds(1))
    )
)


@pytest.fixture(autouse=True)
def fresh_environment(captured_logs: CapturedLogs, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Start in a process that has served nothing; the runner's own lines are not looked at."""
    monkeypatch.delenv("DURABLE_EXECUTION_PLUGINS", raising=False)
    metrics._registry.reset()
    metrics.configure(namespace="tests")
    runner = standard_logging.getLogger("aws_durable_execution_sdk_python_testing")
    runner.setLevel(standard_logging.CRITICAL)
    yield
    runner.setLevel(standard_logging.NOTSET)
    metrics._registry.reset()
    assert lifecycle.open_invocations() == []


def place(body: Callable[..., Any], where: str, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Callable[..., Any]:
    """Return the handler with `instrument` at a place relative to the SDK's decorator."""
    if where.endswith("plugin"):
        monkeypatch.setenv("DURABLE_EXECUTION_PLUGINS", "shared_utils")
    decorate = instrument(**options)
    if where == "below":
        return durable_execution(decorate(body))
    if where.startswith("above"):
        return decorate(durable_execution(body))
    return decorate(durable_execution(decorate(body)))


@contextmanager
def runner_of(handler: Callable[..., Any]) -> Iterator[DurableFunctionTestRunner]:
    """Give the SDK's local runner, which skips the time of waits; it leaves its event loop open, so that is closed."""
    with DurableFunctionTestRunner(handler=handler, poll_interval=0.01) as runner:
        yield runner
    runner._scheduler._loop.close()


def run(handler: Callable[..., Any], event: str = '{"id": "c-1"}') -> Any:
    """Return the result of one execution."""
    with runner_of(handler) as runner:
        return runner.run(input=event, execution_timeout=60)


def say(name: str) -> None:
    """Log and count, once each."""
    get_logger().info(name)
    metrics.count(name)


@pytest.mark.parametrize("where", PLACES)
def test_each_line_and_metric_comes_once(
    captured_logs: CapturedLogs, captured_metrics: CapturedMetrics, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Waits, a step that fails twice, branches, a child context: lines and metrics as if it had run in one go."""
    attempts: list[int] = []

    def flaky(_: object) -> int:
        attempts.append(1)
        say("attempt")
        if len(attempts) < 3:
            raise ValueError("not yet")
        return len(attempts)

    def child(context: Any) -> None:
        say("child begins")
        context.wait(Duration.from_seconds(1))
        say("child ends")

    def branch(context: Any) -> None:
        say("branch begins")
        context.wait(Duration.from_seconds(1))
        say("branch ends")

    def body(event: Any, context: Any) -> dict[str, Any]:
        metrics.dimensions(kind="order")
        logging.bind(order=17)
        say("Orders")
        context.wait(Duration.from_seconds(60))
        with metrics.timer("Middle"):
            say("between")
            context.wait(Duration.from_seconds(60))
        context.step(flaky, name="flaky", config=QUICK)
        try:
            context.run_in_child_context(child, name="child")
        finally:
            say("finally")
        context.parallel([branch, branch])
        say("end")
        return {"done": True}

    assert run(place(body, where, monkeypatch, log_event=True, log_response=True)).status.value == "SUCCEEDED"
    expected = Counter(
        {"attempt": 3, "branch begins": 2, "branch ends": 2}
        | dict.fromkeys(["Orders", "between", "child begins", "child ends", "finally", "end"], 1)
    )
    said = [line for line in captured_logs if line["message"] in expected]
    assert Counter(line["message"] for line in said) == expected
    # Without a plugin the SDK runs branches in contexts of their own: what the handler has bound is not in there.
    assert all(line["order"] == 17 for line in said if where.endswith("plugin") or "branch" not in line["message"])
    for name, count in expected.items():
        assert captured_metrics.values(name, kind="order") == [1] * count
    assert len(captured_metrics.values("Middle")) == 1
    assert all(line["durable_execution_arn"] for line in said)
    assert all(line["function_request_id"] and line["function_name"] == "test-function" for line in said)
    assert not captured_logs.find(message="uncaught exception")
    assert len(captured_logs.find(message="invocation event")) == 1
    assert captured_metrics.values("ColdStart", function_name="test-function") == [1]
    warned = captured_logs.find(message="the durable execution SDK runs without the plugin of shared_utils")
    assert len(warned) == (1 if where in ("above", "both") else 0)


@dataclass
class Node:
    """One piece of a random program."""

    kind: str
    name: str = ""
    failures: int = 0
    children: list[Node] = field(default_factory=list)


def programs() -> st.SearchStrategy[list[Node]]:
    """Return programs of waits, steps with retries, branches, child contexts and callbacks, nested."""
    leaves = st.one_of(
        st.builds(Node, st.just("wait")),
        st.builds(Node, st.just("callback")),
        st.builds(Node, st.just("condition"), failures=st.integers(0, 2)),
        st.builds(Node, st.just("step"), failures=st.integers(0, 2)),
    )
    pieces = st.recursive(
        leaves,
        lambda inner: st.builds(
            Node, st.sampled_from(["child", "parallel", "map"]), children=st.lists(inner, min_size=1, max_size=3)
        ),
        max_leaves=6,
    )
    return st.lists(pieces, min_size=1, max_size=4)


class Program:
    """Runs a random program, and knows how often each of its places should speak."""

    def __init__(self, nodes: list[Node]) -> None:
        self.expected: Counter[str] = Counter()
        self.attempts: Counter[str] = Counter()
        self.nodes = nodes
        self._name(nodes, "p")

    def _name(self, nodes: list[Node], prefix: str) -> None:
        for number, node in enumerate(nodes):
            node.name = f"{prefix}.{number}"
            self.expected[f"{node.name} before"] = self.expected[f"{node.name} after"] = 1
            if node.kind in ("step", "condition"):
                self.expected[f"{node.name} attempt"] = node.failures + 1
            if node.kind == "callback":
                self.expected[f"{node.name} attempt"] = 1
            self._name(node.children, node.name)

    def __call__(self, _: object, context: Any) -> str:
        """Be the handler."""
        self.run(self.nodes, context)
        return "done"

    def run(self, nodes: list[Node], context: Any) -> None:
        """Run pieces one after the other in one context."""
        for node in nodes:
            say(f"{node.name} before")
            try:
                getattr(self, f"_{node.kind}")(node, context)
            finally:
                say(f"{node.name} after")

    def _wait(self, node: Node, context: Any) -> None:
        context.wait(Duration.from_seconds(5))

    def _step(self, node: Node, context: Any) -> None:
        def work(_: object) -> int:
            say(f"{node.name} attempt")
            self.attempts[node.name] += 1
            if self.attempts[node.name] <= node.failures:
                raise ValueError("not yet")
            return 1

        context.step(work, name=node.name, config=QUICK)

    def _condition(self, node: Node, context: Any) -> None:
        from aws_durable_execution_sdk_python.waits import WaitForConditionConfig, WaitForConditionDecision

        def check(state: int, _: object) -> int:
            say(f"{node.name} attempt")
            return state + 1

        def strategy(state: int, _: int) -> WaitForConditionDecision:
            if state > node.failures:
                return WaitForConditionDecision.stop_polling()
            return WaitForConditionDecision.continue_waiting(Duration.from_seconds(1))

        context.wait_for_condition(check, WaitForConditionConfig(initial_state=0, wait_strategy=strategy), node.name)

    def _callback(self, node: Node, context: Any) -> None:
        def submit(callback_id: str, _: object) -> None:
            say(f"{node.name} attempt")
            self.answer(callback_id)

        context.wait_for_callback(submit, name=node.name)

    def _child(self, node: Node, context: Any) -> None:
        context.run_in_child_context(lambda inner: self.run(node.children, inner), name=node.name)

    def _parallel(self, node: Node, context: Any) -> None:
        context.parallel([(lambda inner, one=one: self.run([one], inner)) for one in node.children], name=node.name)

    def _map(self, node: Node, context: Any) -> None:
        context.map(node.children, lambda inner, one, *_: self.run([one], inner), name=node.name)

    answer: Callable[[str], None]


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(nodes=programs(), where=st.sampled_from(PLACES))
def test_random_programs_say_everything_once(
    captured_logs: CapturedLogs,
    captured_metrics: CapturedMetrics,
    nodes: list[Node],
    where: str,
) -> None:
    """Whatever is nested in what: each place before and after an operation speaks once, each attempt once."""
    captured_logs.clear()
    captured_metrics.clear()
    program = Program(nodes)
    with pytest.MonkeyPatch.context() as monkeypatch:
        handler = place(program, where, monkeypatch)
        with runner_of(handler) as runner:
            program.answer = lambda callback_id: runner.send_callback_success(callback_id, b'"answered"')
            result = runner.run(input="{}", execution_timeout=60)
    assert result.status.value == "SUCCEEDED", result.error
    said = Counter(line["message"] for line in captured_logs if line["message"].startswith("p."))
    assert said == program.expected
    for name, count in program.expected.items():
        assert captured_metrics.total(name) == count, name


@pytest.mark.parametrize("where", PLACES)
def test_a_failure_is_logged_and_a_suspension_is_not(
    captured_logs: CapturedLogs, captured_metrics: CapturedMetrics, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """The function's own error makes an error line with the execution's ARN; buffered details come with it, once."""
    logging.configure(buffer=True)

    def body(event: Any, context: Any) -> None:
        logging.debug("detail 1")
        context.wait(Duration.from_seconds(1))
        logging.debug("detail 2")
        metrics.count("Before")
        raise ValueError("broken for good")

    assert run(place(body, where, monkeypatch)).status.value == "FAILED"
    lines = [line for line in captured_logs if "broken for good" in json.dumps(line.get("exception", ""))]
    assert lines
    assert all(line["level"] == "ERROR" for line in lines)
    assert lines[0]["durable_execution_arn"]
    # Above the SDK's decorator no exception arrives: the SDK logs it and answers that the execution failed.
    assert len(captured_logs.find(message="uncaught exception")) == (1 if where == "below" else 0)
    assert len(captured_logs.find(message="Execution failed")) == 1
    assert [line["message"] for line in captured_logs if line["message"].startswith("detail")] == ["detail 2"]
    assert captured_metrics.total("Before") == 1


def test_the_sdks_logger_writes_flat_lines(captured_logs: CapturedLogs) -> None:
    """`context.set_logger(get_logger())`: the SDK's values are the line's own, also in steps; nothing is nested."""

    def step(context: Any) -> None:
        context.logger.info("in step", extra={"own": 1})

    def body(event: Any, context: Any) -> None:
        context.set_logger(get_logger())
        context.logger.info("before")
        context.wait(Duration.from_seconds(1))
        context.step(step, name="work")
        context.logger.warning("after")

    run(durable_execution(instrument(body)))
    before, in_step, after = (captured_logs.one(message=message) for message in ("before", "in step", "after"))
    assert all("extra" not in line for line in captured_logs)
    assert before["executionArn"] == in_step["executionArn"] == after["executionArn"] == before["durable_execution_arn"]
    assert (in_step["operationName"], in_step["attempt"], in_step["own"]) == ("work", 1, 1)


@pytest.mark.parametrize("where", PLACES)
def test_the_time_out_watch_works(captured_logs: CapturedLogs, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """The warning names the line of the function, with its request id, and buffered lines and metrics are saved."""
    import time

    from aws_durable_execution_sdk_python_testing import invoker

    monkeypatch.setattr(invoker, "create_test_lambda_context", lambda **_: LambdaContext(timeout=0.6))

    def body(event: Any, context: Any) -> None:
        time.sleep(0.8)

    run(place(body, where, monkeypatch))
    line = captured_logs.find(message="the invocation is about to time out")[0]
    assert line["function_request_id"]
    if where != "above":  # the SDK's thread is not known then
        assert line["location"].startswith("body:")
        assert "in body" in line["stack"].splitlines()[0]


def test_threads_that_a_step_starts_are_heard(captured_logs: CapturedLogs, captured_metrics: CapturedMetrics) -> None:
    """In a branch that goes on while its parent replays, a step's own threads log and count."""
    from concurrent.futures import ThreadPoolExecutor

    def step(_: object) -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(say, ["thread", "thread"]))

    def branch(context: Any) -> None:
        context.wait(Duration.from_seconds(1))
        context.step(step, name="threads")

    def body(event: Any, context: Any) -> None:
        context.parallel([branch, branch])

    run(durable_execution(instrument(body)))
    assert len(captured_logs.find(message="thread")) == 4
    assert captured_metrics.total("thread") == 4


def test_standard_loggers_and_warnings_do_not_repeat_either(captured_logs: CapturedLogs) -> None:
    """Lines by any way: the standard library's loggers, structlog's, warnings."""
    import warnings

    import structlog

    def body(event: Any, context: Any) -> None:
        standard_logging.getLogger("lib").warning("standard")
        structlog.get_logger().info("structlog")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("warned", stacklevel=1)
        context.wait(Duration.from_seconds(1))
        context.wait(Duration.from_seconds(1))

    run(durable_execution(instrument(body)))
    messages = Counter(captured_logs.messages)
    assert (messages["standard"], messages["structlog"], messages["warned"]) == (1, 1, 1)


def test_the_sdk_is_not_imported_for_others() -> None:
    """A function that is not durable never loads the SDK, nor our part for it."""
    code = (
        "import sys; from shared_utils import instrument, metrics, get_logger\n"
        "@instrument\ndef handler(event, context): get_logger().info('it'); metrics.count('A')\n"
        "handler({}, None)\n"
        "assert not [name for name in sys.modules if 'durable' in name], sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)
