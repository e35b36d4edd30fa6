"""Event loops for async handlers, kept for the life of the environment. Loaded for the first such handler.

Invocations that follow each other share one loop; those served at the same time by several threads have one each.
"""

from __future__ import annotations

import asyncio
import atexit
import os
from contextlib import suppress
from contextvars import copy_context

from shared_utils.invocation import lifecycle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextvars import Context
    from typing import Any

    from shared_utils.invocation.serving import Serving

__all__ = ["call_in_running_loop", "in_running_loop", "run"]

_loops: list[asyncio.AbstractEventLoop] = []
_idle: list[asyncio.AbstractEventLoop] = []  # the one used last is taken first


def run(serving: Serving, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Return the result of `coroutine`, a task in a copy of the present context; what it leaves goes on next time."""
    loop = _take()
    try:
        context = copy_context()
        task = loop.create_task(coroutine, context=context)
        serving.runs_as(coroutine, context)
        try:
            return loop.run_until_complete(task)
        except BaseException:
            _finish(loop, task)
            raise
    finally:
        _idle.append(loop)


async def call_in_running_loop(
    serving: Serving, handler: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Return what the handler's coroutine gives, run as a task of the running loop in the context of `serving`."""
    coroutine = _call(serving, handler, args, kwargs)
    serving.runs_as(coroutine, serving.context)
    return await asyncio.get_running_loop().create_task(coroutine, context=serving.context)


async def _call(serving: Serving, handler: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Serve the invocation, as `Serving.call` does outside of a loop."""
    try:
        try:
            serving.begin()
            return serving.respond(await handler(*args, **kwargs))
        except BaseException as error:
            instead = serving.fail(error)
            if instead is not error:
                raise instead  # noqa: B904
            raise
        finally:
            serving.end()
    finally:
        lifecycle.drop(serving.invocation, None)
        if serving.substituted is not None:
            serving.mend()


def in_running_loop() -> bool:
    """Whether the caller runs inside an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _take() -> asyncio.AbstractEventLoop:
    """Return a loop that no other thread uses."""
    while _idle:
        loop = _idle.pop()
        if not loop.is_closed():
            return loop
        _loops.remove(loop)
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(_report)
    if not hasattr(asyncio.Task, "get_context"):  # before Python 3.12
        loop.set_task_factory(Task.make)
    if not _loops:
        atexit.register(_close)
        if hasattr(os, "register_at_fork"):  # not on Windows
            os.register_at_fork(after_in_child=_leave_to_parent)
    _loops.append(loop)
    return loop


class Task(asyncio.Task):  # type: ignore[type-arg]
    """A task that tells its context. asyncio names the class in what it logs."""

    context: Context

    @classmethod
    def make(cls, loop: Any, coroutine: Any, **options: Any) -> Task:
        """Return a task; see `asyncio.loop.set_task_factory`."""
        options["context"] = options.get("context") or copy_context()
        task = cls(coroutine, loop=loop, **options)
        task.context = options["context"]
        return task


def _report(loop: asyncio.AbstractEventLoop, details: dict[str, Any]) -> None:
    """Let asyncio log what failed and nobody asked for, in the context of the task: the line is that invocation's.

    From Python 3.12 on asyncio calls a handler of one's own in that context; before, the task must tell it.
    """
    task = details.get("task") or details.get("future")
    if isinstance(task, Task):
        task.context.copy().run(loop.default_exception_handler, details)  # a copy: it may be entered now
    else:
        loop.default_exception_handler(details)


def _finish(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> None:
    """Cancel a task whose loop was interrupted (by a signal's exception): it must not go on in the next invocation."""
    if not task.done():
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            loop.run_until_complete(task)
    elif not task.cancelled():
        task.exception()  # else asyncio logs that nobody asked for it


def _close() -> None:
    for loop in _loops:
        if not loop.is_running():
            loop.close()


def _leave_to_parent() -> None:
    """In a forked child: never touch what the loops share with the parent's, nor run what the parent left on them.

    An epoll descriptor names one object in the kernel: whatever the child takes off it, closing its loop for one, the
    parent misses. So each loop gets a selector of the child's own.
    """
    _idle.clear()
    for loop in _loops:
        shared = getattr(loop, "_selector", None)  # another kind of loop (uvloop) has a hook of its own
        if shared is None or shared.get_map() is None:
            continue
        own = type(shared)()
        for key in shared.get_map().values():
            with suppress(OSError, ValueError):
                own.register(key.fileobj, key.events, key.data)
        loop._selector = own  # type: ignore[attr-defined]
        shared.close()
