"""Many invocations in one process: threads, tasks and what is left behind. Every value of one is a canary."""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import instrument, logging, metrics
from shared_utils.invocation import lifecycle
from shared_utils.testing import LambdaContext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared_utils.testing import CapturedLogs, CapturedMetrics

COUNT = 24


@pytest.fixture(autouse=True)
def fresh_environment(captured_logs: CapturedLogs) -> Iterator[None]:
    """No cold start among them: which of many reports it is another test's matter."""
    metrics._registry.reset()
    metrics.configure(namespace="tests", cold_start=False)
    yield
    metrics._registry.reset()


def context_of(number: int, **values: Any) -> LambdaContext:
    """Return the context of an invocation whose every id holds its number."""
    return LambdaContext(f"function-{number}", aws_request_id=f"request-{number}", **values)


def canaries(line: dict[str, Any]) -> set[str]:
    """Return the numbers that the values of a line hold; one if they belong together."""
    keys = ("function_name", "function_request_id", "correlation_id", "user", "message", "inner")
    return {str(line[key]).rpartition("-")[2] for key in keys if key in line}


def run_threads(handler: Callable[..., Any]) -> list[Any]:
    """Return what the handler gives when it runs in COUNT threads at once."""
    with ThreadPoolExecutor(COUNT) as pool:
        return list(pool.map(lambda n: handler({"id": f"c-{n}", "n": n}, context_of(n)), range(COUNT)))


def run_gather(handler: Callable[..., Any]) -> list[Any]:
    """Return what the coroutine handler gives in COUNT tasks of one loop."""

    async def main() -> list[Any]:
        return await asyncio.gather(
            *(handler({"id": f"c-{number}", "n": number}, context_of(number)) for number in range(COUNT)),
            return_exceptions=True,
        )

    return asyncio.run(main())


def work(number: int, step: int) -> None:
    """Log, bind and count, all with the number."""
    if step == 0:
        logging.bind(user=f"u-{number}")
        metrics.dimensions(kind=f"k-{number}")
    with logging.bound(inner=f"i-{number}"):
        logging.info(f"step-{number}")
    logging.debug(f"detail-{number}")
    metrics.count("Steps")
    metrics.add(f"Number{number}", number, "None")
    with metrics.scope(own=f"o-{number}") as scoped:
        metrics.count("Scoped")
        scoped.properties(number=number)


@instrument(correlation_id="id")
def in_thread(event: dict[str, Any], context: object) -> int:
    """Work, and let the others have their turn at each step."""
    for step in range(5):
        work(event["n"], step)
        threading.Event().wait(0.001)
    if event["n"] % 3 == 0:
        raise ValueError(f"broken-{event['n']}")
    return int(event["n"])


@instrument(correlation_id="id")
async def in_task(event: dict[str, Any], context: object) -> int:
    """Work, and let the others have their turn at each step."""
    for step in range(5):
        work(event["n"], step)
        await asyncio.sleep(0)
    if event["n"] % 3 == 0:
        raise ValueError(f"broken-{event['n']}")
    return int(event["n"])


@pytest.mark.parametrize("kind", ["threads", "gather"])
def test_nothing_of_one_is_in_another(
    captured_logs: CapturedLogs, captured_metrics: CapturedMetrics, kind: str
) -> None:
    """Ids, bound values, buffers, metric sets and exception lines of many at once, some of which fail."""
    logging.configure(buffer=True)
    if kind == "gather":
        run_gather(in_task)
    else:

        def caught(event: dict[str, Any], context: object) -> Any:
            try:
                return in_thread(event, context)
            except ValueError as error:
                return error

        run_threads(caught)
    assert all(len(canaries(line)) == 1 for line in captured_logs if line["message"] != "uncaught exception")
    for number in range(COUNT):
        mine = captured_logs.find(function_request_id=f"request-{number}")
        failed = number % 3 == 0
        details = mine.find(message=f"detail-{number}")
        assert len(mine.find(message=f"step-{number}")) == 5
        assert len(details) == (5 if failed else 0)  # only a failure brings them out
        assert {line["correlation_id"] for line in mine} == {f"c-{number}"}
        assert [line["stack_trace"]["value"] for line in mine.find(message="uncaught exception")] == (
            [f"broken-{number}"] if failed else []
        )
        assert all(line["user"] == f"u-{number}" for line in mine)
        assert captured_metrics.values("Steps", kind=f"k-{number}") == [1] * 5
        assert captured_metrics.values(f"Number{number}", kind=f"k-{number}") == [number] * 5
        assert captured_metrics.values("Scoped", own=f"o-{number}") == [1] * 5
    for document in captured_metrics.documents:
        names = {key for key in document if key.startswith("Number")}
        assert names <= {f"Number{document.get('kind', '-').rpartition('-')[2]}"}
    assert captured_metrics.total("Steps") == COUNT * 5


