"""How Lambda lays layers over each other, and where Python then looks for modules.

Source: AWS Lambda developer guide, "Layers": layers are unpacked into /opt in the function's order, so that a later
one overwrites files of an earlier one; "Python layers": /opt/python and its `lib/pythonX.Y/site-packages` are on the
path. /var/task comes first, the runtime's own packages come last.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from layerctl.core.runtimes import import_roots

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from layerctl.check.model import CheckedFunction, Content
    from layerctl.python.distributions import Distribution
    from layerctl.templates.model import Place

__all__ = [
    "CodePart",
    "PresentDistribution",
    "Root",
    "installed_distributions",
    "module_conflicts",
    "overwritten",
    "parts_of",
    "roots_of",
]

_CACHED = re.compile(r"(^|/)__pycache__/[^/]+\.pyc$")


@dataclass(frozen=True, slots=True)
class CodePart:
    """One source of files of a function: its code or one of its layers.

    Attributes:
        index: 0 for the code, from 1 on the layers in order; a higher one overwrites a lower one in /opt.
    """

    index: int
    label: str
    place: Place
    content: Content

    @property
    def is_code(self) -> bool:
        """Whether it goes to /var/task."""
        return self.index == 0

    def path(self, path: str) -> str:
        """Where a file of this part lies in Lambda."""
        return f"/var/task/{path}" if self.is_code else f"/opt/{path}"


@dataclass(frozen=True, slots=True)
class Root:
    """A folder on `sys.path`, with the part that each of its files comes from in the end.

    Attributes:
        prefix: the folder within the parts, with a slash at the end, or empty.
        files: path below the root -> the part that wins.
    """

    prefix: str
    files: Mapping[str, CodePart]


def parts_of(function: CheckedFunction) -> list[CodePart]:
    """The code and the layers whose content is known."""
    parts = []
    if function.code is not None:
        parts.append(CodePart(0, "the function's code", function.declared.code.place, function.code))
    for index, layer in enumerate(function.layers, start=1):
        if layer.content is not None:
            parts.append(CodePart(index, layer.label, layer.place, layer.content))
    return parts


def roots_of(function: CheckedFunction, parts: Iterable[CodePart]) -> list[Root]:
    """The folders on `sys.path` before the runtime's own, in order. The runtime must be a known Python."""
    assert function.runtime is not None
    code = [part for part in parts if part.is_code]
    layers = [part for part in parts if not part.is_code]
    roots = [Root("", {path: part for part in code for path in part.content.entries})]
    merged = {path: part for part in layers for path in part.content.entries}
    for prefix in import_roots(function.runtime):
        inside = {path[len(prefix) :]: part for path, part in merged.items() if path.startswith(prefix)}
        roots.append(Root(prefix, inside))
    return roots


class PresentDistribution:
    """A distribution on the path of a function, and the part that it comes from."""

    def __init__(self, part: CodePart, distribution: Distribution, order: tuple[int, int]) -> None:
        self.part = part
        self.distribution = distribution
        self.order = order  # sorts before what it hides

    @property
    def modules(self) -> frozenset[str]:
        """The dotted names, as far as they can collide, that its files make importable."""
        root = len(self.distribution.root)
        names: set[str] = set()
        for path in self.distribution.files:
            parts = path[root:].split("/")
            if ".dist-info" not in parts[0] and ".egg-info" not in parts[0]:
                names.update(".".join(parts[:depth]).partition(".py")[0] for depth in range(1, len(parts) + 1))
        return frozenset(names)


def installed_distributions(
    function: CheckedFunction, parts: Iterable[CodePart]
) -> dict[str, list[PresentDistribution]]:
    """Every distribution that lies on the function's path, by name, the one that wins first."""
    assert function.runtime is not None
    found: dict[str, list[PresentDistribution]] = defaultdict(list)
    roots = [root.prefix for root in roots_of(function, ())]
    for part in parts:
        for distribution in part.content.distributions:
            rank = 0 if part.is_code and not distribution.root else None
            if not part.is_code and distribution.root in roots[1:]:
                rank = 1 + roots[1:].index(distribution.root)
            if rank is not None:  # elsewhere (vendored copies) nothing is imported from it by its name
                found[distribution.name].append(PresentDistribution(part, distribution, (rank, -part.index)))
    for same in found.values():
        same.sort(key=lambda installed: installed.order)
    return dict(found)


def overwritten(parts: Iterable[CodePart]) -> Iterator[tuple[str, CodePart, CodePart]]:
    """Every file of a layer that a later layer overwrites with other bytes: path, the part that loses, that wins.

    Bytecode caches follow their sources and are judged apart.
    """
    held: dict[str, list[CodePart]] = {}
    for part in parts:
        if not part.is_code:
            for path in part.content.entries:
                if not _CACHED.search(path):
                    held.setdefault(path, []).append(part)
    for path, by in held.items():
        winner = by[-1]
        for loser in by[:-1]:
            if not loser.content.same(path, winner.content):
                yield path, loser, winner


def module_conflicts(roots: Iterable[Root]) -> Iterator[tuple[str, Root, Root]]:
    """Every module of a root that one of an earlier root hides: dotted name, the root that wins, that loses.

    The import system takes the first regular package or module of a name; folders without `__init__` (namespace
    packages, PEP 420) are joined unless there is one.
    """
    trees = [(root, _Tree.of(root.files)) for root in roots]
    yield from _conflicts("", trees)


@dataclass(slots=True)
class _Tree:
    """What a folder offers to import: names of regular packages and modules, and plain folders to descend into."""

    regular: set[str]
    folders: dict[str, _Tree]

    @classmethod
    def of(cls, paths: Iterable[str]) -> _Tree:
        root = cls(set(), {})
        for path in paths:
            parts = path.split("/")
            if not parts[-1].endswith((".py", ".so", ".pyc", ".pyd")) or "__pycache__" in parts:
                continue
            if not all(part.isidentifier() for part in parts[:-1]):
                continue
            root._add(parts)
        return root

    def _add(self, parts: list[str]) -> None:
        here = self
        for folder in parts[:-1]:
            here = here.folders.setdefault(folder, _Tree(set(), {}))
        stem = parts[-1].partition(".")[0]
        if stem.isidentifier():
            here.regular.add(stem)

    @property
    def is_package(self) -> bool:
        return "__init__" in self.regular


def _conflicts(prefix: str, trees: list[tuple[Root, _Tree]]) -> Iterator[tuple[str, Root, Root]]:
    names: dict[str, list[tuple[Root, _Tree]]] = {}
    for root, tree in trees:
        for name in sorted((tree.regular - {"__init__"}) | set(tree.folders)):
            names.setdefault(name, []).append((root, tree))
    for name, holders in names.items():
        if len(holders) < 2:
            continue
        winner = next((root for root, tree in holders if _is_regular(tree, name)), None)
        if winner is None:
            yield from _conflicts(f"{prefix}{name}.", [(root, tree.folders[name]) for root, tree in holders])
            continue
        for root, _ in holders:
            if root is not winner:
                yield f"{prefix}{name}", winner, root


def _is_regular(tree: _Tree, name: str) -> bool:
    return name in tree.regular or (name in tree.folders and tree.folders[name].is_package)
