"""Whose work running code is: contexts, threads, tasks, what is left behind, and what hits in between."""

from __future__ import annotations

import asyncio
import contextvars
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from linecache import getline
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import instrument
from shared_utils.invocation import lifecycle
from shared_utils.logging import output
from shared_utils.testing import LambdaContext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(autouse=True)
def nothing_is_open() -> Iterator[None]:
    """Start and end outside any invocation, in an environment not yet used."""
    lifecycle.reset()
    yield
    lifecycle.reset()


def request_id() -> str | None:
    """Return the request id of the invocation that the caller belongs to."""
    invocation = lifecycle.current()
    return None if invocation is None else invocation.request_id


def in_threads(handler: Callable[..., Any], count: int) -> list[Any]:
    """Return what `count` calls give that are made at once, each in a thread of its own with a context of its own."""
    contexts = [LambdaContext(aws_request_id=f"r-{number}") for number in range(count)]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(handler, range(count), contexts))


def test_each_of_many_threads_serves_an_invocation_of_its_own() -> None:
    """Handlers that run at once in threads, as in AWS's multi-concurrency images, each see their own."""
    together = threading.Barrier(32)

    @instrument
    def handler(event: int, context: object) -> tuple[str | None, int]:
        together.wait(30)
        return request_id(), len(lifecycle.open_invocations())

    answers = in_threads(handler, 32)
    assert [answer[0] for answer in answers] == [f"r-{number}" for number in range(32)]
    assert max(answer[1] for answer in answers) == 32
    assert lifecycle.open_invocations() == []


def test_each_of_many_tasks_serves_an_invocation_of_its_own() -> None:
    """Handlers that take turns in one event loop each see their own, at each turn."""

    @instrument
    async def handler(event: int, context: object) -> set[str | None]:
        seen = set()
        for _ in range(5):
            seen.add(request_id())
            await asyncio.sleep(0)
        return seen

    async def main() -> list[Any]:
        calls: list[Any] = [handler(number, LambdaContext(aws_request_id=f"r-{number}")) for number in range(32)]
        return await asyncio.gather(*calls)

    assert asyncio.run(main()) == [{f"r-{number}"} for number in range(32)]


def test_async_handlers_run_in_several_threads_at_once() -> None:
    """Each thread that serves an async handler has a loop of its own, and one that is free is used again."""
    together = threading.Barrier(4)
    loops: list[Any] = []

    @instrument
    async def handler(event: int, context: object) -> str | None:
        loops.append(asyncio.get_running_loop())
        together.wait(30)
        await asyncio.sleep(0)
        return request_id()

    assert in_threads(handler, 4) == ["r-0", "r-1", "r-2", "r-3"]
    assert len(set(loops)) == 4
    assert in_threads(handler, 4) == ["r-0", "r-1", "r-2", "r-3"]
    assert len(set(loops)) == 4


def test_a_thread_that_belongs_to_nobody_names_the_only_invocation_and_else_none() -> None:
    """A plain thread works for the invocation that is open; as soon as two are, it cannot be told for which."""
    seen: dict[str, Any] = {}

    def plain(name: str) -> None:
        thread = (
            threading.Thread(target=lambda: seen.__setitem__(name, request_id()), context=contextvars.Context())
            if sys.version_info >= (3, 14)
            else threading.Thread(target=lambda: seen.__setitem__(name, request_id()))
        )
        thread.start()
        thread.join()

    @instrument
    def inner(event: object, context: object) -> None:
        plain("two")

    @instrument
    def outer(event: object, context: object) -> None:
        plain("one")
        with ThreadPoolExecutor(1) as pool:  # a thread of its own: another invocation, not a call within this one
            pool.submit(inner, {}, LambdaContext(aws_request_id="r-2")).result()
        plain("one again")

    plain("before")
    outer({}, LambdaContext(aws_request_id="r-1"))
    plain("after")
    assert seen == {"before": None, "one": "r-1", "two": None, "one again": "r-1", "after": None}


def test_what_is_left_behind_keeps_its_identity() -> None:
    """Tasks and threads with a copied context belong to the invocation that started them, whoever is served by then."""
    late: dict[str, Any] = {}
    gate = threading.Event()
    threads: list[threading.Thread] = []
    tasks: list[asyncio.Task[None]] = []

    def linger() -> None:
        gate.wait(30)
        late["thread"] = request_id()

    async def task() -> None:
        while not gate.is_set():
            await asyncio.sleep(0)
        late["task"] = request_id()

    @instrument
    async def handler(event: str, context: object) -> None:
        if event == "leaves":
            threads.append(threading.Thread(target=contextvars.copy_context().run, args=(linger,)))
            threads[0].start()
            tasks.append(asyncio.ensure_future(task()))
            await asyncio.sleep(0)
        else:
            gate.set()
            await tasks[0]
            threads[0].join()
            late["own"] = request_id()

    handler("leaves", LambdaContext(aws_request_id="r-1"))
    handler("finds", LambdaContext(aws_request_id="r-2"))
    assert late == {"thread": "r-1", "task": "r-1", "own": "r-2"}


