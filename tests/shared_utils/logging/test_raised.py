"""The line of an exception that leaves `bound` blocks has the values of the one that raised it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import instrument, logging
from tests.support.programs import lines_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from shared_utils.testing import CapturedLogs


def uncaught(captured_logs: CapturedLogs, handler: Callable[..., Any]) -> dict[str, Any]:
    """Return the values in the line of what a handler raises."""
    with pytest.raises(ValueError, match="broken"):
        instrument(handler)({}, None)
    line = captured_logs[-1]
    assert line["message"] == "uncaught exception"
    return {key: line[key] for key in ("a", "b", "c") if key in line}


def fail(**values: Any) -> None:
    """Raise, within a block of these values if there are any."""
    with logging.bound(**values):
        raise ValueError("broken")


def nested(event: object, context: object) -> None:
    """Raise in the innermost of three blocks."""
    logging.bind(c=0)
    with logging.bound(a=1, b=1), logging.bound(b=2):
        fail(c=3)


def bound_in_block(event: object, context: object) -> None:
    """Raise after binding more in the block."""
    with logging.bound(a=1):
        logging.bind(b=2)
        raise ValueError("broken")


async def in_coroutine(event: object, context: object) -> None:
    """Raise in a coroutine that is awaited."""
    with logging.bound(a=1):
        await logging.bound(b=2)(in_task)()


async def in_task() -> None:
    """Raise after a wait."""
    await asyncio.sleep(0)
    fail(c=3)


async def in_gather(event: object, context: object) -> None:
    """Raise in one of several tasks, each with values of its own."""

    async def one(number: int) -> None:
        with logging.bound(b=number):
            await asyncio.sleep(0)
            if number == 2:
                fail(c=3)

    with logging.bound(a=1):
        await asyncio.gather(*(one(number) for number in range(4)))


async def in_thread(event: object, context: object) -> None:
    """Raise in a thread."""
    with logging.bound(a=1, b=2):
        await asyncio.to_thread(fail, c=3)


def in_pool(event: object, context: object) -> None:
    """Raise in a pool's worker."""
    with logging.bound(a=1, b=2), ThreadPoolExecutor() as pool:
        pool.submit(contextvars.copy_context().run, fail, c=3).result()


def in_generator(event: object, context: object) -> None:
    """Raise in a decorated generator's body."""

    @logging.bound(b=2)
    def steps() -> Iterator[int]:
        yield 1
        fail(c=3)

    with logging.bound(a=1):
        list(steps())


async def in_async_generator(event: object, context: object) -> None:
    """Raise in a decorated async generator's body."""

    @logging.bound(b=2)
    async def steps() -> AsyncIterator[int]:
        yield 1
        fail(c=3)

    with logging.bound(a=1):
        async for _ in steps():
            await asyncio.sleep(0)


def raised_on(event: object, context: object) -> None:
    """Catch in an outer block, and raise on."""
    with logging.bound(a=1):
        try:
            fail(b=2, c=3)
        except ValueError:
            logging.info("seen")
            raise


WHERE = [nested, in_coroutine, in_gather, in_thread, in_pool, in_generator, in_async_generator, raised_on]


@pytest.mark.parametrize("handler", WHERE)
def test_the_line_has_the_values_of_the_block_that_raised(
    captured_logs: CapturedLogs, handler: Callable[..., Any]
) -> None:
    """Of the innermost one, with those of the blocks around it."""
    assert uncaught(captured_logs, handler) == {"a": 1, "b": 2, "c": 3}
    assert logging.bound_values() == {}


def test_values_bound_within_the_block_count(captured_logs: CapturedLogs) -> None:
    """Whatever was bound when it raised."""
    assert uncaught(captured_logs, bound_in_block) == {"a": 1, "b": 2}


def handled(event: object, context: object) -> None:
    """Raise in an outer block what has nothing to do with what an inner one raised and handled."""
    with logging.bound(a=1):
        with contextlib.suppress(ValueError):
            fail(b=2)
        raise ValueError("broken")


def handled_and_raised_from(event: object, context: object) -> None:
    """Raise another exception because of it."""
    with logging.bound(a=1):
        try:
            fail(b=2)
        except ValueError as error:
            raise ValueError("broken") from error


def the_same_again(event: object, context: object) -> None:
    """Raise the very exception that was handled before, in the outer block."""
    with logging.bound(a=1):
        try:
            fail(b=2)
        except ValueError as error:
            kept = error
        raise kept


SINGLE = ValueError("broken")


def one_for_all(event: object, context: object) -> None:
    """Raise an exception that was made long before."""
    with logging.bound(a=1):
        raise SINGLE


@pytest.mark.parametrize("handler", [handled, handled_and_raised_from, the_same_again, one_for_all])
def test_what_an_inner_block_raised_and_was_handled_does_not_count(
    captured_logs: CapturedLogs, handler: Callable[..., Any]
) -> None:
    """The line has the outer block's values only."""
    with logging.bound(b=5, c=5):
        try:
            raise SINGLE  # outside of any invocation
        except ValueError:
            pass
    assert uncaught(captured_logs, handler) == {"a": 1}
    assert uncaught(captured_logs, handler) == {"a": 1}


def test_a_thread_that_fails_tells_its_values() -> None:
    """Its line is written when its blocks have ended."""
    program = """
import threading
from shared_utils import instrument, logging

def fail():
    with logging.bound(a=1):
        raise ValueError("broken")

@instrument
def handler(event, context):
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()

handler({}, None)
"""
    (line,) = lines_of(program)
    assert (line["message"], line["a"]) == ("uncaught exception in a thread", 1)


def test_an_exception_that_was_noted_can_be_copied_and_pickled() -> None:
    """A pool of processes sends it; what was bound, of any type, stays behind."""
    with pytest.raises(ValueError, match="broken") as caught:
        fail(a=threading.Lock())
    for twin in (pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value), copy.deepcopy(caught.value)):
        assert (type(twin), twin.args) == (ValueError, ("broken",))
