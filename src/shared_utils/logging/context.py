"""Values that belong to the invocation, or to the task within it, and stand in each of its lines.

They live in one context variable, which holds a mapping that is never changed in place: an asyncio task and a
`contextvars.copy_context()` see what was bound before they began, and nothing that they bind reaches anyone else.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar

from shared_utils.logging.settings import STATE
from shared_utils.logging.structlog_hook import structlog_values

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextvars import Context
    from typing import Any

__all__ = ["Bound", "bind", "bound", "bound_carrier", "bound_values", "clear", "unbind", "values_in"]


class Bound:
    """The values of one moment. They stay as they are: who binds more makes another."""

    __slots__ = ("_context", "_encoded", "_serial")

    def __init__(self, serial: int, values: dict[str, Any]) -> None:
        self._serial = serial  # of the invocation in which they were bound: in a later one they are void
        self._context = values
        self._encoded: object = None  # kept by the line for the next one


_values: ContextVar[Bound | None] = ContextVar("shared_utils_bound_values", default=None)
_NOTHING = Bound(0, {})


def bound_carrier() -> Bound:
    """Return the values bound in this context, by our functions or by structlog's."""
    bound = _valid(_values.get())
    foreign = structlog_values()
    return Bound(0, {**foreign, **bound._context}) if foreign else bound


def bound_values() -> dict[str, Any]:
    """Return the values bound in this context; not to be changed."""
    return bound_carrier()._context


def values_in(context: Context) -> dict[str, Any]:
    """Return the values bound by our functions in another context than the current one; not to be changed."""
    return _valid(context.get(_values))._context


def _valid(bound: Bound | None) -> Bound:
    return _NOTHING if bound is None or bound._serial != STATE.serial else bound


def _rebind(values: dict[str, Any]) -> None:
    _values.set(Bound(STATE.serial, values))


def bind(**values: Any) -> None:
    """Put `values` into every line of this context until the invocation ends. Later ones replace earlier ones."""
    _rebind({**_valid(_values.get())._context, **values})


def unbind(*keys: str) -> None:
    """Take values out again; a key that is not bound is no error."""
    bound = _valid(_values.get())._context
    _rebind({key: value for key, value in bound.items() if key not in keys})


def clear() -> None:
    """Take out everything bound in this context."""
    _values.set(None)


@contextmanager
def bound(**values: Any) -> Iterator[None]:
    """Bind `values` within the block; afterwards everything is as it was before. Also a decorator."""
    before = _values.get()
    bind(**values)
    try:
        yield
    finally:
        _values.set(before)
