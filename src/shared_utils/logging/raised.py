"""What was bound where an exception was raised: it is known until the exception has been logged as an uncaught one.

Loaded when an exception leaves a `bound` block.
"""

from __future__ import annotations

from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from shared_utils.logging.context import BoundContext

__all__ = ["note", "noted"]

_NAME = "_shared_utils_raised"


class _Raised:
    """Kept by the exception itself, so that it lives as long; a copy of the exception in another process has none."""

    __slots__ = ("bound", "trace")

    def __init__(self, bound: BoundContext, trace: TracebackType | None) -> None:
        self.bound = bound
        self.trace = trace

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return str, ()


def note(error: BaseException, bound: BoundContext) -> None:
    """Take note of what is bound in a block that `error` leaves, unless it comes from a block within."""
    if _known(error) is None:
        with suppress(AttributeError):  # of a C extension that has no room for it
            BaseException.__setattr__(error, _NAME, _Raised(bound, error.__traceback__))


def noted(error: BaseException) -> BoundContext | None:
    """Return what was bound in the innermost block that `error` has left, and forget it."""
    known = _known(error)
    attributes: dict[str, Any] = getattr(error, "__dict__", {})
    attributes.pop(_NAME, None)
    return None if known is None else known.bound


def _known(error: BaseException) -> _Raised | None:
    """Return what is known of an exception, unless that is of an earlier time that the same one was raised.

    What was raised anew has been in a frame that it has in its traceback already, or has another traceback.
    """
    known = getattr(error, "__dict__", {}).get(_NAME)
    if not isinstance(known, _Raised):
        return None
    passed = set()
    trace = error.__traceback__
    while trace is not None and trace is not known.trace:
        if trace.tb_frame in passed:
            return None
        passed.add(trace.tb_frame)
        trace = trace.tb_next
    return None if trace is None or trace.tb_frame in passed else known
