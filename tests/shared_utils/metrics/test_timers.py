"""Timers measure blocks, functions, coroutines and generators, each to its end."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared_utils import metrics
from shared_utils.errors import MetricsError

pytestmark = pytest.mark.usefixtures("strict")


def test_a_timer_measures_blocks_functions_and_coroutines(written: Any) -> None:
    """Each form of a timer records one value in milliseconds, also when what it measures raises."""

    @metrics.timer("Call")
    def call(fail: bool) -> int:
        if fail:
            raise KeyError
        return 3

    @metrics.timer("Await")
    async def wait() -> int:
        await asyncio.sleep(0.02)
        return 4

    async def block() -> None:
        async with metrics.timer("Block"):
            await asyncio.sleep(0)

    with metrics.timer("Block"):
        time.sleep(0.02)
    assert call(False) == 3
    with pytest.raises(KeyError):
        call(True)
    assert asyncio.run(wait()) == 4
    asyncio.run(block())
    (document,) = written()
    assert len(document["Block"]) == len(document["Call"]) == 2
    assert 20 <= document["Block"][0] < 20_000
    assert 20 <= document["Await"][0] < 20_000
    assert {metric["Unit"] for metric in document["_aws"]["CloudWatchMetrics"][0]["Metrics"]} == {"Milliseconds"}


def test_a_timer_may_be_nested_and_shared(written: Any) -> None:
    """One timer used within itself and by several threads pairs each end with its own start."""
    timer = metrics.timer("Took")

    def work() -> None:
        with timer:
            time.sleep(0.01)

    with timer, timer:
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    values = written()[0]["Took"]
    assert len(values) == 5
    assert all(value >= 10 for value in values)


def test_a_timer_measures_generators_to_their_end(written: Any) -> None:
    """A decorated generator is measured from its first to its last step, and an async one too."""

    @metrics.timer("Steps", resolution=1)
    def steps() -> Iterator[int]:
        yield 1
        time.sleep(0.02)
        yield 2

    @metrics.timer("AsyncSteps")
    async def async_steps() -> AsyncIterator[int]:
        for number in range(3):
            await asyncio.sleep(0)
            yield number

    async def collect() -> list[int]:
        return [number async for number in async_steps()]

    assert list(steps()) == [1, 2]
    assert asyncio.run(collect()) == [0, 1, 2]
    (document,) = written()
    assert document["Steps"][0] >= 20
    assert len(document["AsyncSteps"]) == 1


def test_a_timer_without_its_parentheses_is_an_error_where_it_is_written() -> None:
    """`@metrics.timer` bare would time nothing and replace the function; it raises at once, strict or not."""
    metrics.configure(strict=False)
    for decorated in (lambda: None, asyncio.sleep, Iterator):
        with pytest.raises(MetricsError, match=r'metrics.timer\(.*\): expected a name; .* @metrics.timer\("Name"\)'):
            metrics.timer(decorated)  # type: ignore[arg-type]


# --- each block's end belongs to its own start ---


class Clock:
    """The monotonic clock that timers read, moved by hand: exact values, and no sleeping."""

    def __init__(self) -> None:
        self.now = 1_000_000_000

    def __call__(self) -> int:
        """Return the nanoseconds of now."""
        return self.now

    def advance(self, milliseconds: int) -> None:
        """Let time pass."""
        self.now += milliseconds * 1_000_000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Stands for `time.perf_counter_ns`, which cannot be told what to say."""
    from shared_utils.metrics import timers

    clock = Clock()
    monkeypatch.setattr(timers, "perf_counter_ns", clock)
    return clock


def with_block(timer: Any) -> Any:
    """Measure by ``with``, one step before the start and one before the end."""

    def steps() -> Iterator[None]:
        with timer:
            yield

    return steps()


def with_exit_stack(timer: Any) -> Any:
    """Measure by an ExitStack, whose frames differ at start and end."""

    def steps() -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            stack.enter_context(timer)
            yield

    return steps()