def test_a_handler_called_by_what_is_left_behind_is_an_invocation_of_its_own() -> None:
    """An invocation that has ended takes no more calls in."""
    contexts = []
    inner = instrument(lambda event, context: request_id())

    @instrument
    def handler(event: object, context: object) -> Any:
        contexts.append(contextvars.copy_context())
        return inner({}, LambdaContext(aws_request_id="nested"))

    assert handler({}, LambdaContext(aws_request_id="r-1")) == "r-1"
    assert contexts[0].run(inner, {}, LambdaContext(aws_request_id="r-2")) == "r-2"


def test_of_many_at_once_only_one_is_cold() -> None:
    """The first invocation of an environment is the cold one, also when there are several first ones."""
    for _ in range(20):
        lifecycle.reset()
        together = threading.Barrier(8)

        @instrument
        def handler(event: int, context: object, together: threading.Barrier = together) -> bool | None:
            together.wait(30)
            invocation = lifecycle.here()
            assert invocation is not None
            return invocation.cold_start

        assert sum(map(bool, in_threads(handler, 8))) == 1


@pytest.mark.parametrize("kind", ["on-demand", "snap-start", "provisioned-concurrency", "lambda-managed-instances"])
def test_a_cold_start_is_one_that_somebody_waited_for(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Environments that are initialised ahead of time report none."""
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", kind)
    handler = instrument(lambda event, context: lifecycle.here().cold_start)  # type: ignore[union-attr]
    waited = kind in ("on-demand", "snap-start")
    assert [handler({}, None), handler({}, None)] == [waited, False]


class Interrupt(BaseException):
    """What a signal handler may raise, between any two operations."""


def interrupted_at(step: int, call: Callable[[], object]) -> bool:
    """Call, and raise `Interrupt` at the line number `step` of shared_utils' own code; return whether it got there."""
    count = 0

    def trace(frame: Any, event: str, argument: object) -> Any:
        nonlocal count
        if "src/shared_utils/invocation/" not in frame.f_code.co_filename:
            return trace if event == "call" else None
        # The line of a `with` comes again when its block is left, where no real signal can be handled before the exit.
        if event == "line" and not getline(frame.f_code.co_filename, frame.f_lineno).lstrip().startswith("with "):
            count += 1
            if count == step:
                raise Interrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except Interrupt:
        pass
    finally:
        sys.settrace(before)
    return count >= step


@pytest.mark.parametrize("kind", ["sync", "coroutine"])
def test_an_exception_that_hits_anywhere_leaves_no_invocation_behind(kind: str) -> None:
    """Raised at each line of our own code in turn, as by a signal: none stays open, and the next one is served."""
    # In a process of its own: some coroutines do not get to run, and what is raised by a tracer in an `except` block
    # stays sys.exc_info().
    code = f"from {__name__} import *; interrupt_everywhere(instrument(correlation_id='id', log_event=True)({kind}))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[-3000:]


def sync(event: object, context: object) -> str:
    """Be a handler."""
    return "served"


async def coroutine(event: object, context: object) -> str:
    """Be an async handler."""
    await asyncio.sleep(0)
    return "served"


def interrupt_everywhere(handler: Any) -> None:
    """Raise at each line in turn, and see after each that nothing is left and that the next call is served."""
    lines: list[str] = []
    output.observers.append(lines.append)
    handler({}, LambdaContext())
    for step in range(1, 1000):
        reached = interrupted_at(step, lambda: handler({"id": "c-1"}, LambdaContext(aws_request_id="hit")))
        assert lifecycle.open_invocations() == [], step
        assert lifecycle.here() is None, step
        lines.clear()
        assert handler({"id": "c-2"}, LambdaContext(aws_request_id="next")) == "served", step
        assert {json.loads(line)["function_request_id"] for line in lines} == {"next"}, step
        if not reached:
            break
    assert 30 < step < 1000


@pytest.mark.parametrize("stage", ["correlation", "begin", "end"])
def test_an_exit_around_the_handler_leaves_no_invocation_behind(captured_logs: Any, stage: str) -> None:
    """A correlation function or a callback that calls sys.exit ends its invocation."""

    def leave(_: object) -> None:
        raise SystemExit(3)

    handler = instrument(correlation_id=leave if stage == "correlation" else None)(lambda event, context: request_id())
    callbacks = {"begin": lifecycle._begin_callbacks, "end": lifecycle._end_callbacks}.get(stage)
    if callbacks is not None:
        callbacks.append(leave)
    try:
        with pytest.raises(SystemExit):
            handler({}, LambdaContext())
    finally:
        if callbacks is not None:
            callbacks.pop()
    assert lifecycle.open_invocations() == []
    after = instrument(lambda event, context: request_id())
    assert after({}, LambdaContext(aws_request_id="r-2")) == "r-2"
