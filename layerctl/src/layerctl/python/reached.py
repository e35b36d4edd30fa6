"""Which of a function's own modules are loaded, as far as import statements tell."""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

__all__ = ["reached_modules"]


def reached_modules(handler: str, modules: Collection[str], read: Callable[[str], bytes]) -> set[str] | None:
    """Follow the imports of the handler's module, also those within functions.

    Args:
        handler: as a template names it: ``app.handler``, ``orders/app.handler``.
        modules: the paths of the modules in the code.
        read: gives a module's source.

    Returns:
        The paths that are reached; None where the handler's module is not in the code.
    """
    start = handler.rpartition(".")[0].replace("/", ".")
    pending = list(_paths(start, modules)) if start else []
    if not pending:
        return None
    reached: set[str] = set()
    while pending:
        path = pending.pop()
        if path not in reached:
            reached.add(path)
            for name in _imported(read(path), path):
                pending += _paths(name, modules)
    return reached


def _paths(name: str, modules: Collection[str]) -> Iterator[str]:
    """The modules that the import of a dotted name loads: each package on the way, and the module itself."""
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        place = "/".join(parts[:depth])
        yield from (path for path in (f"{place}.py", f"{place}/__init__.py") if path in modules)


def _imported(source: bytes, path: str) -> Iterator[str]:
    """The dotted names that a module may import; none of what is no Python."""
    try:
        with warnings.catch_warnings(action="ignore"):  # the source's own, e.g. of an invalid escape
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    package = path.split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            around = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*around, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" if base else alias.name for alias in node.names)
