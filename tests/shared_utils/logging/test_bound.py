"""`bound` blocks: used again, within themselves, and as a decorator of functions of any kind."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import logging

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from shared_utils.testing import CapturedLogs


def seen() -> dict[str, Any]:
    """Return what is bound here."""
    return logging.bound_values()


@logging.bound(a=1)
def function(more: int) -> dict[str, Any]:
    """Return what is bound in a function's body."""
    return {**seen(), "more": more}


@logging.bound(a=1)
async def coroutine(more: int) -> dict[str, Any]:
    """Return what is bound in a coroutine's body, before and after it waits."""
    before = seen()
    await asyncio.sleep(0)
    assert seen() == before
    return {**before, "more": more}


@logging.bound(a=1)
def generator(steps: int) -> Iterator[dict[str, Any]]:
    """Yield what is bound at each step, and take part in the generator's protocol."""
    try:
        for step in range(steps):
            try:
                assert (yield seen()) != "stop"
            except KeyError:
                yield {"caught": True, **seen()}
            logging.bind(step=step)
    finally:
        LEFT.append(seen())
    return seen()


@logging.bound(a=1)
async def async_generator(steps: int) -> AsyncIterator[dict[str, Any]]:
    """Do the same with a wait between."""
    try:
        for step in range(steps):
            await asyncio.sleep(0)
            try:
                yield seen()
            except KeyError:
                yield {"caught": True, **seen()}
            logging.bind(step=step)
    finally:
        await asyncio.sleep(0)
        LEFT.append(seen())


LEFT: list[dict[str, Any]] = []


@pytest.fixture(autouse=True)
def nothing_left(captured_logs: CapturedLogs) -> None:
    """Start with nothing bound."""
    LEFT.clear()


def test_each_stays_a_function_of_its_kind() -> None:
    """Frameworks look at it (FastAPI, pytest), and it can be a method of any kind."""
    assert inspect.iscoroutinefunction(coroutine)
    assert inspect.isgeneratorfunction(generator)
    assert inspect.isasyncgenfunction(async_generator)
    assert function.__name__ == "function"
    assert str(inspect.signature(function)) == "(more: 'int') -> 'dict[str, Any]'"

    class Service:
        @logging.bound(a=1)
        def method(self) -> dict[str, Any]:
            return seen()

        @logging.bound(a=2)
        @classmethod
        def of_class(cls) -> dict[str, Any]:
            return seen()

        @logging.bound(a=3)
        @staticmethod
        def of_none() -> dict[str, Any]:
            return seen()

    assert (Service().method(), Service.of_class(), Service().of_none()) == ({"a": 1}, {"a": 2}, {"a": 3})
    assert logging.bound(a=1)(functools.partial(function, more=2))() == {"a": 1, "more": 2}


def test_a_functions_body_has_the_values() -> None:
    """Each call anew, nested, and in tasks at once."""
    assert function(1) == {"a": 1, "more": 1}
    assert logging.bound(b=2, self=3)(function)(1) == {"a": 1, "b": 2, "self": 3, "more": 1}

    async def main() -> None:
        assert await coroutine(1) == {"a": 1, "more": 1}
        with logging.bound(b=2):
            found = await asyncio.gather(*(logging.bound(number=n)(coroutine)(n) for n in range(10)))
            assert seen() == {"b": 2}
        assert found == [{"a": 1, "b": 2, "number": n, "more": n} for n in range(10)]

    asyncio.run(main())
    assert seen() == {}


def test_a_generators_consumer_does_not_have_the_values() -> None:
    """They are there when the body runs, with what it has bound itself; the consumer's own are seen and stay."""
    logging.bind(mine=1)
    found = []
    for values in generator(3):
        found.append(values)
        assert seen() == {"mine": len(found)}
        logging.bind(mine=len(found) + 1)
    assert found == [{"mine": 1, "a": 1}, {"mine": 2, "a": 1, "step": 0}, {"mine": 3, "a": 1, "step": 1}]
    assert LEFT == [{"mine": 4, "a": 1, "step": 2}]


def test_the_generators_protocol_is_kept() -> None:
    """send, throw, close, what it returns, and an exception of its own."""
    steps = generator(5)
    assert next(steps) == {"a": 1}
    assert steps.send("on") == {"a": 1, "step": 0}  # type: ignore[attr-defined]
    assert steps.throw(KeyError()) == {"caught": True, "a": 1, "step": 0}  # type: ignore[attr-defined]
    steps.close()  # type: ignore[attr-defined]
    assert LEFT == [{"a": 1, "step": 0}]
    assert seen() == {}
    steps = generator(5)
    next(steps)
    with pytest.raises(ValueError, match="own"):
        steps.throw(ValueError("own"))  # type: ignore[attr-defined]
    with pytest.raises(StopIteration):
        next(steps)

    def outer() -> Iterator[Any]:
        yield (yield from generator(1))

    assert list(outer()) == [{"a": 1}, {"a": 1, "step": 0}]
    unused = generator(1)
    del unused
    assert seen() == {}


def test_two_generators_that_take_turns_do_not_mix() -> None:
    """Whatever the order in which they go on and end."""
    one, two = (logging.bound(name=name)(generator)(3) for name in ("one", "two"))
    assert [next(one)["name"], next(two)["name"], next(one)["name"], next(two)["name"]] == ["one", "two", "one", "two"]
    one.close()  # type: ignore[attr-defined]
    assert next(two) == {"name": "two", "a": 1, "step": 1}
    assert seen() == {}
    two.close()  # type: ignore[attr-defined]


def test_an_async_generators_consumer_does_not_have_the_values() -> None:
    """With waits within, in several tasks, closed early, thrown into."""

    async def consume(number: int) -> list[dict[str, Any]]:
        logging.bind(mine=number)
        found = []
        async for values in async_generator(3):
            found.append(values)
            assert seen() == {"mine": number}
            await asyncio.sleep(0)
        return found

    async def main() -> None:
        for number, found in enumerate(await asyncio.gather(*(consume(number) for number in range(5)))):
            assert [values["mine"] for values in found] == [number] * 3
            assert [values.get("step") for values in found] == [None, 0, 1]
        LEFT.clear()
        early: Any = async_generator(3)
        assert await early.asend(None) == {"a": 1}
        assert await early.athrow(KeyError()) == {"caught": True, "a": 1}
        await early.aclose()
        assert LEFT == [{"a": 1}]
        assert seen() == {}

    asyncio.run(main())


def test_one_block_can_be_used_again_and_within_itself() -> None:
    """One object, many times, in threads at once."""
    block = logging.bound(a=1)
    with block:
        logging.bind(b=2)
        with block:
            logging.clear()
            assert seen() == {}
        assert seen() == {"a": 1, "b": 2}
    assert seen() == {}

    def use(number: int) -> dict[str, Any]:
        with block, logging.bound(number=number):
            threading.Event().wait(0.001)
            found = seen()
        return {**found, "after": seen()}

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(use, range(32))) == [{"a": 1, "number": n, "after": {}} for n in range(32)]
