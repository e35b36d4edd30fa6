"""Public names that load on first use (PEP 562), so that a function pays only for what it uses.

A package says where its names live and hides the result from type checkers, for which a misspelt name is an error::

    TYPE_CHECKING = False  # not typing's: its import would cost every cold start 2 ms
    if TYPE_CHECKING:
        from package.room import name
    else:
        __getattr__, __dir__ = lazy_names(globals(), {"name": "package.room:name", "room": "package.room"})
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["lazy_names"]


def lazy_names(
    namespace: dict[str, Any], homes: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return a module's ``__getattr__`` and ``__dir__``.

    Args:
        namespace: the module's ``globals()``; a name is kept there once it is loaded.
        homes: where each name lives: ``"module:attribute"``, or ``"module"`` for the module itself.
    """

    def load(name: str) -> object:
        home = homes.get(name)
        module_name = namespace["__name__"]
        if home is None:
            message = f"module {module_name!r} has no attribute {name!r}"
            raise AttributeError(message, name=name, obj=sys.modules.get(module_name))  # Python says what was meant
        from importlib import import_module

        target, _, attribute = home.partition(":")
        module = import_module(target)
        value: object = getattr(module, attribute) if attribute else module
        namespace[name] = value
        return value

    def names() -> list[str]:
        return list(namespace["__all__"])

    return load, names