def with_decorator(timer: Any) -> Any:
    """Measure a decorated generator function."""

    @timer
    def steps() -> Iterator[None]:
        yield

    return steps()


@pytest.mark.parametrize("measured", [with_block, with_decorator])
def test_generators_that_take_turns_keep_their_own_times(measured: Any, clock: Clock, written: Any) -> None:
    """One timer in two generators in one task: the first to begin ends first, after 300 ms; the second takes 500."""
    timer = metrics.timer("Took")
    first, second = measured(timer), measured(timer)
    next(first)
    clock.advance(100)
    next(second)
    clock.advance(200)
    next(first, None)
    clock.advance(300)
    next(second, None)
    assert written()[0]["Took"] == [300, 500]


@pytest.mark.parametrize("measured", [with_block, with_decorator, with_exit_stack])
@pytest.mark.parametrize("runs_in", ["tasks", "threads", "contexts"])
def test_overlapping_uses_of_one_timer_keep_their_own_times(
    measured: Any, runs_in: str, clock: Clock, written: Any
) -> None:
    """Two tasks, threads or contexts that overlap: 300 and 500 ms are recorded as such, however they measure."""
    timer = metrics.timer("Took")
    order = [("first", 0), ("second", 100), ("first", 200), ("second", 300)]  # who steps next, after how long

    if runs_in == "tasks":

        async def main() -> None:
            turns = [asyncio.Event() for _ in order]

            async def work(name: str) -> None:
                steps = measured(timer)
                for number, (who, pause) in enumerate(order):
                    if who == name:
                        await turns[number].wait()
                        clock.advance(pause)
                        next(steps, None)
                        if number + 1 < len(order):
                            turns[number + 1].set()

            turns[0].set()
            await asyncio.gather(work("first"), work("second"))

        asyncio.run(main())
    else:
        if runs_in == "threads":
            pools = {name: ThreadPoolExecutor(1) for name in ("first", "second")}
            run = {name: lambda call, pool=pool: pool.submit(call).result() for name, pool in pools.items()}
        else:
            run = {name: contextvars.copy_context().run for name in ("first", "second")}
        steps = {name: measured(timer) for name in ("first", "second")}
        for who, pause in order:
            clock.advance(pause)
            run[who](lambda who=who: next(steps[who], None))
    assert written()[0]["Took"] == [300, 500]


@pytest.mark.parametrize("style", ["with", "async with", "AsyncExitStack"])
def test_overlapping_coroutines_keep_their_own_times(style: str, clock: Clock, written: Any) -> None:
    """The same by ``with`` and ``async with`` around an await."""
    timer = metrics.timer("Took")

    async def main() -> None:
        steps = [asyncio.Event() for _ in range(3)]

        async def work(start: asyncio.Event | None, started: asyncio.Event, end: asyncio.Event) -> None:
            if start is not None:
                await start.wait()
            if style == "with":
                with timer:
                    started.set()
                    await end.wait()
            elif style == "async with":
                async with timer:
                    started.set()
                    await end.wait()
            else:
                async with contextlib.AsyncExitStack() as stack:
                    await stack.enter_async_context(timer)
                    started.set()
                    await end.wait()

        async def direct() -> None:
            await steps[0].wait()
            clock.advance(200)
            ends[0].set()
            await first
            clock.advance(300)
            ends[1].set()

        ends = [asyncio.Event(), asyncio.Event()]
        first = asyncio.ensure_future(work(None, started := asyncio.Event(), ends[0]))
        await started.wait()
        clock.advance(100)
        second = asyncio.ensure_future(work(None, steps[0], ends[1]))
        await asyncio.gather(first, second, direct())

    asyncio.run(main())
    assert written()[0]["Took"] == [300, 500]


