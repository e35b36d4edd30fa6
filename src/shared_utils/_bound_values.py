"""Values that belong to the invocation, or to the task within it, and stand in each of its lines.

They live in one context variable, which holds a mapping that is never changed in place: an asyncio task and a
`contextvars.copy_context()` see what was bound before they began, and nothing that they bind reaches anyone else.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar

from shared_utils._log_state import STATE
from shared_utils._structlog import structlog_values

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextvars import Context
    from typing import Any

__all__ = ["bind", "bound", "bound_values", "clear", "unbind", "values_in"]

# (serial of the invocation in which they were bound, values): bound in an earlier invocation, they are void.
_values: ContextVar[tuple[int, dict[str, Any]] | None] = ContextVar("shared_utils_bound_values", default=None)
_NONE: dict[str, Any] = {}


def bound_values() -> dict[str, Any]:
    """Return the values bound in this context, by our functions or by structlog's; not to be changed."""
    values = _own_values()
    foreign = structlog_values()
    return {**foreign, **values} if foreign else values


def _own_values() -> dict[str, Any]:
    entry = _values.get()
    return _NONE if entry is None or entry[0] != STATE.serial else entry[1]


def values_in(context: Context) -> dict[str, Any]:
    """Return the values bound in another context than the current one; not to be changed."""
    entry = context.get(_values)
    return _NONE if entry is None or entry[0] != STATE.serial else entry[1]


def bind(**values: Any) -> None:
    """Put `values` into every line of this context until the invocation ends. Later ones replace earlier ones."""
    _values.set((STATE.serial, {**_own_values(), **values}))


def unbind(*keys: str) -> None:
    """Take values out again; a key that is not bound is no error."""
    _values.set((STATE.serial, {key: value for key, value in _own_values().items() if key not in keys}))


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
