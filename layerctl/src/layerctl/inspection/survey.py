"""Counts what an artifact holds: distributions, sizes, kinds of files, bytecode by runtime, licences."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from layerctl.core.runtimes import MAX_UNZIPPED, MAX_UPLOAD
from layerctl.python.distributions import read_distributions
from layerctl.python.elf import is_shared_object
from layerctl.python.licenses import spdx_expression

if TYPE_CHECKING:
    from collections.abc import Iterable

    from layerctl.artifact import Artifact
    from layerctl.config import LayerConfig
    from layerctl.python.distributions import Distribution

__all__ = ["KINDS", "Coverage", "DistributionSize", "Survey", "owners_of", "survey"]

# What files are, in the order of the legend.
KINDS = ("source", "bytecode", "compiled", "metadata", "other")
_CACHED = re.compile(r"(?P<folder>.*/)?__pycache__/(?P<stem>[^/]+)\.cpython-(?P<tag>\d+)\.pyc")
UNOWNED = "(no distribution)"


@dataclass(frozen=True, slots=True)
class DistributionSize:
    """One distribution of the layer.

    Attributes:
        files, size: how many files belong to it, and their unzipped bytes, bytecode included.
        share: of all unzipped bytes, 0 to 1.
        of_budget: of the unzipped bytes that are allowed: the layer's own budget, else Lambda's limit.
        kinds: bytes by kind of file, see `KINDS`.
        modules: how many sources it has; `compiled` says how many of them have bytecode, by runtime.
    """

    name: str
    version: str
    licence: str
    files: int
    size: int
    share: float
    of_budget: float
    kinds: dict[str, int]
    modules: int
    compiled: dict[str, int]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Bytecode for one runtime: how many of the sources start with it, and how many could not (stale by their kind)."""

    runtime: str
    compiled: int
    stale: int
    modules: int
    size: int

    @property
    def share(self) -> float:
        """Of the sources, 0 to 1."""
        return self.compiled / self.modules if self.modules else 0.0


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything that was counted.

    Attributes:
        name, version: of the manifest beside the zip, else of the file's name.
        digest: the content digest, ``sha256:…``.
        zipped: bytes; None for a folder.
        budgets: what a size is held against: (label, bytes used, bytes allowed).
        sizes: path -> unzipped bytes.
        owners: path -> name of its distribution.
    """

    name: str
    version: str
    digest: str
    unzipped: int
    zipped: int | None
    files: int
    parts: tuple[DistributionSize, ...]
    coverage: tuple[Coverage, ...]
    kinds: dict[str, int]
    budgets: tuple[tuple[str, int, int], ...]
    sizes: dict[str, int] = field(repr=False)
    owners: dict[str, str] = field(repr=False)


def survey(artifact: Artifact, config: LayerConfig | None = None) -> Survey:
    """Count what is in an artifact.

    Args:
        artifact: a layer's zip or folder.
        config: its layer.toml, for budgets and runtimes; without it only Lambda's own limits are shown.

    Raises:
        ArtifactError: its data is damaged.
    """
    sizes = {entry.path: entry.size for entry in artifact.entries}
    owners = owners_of(artifact)
    kinds = {path: kind_of(path) for path in sizes}
    found = {(distribution.name, distribution.version): distribution for distribution in _distributions(artifact)}
    versions: dict[str, list[str]] = defaultdict(list)
    for name, version in sorted(found):
        versions[name].append(version)
    licences = {
        name: spdx_expression(distribution.licence) or distribution.licence for (name, _), distribution in found.items()
    }
    compiled, stale = _compiled(artifact)
    runtimes = sorted(set(compiled) | set(stale) | set(config.runtimes if config is not None else ()), key=_runtime_key)
    modules = [path for path, kind in kinds.items() if kind == "source"]
    total = sum(sizes.values())
    by_owner: dict[str, list[str]] = defaultdict(list)
    for path in sizes:
        by_owner[owners.get(path, UNOWNED)].append(path)
    budgets = _budgets(total, artifact.zipped_size, config.budgets(sizes) if config is not None else None)
    parts = []
    for name, paths in by_owner.items():
        size = sum(sizes[path] for path in paths)
        own_modules = [path for path in paths if kinds[path] == "source"]
        parts.append(
            DistributionSize(
                name,
                ", ".join(versions.get(name, ())),
                licences.get(name, ""),
                len(paths),
                size,
                size / total if total else 0.0,
                size / budgets[0][2] if budgets[0][2] else 0.0,
                _count(paths, kinds, sizes),
                len(own_modules),
                {runtime: len(compiled.get(runtime, set()) & set(own_modules)) for runtime in runtimes},
            )
        )
    name, version = _identity(artifact)
    return Survey(
        name=name,
        version=version,
        digest=artifact.content_digest(),
        unzipped=total,
        zipped=artifact.zipped_size,
        files=len(sizes),
        parts=tuple(sorted(parts, key=lambda part: (-part.size, part.name))),
        coverage=tuple(
            Coverage(
                runtime,
                len(compiled.get(runtime, set()) & set(modules)),
                len(stale.get(runtime, set())),
                len(modules),
                sum(sizes[path] for path in sizes if _tag_runtime(path) == runtime),
            )
            for runtime in runtimes
        ),
        kinds=_count(sizes, kinds, sizes),
        budgets=budgets,
        sizes=sizes,
        owners={path: owners.get(path, UNOWNED) for path in sizes},
    )


def owners_of(artifact: Artifact) -> dict[str, str]:
    """Path -> the distribution that its RECORD claims it for; bytecode belongs where its source does."""
    owners: dict[str, str] = {}
    for distribution in _distributions(artifact):
        for path in distribution.files:
            owners[path] = distribution.name
    for entry in artifact.entries:
        match = _CACHED.fullmatch(entry.path)
        if match is not None and entry.path not in owners:
            source = f"{match['folder'] or ''}{match['stem']}.py"
            if source in owners:
                owners[entry.path] = owners[source]
    return owners


def kind_of(path: str) -> str:
    """One of `KINDS`."""
    if ".dist-info/" in path or ".egg-info/" in path:
        return "metadata"
    if path.endswith(".pyc"):
        return "bytecode"
    if path.endswith((".py", ".pyi")):
        return "source" if path.endswith(".py") else "other"
    return "compiled" if is_shared_object(path) else "other"


def _distributions(artifact: Artifact) -> list[Distribution]:
    def read(path: str) -> bytes:
        entry = artifact.get(path)
        assert entry is not None
        return artifact.read(entry)

    return read_distributions((entry.path for entry in artifact.entries), read)


def _compiled(artifact: Artifact) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Runtime -> the sources with bytecode that Python will use there, and those whose bytecode it will not.

    A .pyc that is checked by its source's time is never valid in a layer: zips don't keep the time (PEP 552).
    """
    fresh: dict[str, set[str]] = defaultdict(set)
    stale: dict[str, set[str]] = defaultdict(set)
    for entry in artifact.entries:
        match = _CACHED.fullmatch(entry.path)
        if match is None:
            continue
        with artifact.open(entry) as stream:
            by_hash = stream.read(8)[4:8] in {b"\x01\0\0\0", b"\x03\0\0\0"}
        source = f"{match['folder'] or ''}{match['stem']}.py"
        (fresh if by_hash else stale)[_runtime(match["tag"])].add(source)
    return fresh, stale


