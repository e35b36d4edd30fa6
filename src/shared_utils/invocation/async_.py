"""Async handlers: one event loop for the life of the environment. Loaded when there is one, because asyncio is."""

from __future__ import annotations

import asyncio
import atexit
import os

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from contextvars import Context
    from typing import Any

__all__ = ["in_running_loop", "run", "serve_in_running_loop"]

# (process, loop): a fork must not use its parent's loop.
_loop: tuple[int, asyncio.AbstractEventLoop] | None = None


def run(awaitable: Awaitable[Any], context: Context) -> Any:
    """Wait for `awaitable` on the environment's loop, in `context`; tasks that it leaves behind go on next time."""
    global _loop  # noqa: PLW0603 - the one place that owns the environment's loop
    process = os.getpid()
    if _loop is None or _loop[0] != process or _loop[1].is_closed():
        _loop = (process, asyncio.new_event_loop())
        atexit.register(_loop[1].close)
    loop = _loop[1]
    return loop.run_until_complete(loop.create_task(_wait(awaitable), context=context))


async def _wait(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def in_running_loop() -> bool:
    """Whether the caller runs inside an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def serve_in_running_loop(
    serving: Any, handler: Callable[..., Awaitable[Any]], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Coroutine[Any, Any, Any]:
    """Return a coroutine that serves the invocation within the loop of its caller."""

    async def serve() -> Any:
        with serving:
            task = asyncio.get_running_loop().create_task(_wait(handler(*args, **kwargs)), context=serving.context)
            response = await task
            serving.answered(response)
            return response

    return serve()
