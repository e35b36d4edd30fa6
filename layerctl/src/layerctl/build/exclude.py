"""What of third-party distributions a function never needs: their tests, and their stubs for type checkers."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

__all__ = ["prunable"]

_TESTS = re.compile(r"((?:[^/]+/)+tests?)/")
_METADATA = re.compile(r"[^/]+\.(?:dist|egg)-info/")


def prunable(candidates: Collection[str], read: Callable[[str], bytes], everything: Collection[str]) -> set[str]:
    """Find files that can go without breaking an import.

    A package's ``tests`` folder stays when a module outside of it imports it or names it in a text; ``.pyi`` files
    stay in a package whose code reads them (as lazy-loader's `attach_stub` does).

    Args:
        candidates: files of third parties, relative to the content root.
        read: gives a file's content.
        everything: all files of the layer.
    """
    tests: dict[str, set[str]] = {}
    for path in candidates:
        match = _TESTS.match(path)
        if match and not _METADATA.match(path):
            tests.setdefault(match[1], set()).add(path)
    stubs: dict[str, set[str]] = {}
    for path in candidates:
        if path.endswith(".pyi"):
            stubs.setdefault(path.split("/", 1)[0], set()).add(path)
    if not tests and not stubs:
        return set()
    folders = {folder: folder.replace("/", ".") for folder in tests}
    used: set[str] = set()
    for path in everything:
        if not path.endswith(".py"):
            continue
        source = read(path)
        top = path.split("/", 1)[0]
        if top in stubs and (b"attach_stub" in source or b".pyi" in source):
            del stubs[top]
        outside = {folder: name for folder, name in folders.items() if not path.startswith(folder + "/")}
        if not any(folder.rsplit("/", 1)[1].encode() in source for folder in outside):
            continue
        named = set(_names(path, source))
        used |= {folder for folder, name in outside.items() if any(_within(one, name) for one in named)}
    dropped = {path for folder, paths in tests.items() if folder not in used for path in paths}
    return dropped.union(*stubs.values())


def _within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def _names(path: str, source: bytes) -> Iterator[str]:
    """Every dotted name that a module imports, and every text that may be one."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        # perhaps for another Python: then whatever looks like a dotted name counts, relative ones from here upwards
        words = re.findall(r"[.\w]+", source.decode("utf-8", "replace"))
        yield from (base + word.strip(".") for word in words for base in _parents(path))
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(path, node.level, node.module)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 200:
            yield from (base + node.value.strip(".") for base in _parents(path))


def _absolute(path: str, level: int, module: str | None) -> str:
    if not level:
        return module or ""
    folder = path.split("/")[:-1]
    base = folder[: len(folder) - level + 1]
    return ".".join([*base, *([module] if module else [])])


def _parents(path: str) -> Iterator[str]:
    parts = path.split("/")[:-1]
    for length in range(len(parts) + 1):
        yield "".join(part + "." for part in parts[:length])
