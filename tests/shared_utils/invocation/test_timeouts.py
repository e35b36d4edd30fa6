"""The warning before a time-out names the line of the handler that it is at, whatever the handler waits for."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import queue
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import instrument
from shared_utils.testing import LambdaContext

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from shared_utils.testing import CapturedLogs

SECONDS = 0.3


async def plain(event: object, context: object) -> None:
    """Wait in the handler."""
    await asyncio.sleep(SECONDS)  # here


async def nested(event: object, context: object) -> None:
    """Wait in what the handler awaits."""
    await nested_once()


async def nested_once() -> None:
    """Go on below."""
    await asyncio.shield(asyncio.sleep(0))
    await nested_twice()


async def nested_twice() -> None:
    """Wait in a coroutine of a coroutine."""
    await asyncio.sleep(SECONDS)  # here


async def gathering(event: object, context: object) -> None:
    """Wait for several."""
    await asyncio.gather(nested_twice_elsewhere(), nested_twice_elsewhere())  # here


async def nested_twice_elsewhere() -> None:
    """Wait in another task."""
    await asyncio.sleep(SECONDS)


async def in_task_group(event: object, context: object) -> None:
    """Wait for a group of tasks."""
    async with asyncio.TaskGroup() as group:  # here
        group.create_task(nested_twice_elsewhere())


async def in_thread(event: object, context: object) -> None:
    """Wait for a thread."""
    await asyncio.to_thread(time.sleep, SECONDS)  # here


async def waiting_for(event: object, context: object) -> None:
    """Wait with a limit of its own."""
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), SECONDS)  # here


async def in_queue(event: object, context: object) -> None:
    """Wait for something that comes from elsewhere."""
    found: asyncio.Queue[int] = asyncio.Queue()
    asyncio.get_running_loop().call_later(SECONDS, found.put_nowait, 1)
    await found.get()  # here


async def over_generator(event: object, context: object) -> None:
    """Wait in an async generator."""
    async for _ in slowly():
        pass


async def slowly() -> AsyncIterator[int]:
    """Yield after a while."""
    await asyncio.sleep(SECONDS)  # here
    yield 1


async def over_the_next(event: object, context: object) -> None:
    """Wait in an async generator, by hand, and in something of its own that can be awaited."""
    await anext(slowly(), None)


async def own_awaitable(event: object, context: object) -> None:
    """Wait in a class's own way."""

    class Own:
        def __await__(self) -> Any:
            return nested_twice().__await__()

    await Own()


async def blocking(event: object, context: object) -> None:
    """Block the loop."""
    time.sleep(SECONDS)  # here


def sync(event: object, context: object) -> None:
    """Block in the handler."""
    time.sleep(SECONDS)  # here


def sync_below(event: object, context: object) -> None:
    """Block in a function of the library's."""
    with contextlib.suppress(queue.Empty):
        queue.Queue[int]().get(timeout=SECONDS)  # here


def returned(event: object, context: object) -> Any:
    """Return a coroutine."""
    return plain(event, context)


HANDLERS = [plain, nested, gathering, in_task_group, in_thread, waiting_for, in_queue, over_generator, over_the_next]
HANDLERS += [own_awaitable, blocking]
# Where a handler waits, unless in its own body.
WITHIN: dict[Callable[..., Any], Callable[..., Any]] = {
    nested: nested_twice,
    over_generator: slowly,
    over_the_next: slowly,
    own_awaitable: nested_twice,
    returned: plain,
}


def here(function: Callable[..., Any]) -> int:
    """Return the number of the line in a function's body that is marked."""
    lines, first = inspect.getsourcelines(function)
    return next(number for number, line in enumerate(lines, first) if line.endswith("# here\n"))


@pytest.mark.parametrize("handler", [*HANDLERS, sync, sync_below, returned])
def test_the_warning_names_the_users_line(captured_logs: CapturedLogs, handler: Callable[..., Any]) -> None:
    """Not one of the event loop's or the library's, and the stack begins with the user's frame."""
    instrument(handler)({}, LambdaContext(timeout=0.3))
    warning = captured_logs.one(message="the invocation is about to time out")
    place = WITHIN.get(handler, handler)
    assert warning["location"] == f"{place.__name__}:{here(place)}"
    first = warning["stack"].splitlines()[0]
    assert __file__ in first
    assert first.endswith(f"in {'plain' if handler is returned else handler.__name__}")
    assert "selectors" not in warning["stack"]
    assert "base_events" not in warning["stack"]


def test_each_of_several_at_once_names_its_own_line(captured_logs: CapturedLogs) -> None:
    """Coroutines of one loop, and threads."""

    async def main() -> None:
        served: list[Any] = [instrument(handler)({}, LambdaContext(timeout=0.3)) for handler in HANDLERS[:4]]
        await asyncio.gather(*served)

    asyncio.run(main())
    threads = [
        threading.Thread(target=instrument(one), args=({}, LambdaContext(timeout=0.3))) for one in (sync, sync_below)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = {
        line["location"].partition(":")[0] for line in captured_logs.find(message="the invocation is about to time out")
    }
    assert names == {"plain", "nested_twice", "gathering", "in_task_group", "sync", "sync_below"}
