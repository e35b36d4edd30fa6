"""`bound`: values for one block of code, or for a function whenever its body runs. Loaded when it is used."""

from __future__ import annotations

import functools

from shared_utils.invocation import ASYNC_GENERATOR, COROUTINE, GENERATOR, code_flags
from shared_utils.logging.context import enter_block, innermost, leave_block

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Any, TypeVar

    _F = TypeVar("_F", bound=Callable[..., Any])

__all__ = ["bound"]


class bound:  # noqa: N801 - a block, as the functions beside it
    """Bind values within a ``with`` block; afterwards everything is as it was before.

    Also a decorator of functions, coroutine functions, generators and async generators: their bodies have the values
    whenever they run, and whoever consumes a generator does not.
    """

    __slots__ = ("_own",)

    def __init__(self, /, **values: Any) -> None:
        self._own = values

    def __enter__(self) -> None:
        enter_block(self, self._own)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        inside = innermost()
        if error is not None and inside is not None:
            from shared_utils.logging.raised import note

            note(error, inside)
        leave_block(self)

    def __call__(self, function: _F) -> _F:
        """Decorate a function of any kind."""
        decorated: _F = _bind_in(self, function)
        return decorated

    def _again(self, values: Mapping[str, Any] | None = None) -> bound:
        """Return a block of the same values, or of others."""
        return bound(**(self._own if values is None else values))

    def _added(self) -> dict[str, Any]:
        """Return what is bound within this block and not around it; to be called at its end."""
        inside = innermost()
        if inside is None:
            return {}
        around = {} if inside._outer is None else inside._outer._context
        missing = object()
        return {key: value for key, value in inside._context.items() if around.get(key, missing) is not value}


def _bind_in(block: bound, function: Any) -> Any:
    """Return `function` with the values of `block` bound while its body runs; it stays a function of its kind.

    What the body of a generator binds itself is there when it goes on, and not in between.
    """
    if isinstance(function, (staticmethod, classmethod)):
        return type(function)(_bind_in(block, function.__func__))
    flags = code_flags(function)
    wrapper: Any
    if flags & COROUTINE:

        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            with block._again():
                return await function(*args, **kwargs)
    elif flags & ASYNC_GENERATOR:

        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            step, sent, values = generator.asend, None, None
            while True:
                inside = block._again(values)
                with inside:
                    try:
                        item = await step(sent)
                    except StopAsyncIteration:
                        return
                    finally:
                        values = inside._added()
                try:
                    step, sent = generator.asend, (yield item)
                except GeneratorExit:
                    with block._again(values):
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
                inside = block._again(values)
                with inside:
                    try:
                        item = step(sent)
                    except StopIteration as stop:
                        return stop.value
                    finally:
                        values = inside._added()
                try:
                    step, sent = generator.send, (yield item)
                except GeneratorExit:
                    with block._again(values):
                        generator.close()
                    raise
                except BaseException as error:
                    step, sent = generator.throw, error
    else:

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with block._again():
                return function(*args, **kwargs)

    return wrapper
