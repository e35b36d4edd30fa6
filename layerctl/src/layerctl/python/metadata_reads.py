"""Where code reads the metadata of installed distributions, and would fail if that was pruned away.

`importlib.metadata` finds distributions and entry points by the ``*.dist-info`` folders beside the modules (PyPA,
"Recording installed projects" and "Entry points specification"). People delete these to make a layer smaller.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

__all__ = ["MARKS", "MetadataRead", "entry_point_groups", "metadata_reads", "unmet_reads"]

MARKS = (b"importlib.metadata", b"importlib_metadata", b"pkg_resources", b"importlib import metadata")
_BY_NAME = {"version", "distribution", "metadata", "requires", "files", "get_distribution"}
_GROUP = re.compile(r"^\[\s*([^\]\s]+)\s*\]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class MetadataRead:
    """A call that raises where it finds nothing.

    Attributes:
        line: from 1.
        distribution: the name that is asked for; empty where an entry point is.
        group: the group of entry points that is asked for.
        at_import: whether it happens at every import of the module, as far as the module shows.
    """

    line: int
    distribution: str = ""
    group: str = ""
    at_import: bool = False


def metadata_reads(source: bytes, package: str) -> list[MetadataRead]:
    """Find the calls that no ``try`` guards; none in what is no Python.

    Args:
        source: of a module.
        package: the top-level package that it belongs to: what ``__package__`` and ``__name__`` stand for.
    """
    if not any(mark in source for mark in MARKS):
        return []
    finder = _ReadFinder(package)
    try:
        with warnings.catch_warnings(action="ignore"):  # the source's own, e.g. of an invalid escape
            finder.visit(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return finder.reads()


def entry_point_groups(texts: Iterable[str]) -> set[str]:
    """Return the groups that ``entry_points.txt`` files define."""
    return {group for text in texts for group in _GROUP.findall(text)}


def unmet_reads(
    paths: Iterable[str], reads_of: Callable[[str], list[MetadataRead]], have: Collection[str], groups: Collection[str]
) -> Iterator[tuple[str, MetadataRead, str]]:
    """Return the calls that would find nothing: the module's path, the call, and what it asks for in words.

    Args:
        paths: of modules.
        reads_of: the calls in a module.
        have: canonical names of the distributions whose metadata is there.
        groups: of the entry points that are there.
    """
    for path in paths:
        for read in reads_of(path):
            if read.distribution and canonicalize_name(read.distribution) not in have:
                yield path, read, f"the metadata of {read.distribution}"
            elif read.group and read.group not in groups:
                yield path, read, f"an entry point of {read.group}"


class _ReadFinder(ast.NodeVisitor):
    """Collects calls; knows whether a ``try`` or a function is around, and which functions the module itself calls."""

    def __init__(self, package: str) -> None:
        self._package = package
        self._found: list[tuple[MetadataRead, str | None]] = []
        self._called: set[str] = set()
        self._functions: list[str] = []
        self._guarded = False
        self._conditional = False

    def reads(self) -> list[MetadataRead]:
        """The calls; a function that the module calls at its top level counts as happening at import."""
        return [
            MetadataRead(read.line, read.distribution, read.group, function is None or function in self._called)
            for read, function in self._found
        ]

    def visit_Try(self, node: ast.Try) -> None:
        passes = any(not _raises(handler) for handler in node.handlers)
        before, self._guarded = self._guarded, self._guarded or passes
        for child in node.body:
            self.visit(child)
        self._guarded = before
        for other in (*node.handlers, *node.orelse, *node.finalbody):
            self.visit(other)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        before, self._conditional = self._conditional, False
        self._functions.append(node.name)
        for statement in node.body:
            self.visit(statement)
            # What comes after an early return need not be reached.
            if isinstance(statement, ast.If) and any(isinstance(inner, ast.Return) for inner in ast.walk(statement)):
                self._conditional = True
        self._functions.pop()
        self._conditional = before

    def visit_If(self, node: ast.If) -> None:
        before, self._conditional = self._conditional, True
        self.generic_visit(node)
        self._conditional = before

    def visit_Call(self, node: ast.Call) -> None:
        name = _called_name(node)
        if not self._functions:
            self._called.add(name)
        read = self._by_name(node, name) or self._first_entry_point(node, name)
        if read is not None and not self._guarded:
            where = "" if self._conditional else self._functions[0] if self._functions else None
            self._found.append((read, where))
        self.generic_visit(node)

    def _by_name(self, node: ast.Call, name: str) -> MetadataRead | None:
        if name not in _BY_NAME or len(node.args) != 1 or node.keywords:
            return None
        match node.args[0]:
            case ast.Constant(value=str(asked)) if re.fullmatch(r"[A-Za-z0-9][\w.-]*", asked):
                return MetadataRead(node.lineno, distribution=asked)
            case ast.Name(id="__package__" | "__name__") if self._package:
                return MetadataRead(node.lineno, distribution=self._package)
        return None

    def _first_entry_point(self, node: ast.Call, name: str) -> MetadataRead | None:
        """``next(iter(entry_points(group=…)))`` raises StopIteration where there is none; a loop would not."""
        if name != "next" or len(node.args) != 1:
            return None
        for inner in ast.walk(node.args[0]):
            if isinstance(inner, ast.Call) and _called_name(inner) in {"entry_points", "iter_entry_points"}:
                given = [keyword.value for keyword in inner.keywords if keyword.arg == "group"] or inner.args[:1]
                if given and isinstance(given[0], ast.Constant) and isinstance(given[0].value, str):
                    return MetadataRead(node.lineno, group=given[0].value)
        return None


def _raises(handler: ast.ExceptHandler) -> bool:
    """Whether a handler ends in an exception itself: then it is no way on."""
    return isinstance(handler.body[-1], ast.Raise)


def _called_name(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
