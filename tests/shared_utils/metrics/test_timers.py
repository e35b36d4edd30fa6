"""Timers measure blocks, functions, coroutines and generators, each to its end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
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
