"""The manifest of a finished content root."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from layerctl.build.lock import read_lock
from layerctl.build.manifest import (
    ExcludedPart,
    Manifest,
    ManifestDistribution,
    ManifestFile,
    ManifestRuntime,
    ZipFacts,
)
from layerctl.build.sources import source_facts
from layerctl.core.runtimes import runtime_of
from layerctl.python.distributions import read_distributions
from layerctl.python.requirements import dependency_graph

if TYPE_CHECKING:
    from layerctl.artifact import Artifact
    from layerctl.config import LayerConfig
    from layerctl.python.distributions import Distribution
    from layerctl.python.interpreters import Interpreter

__all__ = ["describe", "distributions_of", "owners"]


def distributions_of(content: Artifact) -> list[Distribution]:
    """The distributions in an artifact."""
    return read_distributions(
        (entry.path for entry in content.entries), lambda path: content.read(content.require(path))
    )


def owners(content: Artifact, distributions: list[Distribution]) -> dict[str, str]:
    """File -> name of the distribution it belongs to; bytecode belongs to its source's."""
    owned = {path: distribution.name for distribution in reversed(distributions) for path in distribution.files}
    for entry in content.entries:
        folder, _, name = entry.path.rpartition("/")
        if entry.path not in owned and folder.endswith("/__pycache__") and name.endswith(".pyc"):
            source = f"{folder.removesuffix('__pycache__')}{name.split('.', 1)[0]}.py"
            if source in owned:
                owned[entry.path] = owned[source]
    return owned


def describe(
    config: LayerConfig,
    content: Artifact,
    version: str,
    zip_path: Path,
    *,
    chosen: dict[str, Interpreter],
    left_out: dict[str, list[str]],
) -> Manifest:
    """Write down what was built.

    Args:
        config: the layer.
        version: its version.
        content: the content root.
        zip_path: its zip.
        chosen: runtime -> the interpreter that compiled its bytecode.
        left_out: pattern -> the files that it left out.
    """
    distributions = distributions_of(content)
    graph = dependency_graph(
        {distribution.name: distribution for distribution in distributions},
        [(found, arch) for name in config.runtimes if (found := runtime_of(name)) for arch in config.architectures],
    )
    hashes = {requirement.name: requirement.hashes for requirement in read_lock(config)}
    owned = owners(content, distributions)
    files = tuple(
        ManifestFile(
            entry.path, entry.size, content.sha256(entry), f"{entry.canonical_mode:04o}", owned.get(entry.path)
        )
        for entry in content.entries
    )
    data = zip_path.read_bytes()
    digest = hashlib.sha256(data)
    return Manifest(
        name=config.name,
        version=version,
        description=config.description,
        licence=config.licence,
        architectures=config.architectures,
        content_digest=content.content_digest(),
        zip=ZipFacts(zip_path.name, len(data), digest.hexdigest(), base64.b64encode(digest.digest()).decode()),
        unzipped_size=content.size,
        runtimes=tuple(
            _runtime(runtime, named, chosen.get(runtime), files) for runtime, named in config.runtimes.items()
        ),
        distributions=tuple(
            _distribution(distribution, files, graph[distribution.name], hashes.get(distribution.name, ()))
            for distribution in distributions
        ),
        source=source_facts(config),
        files=files,
        left_out=tuple(ExcludedPart(pattern, tuple(paths)) for pattern, paths in left_out.items()),
    )


def _runtime(
    runtime: str, named: str, interpreter: Interpreter | None, files: tuple[ManifestFile, ...]
) -> ManifestRuntime:
    if interpreter is None:
        return ManifestRuntime(runtime, named, None, 0)
    ending = f".{interpreter.tag}.pyc"
    return ManifestRuntime(runtime, named, interpreter.version, sum(file.path.endswith(ending) for file in files))


def _distribution(
    distribution: Distribution, files: tuple[ManifestFile, ...], depends_on: tuple[str, ...], locked: tuple[str, ...]
) -> ManifestDistribution:
    own = [file for file in files if file.distribution == distribution.name]
    requires = sorted({str(requirement) for requirement in distribution.requires})
    return ManifestDistribution(
        name=distribution.name,
        version=distribution.version,
        licence=distribution.licence,
        files=len(own),
        size=sum(file.size for file in own),
        requires=tuple(requires),
        depends_on=depends_on,
        locked=locked,
    )
