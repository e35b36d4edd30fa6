"""Values that belong to the invocation, or to the task within it, and stand in each of its lines.

They live in one context variable, which holds a mapping that is never changed in place: an asyncio task and a
`contextvars.copy_context()` see what was bound before they began, and what they bind reaches no other.

Loaded when something is bound, or structlog is imported.
"""

from __future__ import annotations

import sys
from _contextvars import ContextVar

from shared_utils.invocation import lifecycle
from shared_utils.logging import state as _states
from shared_utils.logging.state import OUTSIDE, current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextvars import Context
    from typing import Any

    from shared_utils.logging.state import LogState

__all__ = [
    "BoundContext",
    "bind",
    "bound_context",
    "bound_values",
    "clear",
    "enter_block",
    "innermost",
    "leave_block",
    "unbind",
    "values_in",
    "values_when_raised",
]


class BoundContext:
    """The values bound at one moment. They stay as they are: binding more makes another one."""

    __slots__ = ("_block", "_context", "_encoded", "_outer", "_owner")

    def __init__(
        self, owner: object, values: dict[str, Any], block: object = None, outer: BoundContext | None = None
    ) -> None:
        self._owner = owner  # the state of the invocation in which they were bound; in a later one they are void
        self._context = values
        self._block = block  # the innermost `bound` block that they are bound in,
        self._outer = outer  # and what was bound when it began
        self._encoded: object = None  # kept for the next line


_values: ContextVar[BoundContext | None] = ContextVar("shared_utils_bound_values", default=None)
_NOTHING = BoundContext(None, {})
# Owns what is bound outside of an invocation, until one ends: values bound at init count in the first invocation.
_outside: object = object()
# Every variable that structlog.contextvars has ever bound, once structlog is imported; empty in most functions.
_structlog_variables: Mapping[str, Any] = {}


def bound_context(state: LogState) -> BoundContext:
    """Return what is bound in this context, by our functions or by structlog's."""
    bound = _values.get()
    if bound is None or (bound._owner is not state and bound._owner is not _outside):
        bound = _NOTHING
    if _structlog_variables:
        foreign = sys.modules["structlog.contextvars"].get_contextvars()
        if foreign:
            return BoundContext(None, {**foreign, **bound._context})
    return bound


def bound_values() -> dict[str, Any]:
    """Return the values bound in this context, by our functions or by structlog's."""
    return dict(bound_context(current())._context)


def values_in(context: Context, state: LogState) -> dict[str, Any]:
    """Return the values bound in another context than the current one, which belongs to `state`."""
    bound = _valid(context.get(_values), state)._context
    if not _structlog_variables:
        return bound
    # As structlog.contextvars keeps them; an unbound one is an Ellipsis.
    foreign = {variable.name: value for variable, value in context.items() if value is not ...}
    return {
        **{name.removeprefix("structlog_"): value for name, value in foreign.items() if name.startswith("structlog_")},
        **bound,
    }


def follow_structlog(variables: Mapping[str, Any]) -> None:
    """Show what structlog.contextvars binds, whose registry of `variables` this is."""
    global _structlog_variables  # noqa: PLW0603 - structlog's own registry from now on
    _structlog_variables = variables


def _valid(bound: BoundContext | None, state: LogState) -> BoundContext:
    return bound if bound is not None and (bound._owner is state or bound._owner is _outside) else _NOTHING


def _rebind(state: LogState, values: dict[str, Any]) -> None:
    before = _values.get() or _NOTHING
    _values.set(BoundContext(_outside if state is OUTSIDE else state, values, before._block, before._outer))


def bind(**values: Any) -> None:
    """Put `values` into every line of this context until the invocation ends. Later ones replace earlier ones."""
    state = current()
    _rebind(state, {**_valid(_values.get(), state)._context, **values})


def unbind(*keys: str) -> None:
    """Take values out again; a key that is not bound is no error."""
    state = current()
    _rebind(state, {key: value for key, value in _valid(_values.get(), state)._context.items() if key not in keys})


def clear() -> None:
    """Take out everything bound in this context."""
    _rebind(current(), {})


def enter_block(block: object, own: Mapping[str, Any]) -> None:
    """Bind `own` beside what is bound already, until `block` is left."""
    state = current()
    before = _values.get()
    values = {**_valid(before, state)._context, **own}
    _values.set(BoundContext(_outside if state is OUTSIDE else state, values, block, before))


def leave_block(block: object) -> None:
    """Bind what was bound before `block` was entered; nothing changes if a block around it has been left before it."""
    inside = _values.get()
    while inside is not None and inside._block is not block:
        inside = inside._outer
    if inside is not None:
        _values.set(inside._outer)


def innermost() -> BoundContext | None:
    """Return what is bound in this context, valid or not, or None where nothing has ever been."""
    return _values.get()


def values_when_raised(error: BaseException) -> dict[str, Any]:
    """Return what is bound now, and what was bound in the innermost `bound` block that `error` has left."""
    values = bound_values()
    if "shared_utils.logging.raised" in sys.modules:
        from shared_utils.logging.raised import noted

        values.update(_valid(noted(error), current())._context)
    return values


def _begin(_invocation: object) -> None:
    """Let the first invocation have what was bound before it, until it ends itself."""
    bound = _values.get()
    if bound is not None and bound._owner is _outside:
        _rebind(current(), bound._context)


def _end(_invocation: object) -> None:
    global _outside  # noqa: PLW0603 - from now on what was bound before is void
    _outside = object()


_states.bound_context = bound_context
lifecycle.at_begin(_begin)
lifecycle.at_end(_end, last=True)