def test_sampling_is_rolled_for_each(captured_logs: CapturedLogs, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is sampled writes its debug lines, and the others, which run at the same time, do not."""
    logging.configure(sample_rate=0.5)
    rolls = iter([0.1, 0.9] * COUNT)
    monkeypatch.setattr("shared_utils._random.fraction", lambda: next(rolls))

    @instrument
    async def handler(event: dict[str, Any], context: object) -> bool:
        await asyncio.sleep(0)
        logging.debug(f"detail-{event['n']}")
        await asyncio.sleep(0)
        return bool(logging.get_logger().is_enabled_for(10))

    assert run_gather(handler) == [True, False] * (COUNT // 2)
    assert sorted(captured_logs.messages) == sorted(f"detail-{number}" for number in range(0, COUNT, 2))
    logging.debug("after")
    assert "after" not in captured_logs.messages


def test_each_is_warned_of_its_own_time_out(captured_logs: CapturedLogs, captured_metrics: CapturedMetrics) -> None:
    """Those that will not end in time are warned of, with their ids, values, place, details and metrics; no others."""
    logging.configure(buffer=True)

    @instrument
    def handler(event: dict[str, Any], context: object) -> None:
        number = event["n"]
        logging.bind(user=f"u-{number}")
        logging.debug(f"detail-{number}")
        metrics.dimensions(kind=f"k-{number}")
        metrics.count("Before")
        threading.Event().wait(0.9 if number % 2 else 0)

    with ThreadPoolExecutor(COUNT) as pool:
        list(pool.map(lambda number: handler({"n": number}, context_of(number, timeout=0.6)), range(COUNT)))
    warnings = captured_logs.find(message="the invocation is about to time out")
    assert sorted(canaries(line | {"message": line["user"]}).pop() for line in warnings) == sorted(
        str(number) for number in range(1, COUNT, 2)
    )
    assert all(len(canaries(line | {"message": line["user"]})) == 1 for line in warnings)
    assert all("in handler" in line["stack"].splitlines()[0] for line in warnings)
    assert all(line["location"].startswith("handler:") for line in warnings)
    details = [line["message"] for line in captured_logs.find(level="DEBUG")]
    assert sorted(details) == sorted(f"detail-{number}" for number in range(1, COUNT, 2))
    for number in range(COUNT):
        assert captured_metrics.values("Before", kind=f"k-{number}") == [1]


def test_what_is_left_behind_logs_and_counts_for_the_one_that_left_it(
    captured_logs: CapturedLogs, captured_metrics: CapturedMetrics
) -> None:
    """A task and a thread of invocation 1 go on during 2: ids, correlation id, bound values, buffer, metric set."""
    logging.configure(buffer=True)
    gate = threading.Event()
    left: list[Any] = []

    def late(kind: str) -> None:
        logging.debug(f"detail-of-{kind}-1")
        logging.info(f"late-{kind}-1")
        metrics.dimensions(kind="k-1")
        metrics.count("Late")
        logging.error(f"failed-{kind}-1")

    def thread() -> None:
        gate.wait(30)
        late("thread")

    async def task() -> None:
        while not gate.is_set():
            await asyncio.sleep(0)
        late("task")

    @instrument(correlation_id="id")
    async def handler(event: dict[str, Any], context: object) -> None:
        number = event["n"]
        logging.bind(user=f"u-{number}")
        logging.debug(f"detail-of-{number}")
        metrics.dimensions(kind=f"k-{number}")
        metrics.count("Own")
        if number == 1:
            left.append(threading.Thread(target=contextvars.copy_context().run, args=(thread,)))
            left[0].start()
            left.append(asyncio.ensure_future(task()))
            await asyncio.sleep(0)
        else:
            gate.set()
            await left[1]
            left[0].join()
            logging.info(f"own-{number}")

    handler({"id": "c-1", "n": 1}, context_of(1))
    handler({"id": "c-2", "n": 2}, context_of(2))
    assert all(len(canaries(line)) == 1 for line in captured_logs)
    assert {line["function_request_id"] for line in captured_logs if "-1" in line["message"]} == {"request-1"}
    assert len(captured_logs.find(correlation_id="c-1", user="u-1")) == len(captured_logs) - 1
    # The failure of what was left behind brings out its own details: neither those of the good invocation nor of 2.
    assert sorted(line["message"] for line in captured_logs.find(level="DEBUG")) == [
        "detail-of-task-1",
        "detail-of-thread-1",
    ]
    assert captured_metrics.values("Late", kind="k-1") == [1, 1]
    assert captured_metrics.values("Late", kind="k-2") == []
    assert captured_metrics.values("Own", kind="k-2") == [1]


def test_threads_that_belong_to_nobody_name_an_invocation_only_while_there_is_one(
    captured_logs: CapturedLogs, captured_metrics: CapturedMetrics
) -> None:
    """Lines, bound values and metrics of a pool's workers: whose they are cannot be told when two are open."""
    both = threading.Barrier(2)
    pool = ThreadPoolExecutor(1)

    def plain(message: str) -> None:
        logging.info(message)
        metrics.count(message)

    @instrument
    def handler(event: dict[str, Any], context: object) -> None:
        number = event["n"]
        metrics.dimensions(kind=f"k-{number}")
        if event["alone"]:
            pool.submit(plain, "alone").result()
            return
        both.wait(30)
        if number == 1:
            pool.submit(plain, "among two").result()
        both.wait(30)

    handler({"n": 0, "alone": True}, context_of(0))
    threads = [
        threading.Thread(target=handler, args=({"n": number, "alone": False}, context_of(number))) for number in (1, 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pool.shutdown()
    assert captured_logs.one(message="alone")["function_request_id"] == "request-0"
    assert "function_request_id" not in captured_logs.one(message="among two")
    assert captured_metrics.values("alone", kind="k-0") == [1]
    assert captured_metrics.values("among two") == [1]
    assert not any("kind" in document for document in captured_metrics.documents if "among two" in document)


def test_values_bound_at_init_count_for_all_first_invocations(captured_logs: CapturedLogs) -> None:
    """One that ends takes nothing from those that began with it."""
    logging.bind(user="init")
    ended = asyncio.Event()

    @instrument
    async def handler(event: dict[str, Any], context: object) -> None:
        if event["n"]:
            await ended.wait()
            logging.info("later")
        else:
            await asyncio.sleep(0.01)  # the others begin meanwhile
            ended.set()

    run_gather(handler)
    assert all(line["user"] == "init" for line in captured_logs)
    captured_logs.clear()
    handler({"n": 1}, context_of(1))
    assert "user" not in captured_logs.one()
    assert lifecycle.open_invocations() == []


def test_a_secret_that_becomes_known_is_masked_in_all_correlation_ids(captured_logs: CapturedLogs) -> None:
    """Those of the open invocations and of what has been left behind."""
    from shared_utils.redaction.values import register_secret

    contexts: list[contextvars.Context] = []

    @instrument(correlation_id="id")
    def handler(event: object, context: object) -> None:
        logging.info("it")
        contexts.append(contextvars.copy_context())

    handler({"id": "id c4n4ry-Sq7xZ"}, context_of(1))
    contexts[0].run(logging.info, "left behind")
    register_secret("c4n4ry-Sq7xZ")
    contexts[0].run(logging.info, "left behind")
    assert [line["correlation_id"] for line in captured_logs] == ["id c4n4ry-Sq7xZ"] * 2 + ["id [REDACTED]"]
    assert "c4n4ry" not in json.dumps(captured_logs[-1])
