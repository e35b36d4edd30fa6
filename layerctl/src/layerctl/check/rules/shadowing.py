"""What wins and what is hidden: distributions, modules and files, among the code, the layers and the runtime's SDK."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from layerctl.check.overlay import module_conflicts, overwritten
from layerctl.core.diagnostics import Severity
from layerctl.core.text import some
from layerctl.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from layerctl.check.case import FunctionCase
    from layerctl.check.overlay import CodePart, PresentDistribution, Root
    from layerctl.core.diagnostics import Finding

__all__ = ["check_shadowing"]

DISTRIBUTION_VERSIONS = Rule(
    id="distribution-versions",
    commands=("check",),
    summary="Each distribution is there in one version.",
    looks_at="Every distribution on the path of the function, and which one Python finds first. An error where the "
    "files of two versions lie over each other, a warning where one hides the other.",
    example="attrs 21.4 in one layer and attrs 24.2 in another.",
    fix="Keep it in one place, or the same version in both.",
)
DISTRIBUTION_DUPLICATE = Rule(
    id="distribution-duplicate",
    commands=("check",),
    summary="Each distribution is there once.",
    looks_at="Every distribution on the path of the function.",
    example="urllib3 2.2.3 in the layer and in the function's code: space that nothing uses.",
    fix="Leave it out of one of the two.",
    severity=Severity.NOTE,
)
FILE_SHADOWED = Rule(
    id="file-shadowed",
    commands=("check",),
    summary="No layer overwrites files of an earlier one with other content.",
    looks_at="The files of all layers in the order in which Lambda unpacks them into /opt.",
    example="Two layers that both bring `python/config/__init__.py`.",
    fix="Change the order of the layers, or give the files names of their own.",
    severity=Severity.WARNING,
)
MODULE_SHADOWED = Rule(
    id="module-shadowed",
    commands=("check",),
    summary="No module hides another one of the same name.",
    looks_at="What can be imported from /var/task and from the layers, namespace packages joined as Python joins them.",
    example="`logging_setup/` in the function's code and in a layer.",
    fix="Rename one of them, or leave out the one that is not meant.",
    severity=Severity.WARNING,
)


def check_shadowing(case: FunctionCase) -> Iterator[Finding]:
    """Tell what hides what. For another language than Python these are the files that layers overwrite."""
    if not case.is_python:
        yield from _files(case.parts, explained=set())
        return
    explained_files: set[tuple[str, int]] = set()
    explained_modules: set[str] = set()
    for same in case.installed.values():
        if len(same) > 1:
            yield from _versions(same)
            for installed in same:
                explained_files |= {(path, installed.part.index) for path in installed.distribution.files}
                explained_modules |= installed.modules
    yield from _duplicates(case.installed.values())
    yield from _files(case.parts, explained_files)
    yield from _modules(case.roots, explained_modules)


def _versions(same: list[PresentDistribution]) -> Iterator[Finding]:
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
        yield DISTRIBUTION_VERSIONS.at(
            max(winner.part.place, hidden.part.place),
            f"{winner.distribution} of {winner.part.label} wins over {hidden.distribution.version} of "
            f"{hidden.part.label}: {how}",
            f"keep {winner.distribution.name} in one place, or the same version in both",
            Severity.ERROR if mixed else Severity.WARNING,
        )


def _duplicates(installed: Iterable[list[PresentDistribution]]) -> Iterator[Finding]:
    """The same versions in two parts: one issue for each two parts that share some, unless they are one layer twice."""
    shared: dict[tuple[int, int], list[tuple[PresentDistribution, PresentDistribution]]] = defaultdict(list)
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
        yield DISTRIBUTION_DUPLICATE.at(
            max(winner.part.place, hidden.part.place),
            f"{some(str(won.distribution) for won, _ in pairs)} of {winner.part.label} wins, and {hidden.part.label} "
            f"has the same ({bytes_lost:,} bytes that nothing uses)",
            "leave it out of one of the two",
            Severity.NOTE,
        )


def _files(parts: list[CodePart], explained: set[tuple[str, int]]) -> Iterator[Finding]:
    groups: dict[tuple[int, int], list[str]] = defaultdict(list)
    by_index = {part.index: part for part in parts}
    for path, loser, winner in overwritten(parts):
        if ".dist-info/" in path or (path, loser.index) in explained or (path, winner.index) in explained:
            continue
        groups[winner.index, loser.index].append(path)
    for (winning, losing), paths in sorted(groups.items()):
        winner, loser = by_index[winning], by_index[losing]
        yield FILE_SHADOWED.at(
            winner.place,
            f"{winner.label} overwrites {some(f'/opt/{path}' for path in paths)} of {loser.label} with other content",
            "change the order of the layers, or give the files names of their own",
            Severity.WARNING,
        )


def _modules(roots: list[Root], explained: set[str]) -> Iterator[Finding]:
    groups: dict[tuple[str, str, str], list[tuple[str, CodePart, CodePart]]] = defaultdict(list)
    for name, winner, loser in module_conflicts(roots):
        if name in explained:
            continue
        winning, losing = _holder(winner, name), _holder(loser, name)
        if winning is not None and losing is not None and not _equal(name, winner, loser):
            groups[winner.prefix, winning.label, losing.label].append((name, winning, losing))
    for hidden in groups.values():
        _, winning, losing = hidden[0]
        names = some(name for name, _, _ in hidden)
        yield MODULE_SHADOWED.at(
            losing.place if winning.is_code else winning.place,
            f"{names} of {winning.label} {'hides' if len(hidden) == 1 else 'hide'} what {losing.label} has "
            f"under the same name: {winning.path('').rstrip('/')} comes first on sys.path",
            "rename one of them, or leave out the one that is not meant",
            Severity.WARNING,
        )


def _members(root: Root, name: str) -> dict[str, CodePart]:
    """The files of a module or package below a root."""
    base = name.replace(".", "/")
    return {
        path: part
        for path, part in root.files.items()
        if (path.startswith((f"{base}/", f"{base}.")) and not path.endswith(".pyc"))
    }


def _holder(root: Root, name: str) -> CodePart | None:
    members = _members(root, name)
    first = min(members, default=None)
    return members[first] if first is not None else None


def _equal(name: str, winner: Root, loser: Root) -> bool:
    ours, theirs = _members(winner, name), _members(loser, name)
    return ours.keys() == theirs.keys() and all(
        ours[path].content.same(winner.prefix + path, theirs[path].content, loser.prefix + path) for path in ours
    )
