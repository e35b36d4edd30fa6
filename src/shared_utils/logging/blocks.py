"""`bound` as a decorator. Loaded when it decorates."""

from __future__ import annotations

import functools

from shared_utils.invocation import ASYNC_GENERATOR, COROUTINE, GENERATOR, code_flags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from shared_utils.logging.context import bound

__all__ = ["bind_in"]


def bind_in(block: bound, function: Any) -> Any:
    """Return `function` with the values of `block` bound while its body runs; it stays a function of its kind.

    What the body of a generator binds itself is there when it goes on, and not in between.
    """
    if isinstance(function, (staticmethod, classmethod)):
        return type(function)(bind_in(block, function.__func__))
    flags = code_flags(function)
    wrapper: Any
    if flags & COROUTINE:

        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            with block.again():
                return await function(*args, **kwargs)
    elif flags & ASYNC_GENERATOR:

        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            step, sent, values = generator.asend, None, None
            while True:
                inside = block.again(values)
                with inside:
                    try:
                        item = await step(sent)
                    except StopAsyncIteration:
                        return
                    finally:
                        values = inside.added()
                try:
                    step, sent = generator.asend, (yield item)
                except GeneratorExit:
                    with block.again(values):
                        await generator.aclose()
                    raise
                except BaseException as error:
                    step, sent = generator.athrow, error
    elif flags & GENERATOR:

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            step, sent, values = generator.send, None, None
            while True:
                inside = block.again(values)
                with inside:
                    try:
                        item = step(sent)
                    except StopIteration as stop:
                        return stop.value
                    finally:
                        values = inside.added()
                try:
                    step, sent = generator.send, (yield item)
                except GeneratorExit:
                    with block.again(values):
                        generator.close()
                    raise
                except BaseException as error:
                    step, sent = generator.throw, error
    else:

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with block.again():
                return function(*args, **kwargs)

    return wrapper