def test_a_decorated_coroutine_function_may_overlap_with_itself(clock: Clock, written: Any) -> None:
    """Each call has a time of its own."""

    @metrics.timer("Took")
    async def work(started: asyncio.Event, end: asyncio.Event) -> None:
        started.set()
        await end.wait()

    async def main() -> None:
        ends, starts = [asyncio.Event(), asyncio.Event()], [asyncio.Event(), asyncio.Event()]
        first = asyncio.ensure_future(work(starts[0], ends[0]))
        await starts[0].wait()
        clock.advance(100)
        second = asyncio.ensure_future(work(starts[1], ends[1]))
        await starts[1].wait()
        clock.advance(200)
        ends[0].set()
        await first
        clock.advance(300)
        ends[1].set()
        await second

    asyncio.run(main())
    assert written()[0]["Took"] == [300, 500]


def test_a_timer_nested_in_itself_ends_the_inner_block_first(clock: Clock, written: Any) -> None:
    """Recursion and two blocks in one function, with a stack as well."""
    timer = metrics.timer("Took")

    def recurse(depth: int) -> None:
        with timer:
            clock.advance(10)
            if depth:
                recurse(depth - 1)

    recurse(2)
    with timer, timer:
        clock.advance(1)
    with contextlib.ExitStack() as stack:
        stack.enter_context(timer)
        clock.advance(5)
        stack.enter_context(timer)
        clock.advance(2)
    assert written()[0]["Took"] == [10, 20, 30, 1, 1, 2, 7]


def test_a_block_that_is_left_in_another_context_is_recorded(clock: Clock, written: Any) -> None:
    """A generator that another context, another thread or the garbage collector closes loses nothing."""
    timer = metrics.timer("Took")
    for close in (
        lambda steps: contextvars.Context().run(steps.close),
        lambda steps: ThreadPoolExecutor(1).submit(steps.close).result(),
        lambda steps: None,
    ):
        steps = with_block(timer)
        next(steps)
        clock.advance(5)
        close(steps)
        del steps
        gc.collect()
    assert written()[0]["Took"] == [5, 5, 5]


def test_the_time_can_be_read_during_the_block_and_after_it(clock: Clock, written: Any) -> None:
    """`elapsed` is what has passed, and then exactly the value that is recorded."""
    timer = metrics.timer("Took")
    assert timer.elapsed == 0
    with timer as measured:
        clock.advance(3)
        assert measured.elapsed == timer.elapsed == 3
        with metrics.timer("Inner") as inner:
            clock.advance(4)
    clock.advance(100)
    assert (measured.elapsed, timer.elapsed, inner.elapsed) == (7, 7, 4)

    async def main() -> float:
        async with metrics.timer("Took") as awaited:
            clock.advance(2)
        return awaited.elapsed

    assert asyncio.run(main()) == 2
    (document,) = written()
    assert (document["Took"], document["Inner"]) == ([7, 2], [4])


def test_a_decorated_async_generator_takes_and_raises_what_it_is_sent(clock: Clock, written: Any) -> None:
    """`asend`, `athrow` and `aclose` reach the generator, which is closed at once, and it is measured to its end."""
    heard: list[Any] = []

    @metrics.timer("Took")
    async def steps() -> AsyncIterator[int]:
        try:
            heard.append((yield 1))
            try:
                yield 2
            except KeyError as error:
                heard.append(error)
            yield 3
        finally:
            heard.append("closed")

    async def main() -> None:
        generator: Any = steps()
        assert await generator.__anext__() == 1
        assert await generator.asend("hello") == 2
        error = KeyError("thrown")
        assert await generator.athrow(error) == 3
        clock.advance(7)
        await generator.aclose()
        assert heard == ["hello", error, "closed"]
        assert [number async for number in steps()] == [1, 2, 3]
        async with contextlib.aclosing(steps()) as again:
            async for number in again:
                if number == 2:
                    break

    asyncio.run(main())
    assert written()[0]["Took"] == [7, 0, 0]
