"""What wins and what is hidden: distributions, modules and files, among the code, the layers and the runtime's SDK."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from layerctl.check.model import Issue
from layerctl.check.overlay import Root, module_conflicts, overwritten, parts_of, roots_of
from layerctl.check.rules.bytecode import check_bytecode
from layerctl.core.diagnostics import Severity
from layerctl.core.text import some

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from layerctl.check.model import Function
    from layerctl.check.overlay import Part
    from layerctl.python.distributions import Distribution

__all__ = ["Installed", "check_shadowing", "installed_distributions"]


class Installed:
    """A distribution on the path of a function, and the part that it comes from."""

    def __init__(self, part: Part, distribution: Distribution, order: tuple[int, int]) -> None:
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


def installed_distributions(function: Function, parts: Iterable[Part]) -> dict[str, list[Installed]]:
    """Every distribution that lies on the function's path, by name, the one that wins first."""
    assert function.runtime is not None
    found: dict[str, list[Installed]] = defaultdict(list)
    roots = [root.prefix for root in roots_of(function, ())]
    for part in parts:
        for distribution in part.content.distributions:
            rank = 0 if part.is_code and not distribution.root else None
            if not part.is_code and distribution.root in roots[1:]:
                rank = 1 + roots[1:].index(distribution.root)
            if rank is not None:  # elsewhere (vendored copies) nothing is imported from it by its name
                found[distribution.name].append(Installed(part, distribution, (rank, -part.index)))
    for same in found.values():
        same.sort(key=lambda installed: installed.order)
    return dict(found)


def check_shadowing(function: Function) -> Iterator[Issue]:
    """Tell what hides what. For another language than Python these are the files that layers overwrite."""
    parts = parts_of(function)
    if function.runtime is None or function.runtime.python is None:
        yield from _files(parts, explained=set())
        return
    installed = installed_distributions(function, parts)
    explained_files: set[tuple[str, int]] = set()
    explained_modules: set[str] = set()
    for same in installed.values():
        if len(same) > 1:
            yield from _versions(same)
            for one in same:
                explained_files |= {(path, one.part.index) for path in one.distribution.files}
                explained_modules |= one.modules
    yield from _duplicates(installed.values())
    yield from _files(parts, explained_files)
    yield from _modules(roots_of(function, parts), explained_modules)
    yield from check_bytecode(function, parts)


def _versions(same: list[Installed]) -> Iterator[Issue]:
    """Other versions of a distribution than the one that wins."""
    winner = same[0]
    for hidden in same[1:]:
        if winner.distribution.version == hidden.distribution.version:
            continue
        mixed = winner.part is hidden.part or winner.order[0] == hidden.order[0]
        how = (
            "their files lie over each other in one folder, and what only the older one has stays importable"
            if mixed
            else f"{winner.part.label} comes first on sys.path"
        )
        yield Issue(
            "distribution-versions",
            max(winner.part.place, hidden.part.place),
            f"{winner.distribution} of {winner.part.label} wins over {hidden.distribution.version} of "
            f"{hidden.part.label}: {how}",
            f"keep {winner.distribution.name} in one place, or the same version in both",
            Severity.ERROR if mixed else Severity.WARNING,
        )


def _duplicates(installed: Iterable[list[Installed]]) -> Iterator[Issue]:
    """The same versions in two parts: one issue for each two parts that share some, unless they are one layer twice."""
    shared: dict[tuple[int, int], list[tuple[Installed, Installed]]] = defaultdict(list)
    for same in installed:
        winner = same[0]
        for hidden in same[1:]:
            if hidden.part is not winner.part and hidden.distribution.version == winner.distribution.version:
                shared[winner.part.index, hidden.part.index].append((winner, hidden))
    for pairs in shared.values():
        winner, hidden = pairs[0]
        if winner.part.content.entries.keys() == hidden.part.content.entries.keys():
            continue  # the same layer twice, which is a finding of its own
        bytes_lost = sum(
            other.part.content.entries[path].size for _, other in pairs for path in other.distribution.files
        )
        yield Issue(
            "distribution-duplicate",
            max(winner.part.place, hidden.part.place),
            f"{some(str(one.distribution) for one, _ in pairs)} of {winner.part.label} wins, and {hidden.part.label} "
            f"has the same ({bytes_lost:,} bytes that nothing uses)",
            "leave it out of one of the two",
            Severity.NOTE,
        )


def _files(parts: list[Part], explained: set[tuple[str, int]]) -> Iterator[Issue]:
    groups: dict[tuple[int, int], list[str]] = defaultdict(list)
    by_index = {part.index: part for part in parts}
    for path, loser, winner in overwritten(parts):
        if ".dist-info/" in path or (path, loser.index) in explained or (path, winner.index) in explained:
            continue
        groups[winner.index, loser.index].append(path)
    for (winning, losing), paths in sorted(groups.items()):
        winner, loser = by_index[winning], by_index[losing]
        yield Issue(
            "file-shadowed",
            winner.place,
            f"{winner.label} overwrites {some(f'/opt/{path}' for path in paths)} of {loser.label} with other content",
            "change the order of the layers, or give the files names of their own",
            Severity.WARNING,
        )


def _modules(roots: list[Root], explained: set[str]) -> Iterator[Issue]:
    groups: dict[tuple[str, str, str], list[tuple[str, Part, Part]]] = defaultdict(list)
    for name, winner, loser in module_conflicts(roots):
        if name in explained:
            continue
        winning, losing = _holder(winner, name), _holder(loser, name)
        if winning is not None and losing is not None and not _equal(name, winner, loser):
            groups[winner.prefix, winning.label, losing.label].append((name, winning, losing))
    for hidden in groups.values():
        _, winning, losing = hidden[0]
        names = some(name for name, _, _ in hidden)
        yield Issue(
            "module-shadowed",
            losing.place if winning.is_code else winning.place,
            f"{names} of {winning.label} {'hides' if len(hidden) == 1 else 'hide'} what {losing.label} has "
            f"under the same name: {winning.path('').rstrip('/')} comes first on sys.path",
            "rename one of them, or leave out the one that is not meant",
            Severity.WARNING,
        )


def _members(root: Root, name: str) -> dict[str, Part]:
    """The files of a module or package below a root."""
    base = name.replace(".", "/")
    return {
        path: part
        for path, part in root.files.items()
        if (path.startswith((f"{base}/", f"{base}.")) and not path.endswith(".pyc"))
    }


def _holder(root: Root, name: str) -> Part | None:
    members = _members(root, name)
    first = min(members, default=None)
    return members[first] if first is not None else None


def _equal(name: str, winner: Root, loser: Root) -> bool:
    ours, theirs = _members(winner, name), _members(loser, name)
    return ours.keys() == theirs.keys() and all(
        ours[path].content.same(winner.prefix + path, theirs[path].content, loser.prefix + path) for path in ours
    )