def _runtime(tag: str) -> str:
    return f"python{tag[0]}.{tag[1:]}"


def _tag_runtime(path: str) -> str | None:
    match = _CACHED.fullmatch(path)
    return _runtime(match["tag"]) if match else None


def _runtime_key(runtime: str) -> tuple[int, ...]:
    return tuple(int(part) for part in runtime.removeprefix("python").split("."))


def _count(paths: Iterable[str], kinds: dict[str, str], sizes: dict[str, int]) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for path in paths:
        counted[kinds[path]] += sizes[path]
    return {kind: counted[kind] for kind in KINDS if counted[kind]}


def _identity(artifact: Artifact) -> tuple[str, str]:
    from layerctl.build.manifest import Manifest, manifest_path
    from layerctl.core.errors import LayerctlError

    if artifact.path.is_file():
        beside = manifest_path(artifact.path)
        if beside.is_file():
            try:
                manifest = Manifest.load(beside)
            except LayerctlError:
                pass  # verify says what is wrong with it
            else:
                return manifest.name, manifest.version
    stem = artifact.path.resolve().stem if artifact.path.is_file() else artifact.path.resolve().name
    match = re.fullmatch(r"(?P<name>.+?)-(?P<version>\d[\w.+!]*)", stem)
    return (match["name"], match["version"]) if match else (stem, "")


def _budgets(unzipped: int, zipped: int | None, own: tuple[int, int] | None) -> tuple[tuple[str, int, int], ...]:
    budgets = []
    if own is not None:
        budgets.append(("own budget, unzipped", unzipped, own[1]))
        if zipped is not None:
            budgets.append(("own budget, zipped", zipped, own[0]))
    budgets.append(("Lambda's limit for code and layers, unzipped", unzipped, MAX_UNZIPPED))
    if zipped is not None:
        budgets.append(("Lambda's limit for a direct upload, zipped", zipped, MAX_UPLOAD))
    return tuple(budgets)
