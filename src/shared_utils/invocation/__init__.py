"""One invocation: what happens around a call of the handler.

Here stands what kind of function a handler, or whatever else is decorated, is.
"""

from __future__ import annotations

import functools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["ASYNC_GENERATOR", "COROUTINE", "GENERATOR", "ITERABLE_COROUTINE", "code_flags"]

# Flags of a code object, as inspect defines them; importing it would cost more than all of logging. COROUTINE includes
# generators that types.coroutine has marked.
ITERABLE_COROUTINE = 0x100
GENERATOR, COROUTINE, ASYNC_GENERATOR = 0x20, 0x80 | ITERABLE_COROUTINE, 0x200


def code_flags(function: Any) -> int:
    """Return the code flags of the function behind partials, bound methods and callable objects; 0 if there is none."""
    while isinstance(function, functools.partial):
        function = function.func
    function = getattr(function, "__func__", function)
    if not hasattr(function, "__code__"):
        function = type(function).__call__
    return getattr(getattr(function, "__code__", None), "co_flags", 0)
