"""`instrument`: everything that happens around an invocation, in one decorator."""

from __future__ import annotations

import functools
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from shared_utils import _invocation
from shared_utils._line import flush_buffer
from shared_utils.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["instrument"]

P = ParamSpec("P")
R = TypeVar("R")


@overload
def instrument(handler: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def instrument() -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def instrument(handler: Any = None, /) -> Any:
    """Serve each call of a handler as an invocation."""
    if handler is None:
        return instrument
    log = get_logger()
    _invocation.arm_restore()

    @functools.wraps(handler)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if _invocation.current() is not None:
            return handler(*args, **kwargs)
        _invocation.begin(kwargs.get("context", args[-1] if args else None))
        try:
            return copy_context().run(handler, *args, **kwargs)
        except BaseException as error:
            flush_buffer()
            log.error("uncaught exception", exc_info=error)
            raise
        finally:
            _invocation.end()

    return wrapper
