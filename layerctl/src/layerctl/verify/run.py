"""All rules on one artifact."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from layerctl.artifact import ArtifactError, open_artifact
from layerctl.build.manifest import Manifest, manifest_path
from layerctl.core.diagnostics import Finding
from layerctl.python.distributions import read_distributions
from layerctl.verify.case import Context, Options
from layerctl.verify.rules.bytecode import check_bytecode
from layerctl.verify.rules.container import check_layout, check_modes, check_problems, check_sizes, problem_finding
from layerctl.verify.rules.content import MAX_TEXT, check_content
from layerctl.verify.rules.elf import check_elf
from layerctl.verify.rules.imports import check_imports
from layerctl.verify.rules.manifest import check_manifest
from layerctl.verify.rules.metadata import (
    check_dependencies,
    check_duplicates,
    check_licences,
    check_records,
    check_sdk,
)
from layerctl.verify.rules.rebuild import check_rebuild

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from layerctl.artifact import Artifact
    from layerctl.config import LayerConfig
    from layerctl.python.distributions import Distribution

__all__ = ["verify"]

_IMPORT_ROOT = re.compile(r"python/(?:lib/python3\.\d+/site-packages/)?")

# check_content comes first: it finds out which files can be read at all.
_READING = (
    check_problems,
    check_content,
    check_layout,
    check_modes,
    check_sizes,
    check_manifest,
    check_records,
    check_dependencies,
    check_duplicates,
    check_sdk,
    check_licences,
    check_bytecode,
    check_elf,
)


def verify(
    path: Path,
    config: LayerConfig | None = None,
    options: Options | None = None,
    *,
    manifest: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Finding]:
    """Check an artifact by every rule of `RULES`.

    Args:
        path: a layer's zip, or the folder that holds ``python/``.
        config: the layer.toml to judge by.
        options: what to do besides reading.
        manifest: default: the one beside the zip, if it is there.
        progress: told bytes done and bytes in all.

    Returns:
        what was found, by path; empty when all is well.

    Raises:
        LayerctlError: `path` does not exist, the manifest is none, or a rebuild is not possible.
    """
    options = options or Options()
    beside = manifest or (manifest_path(path) if path.suffix == ".zip" else None)
    known = Manifest.load(beside) if beside and (manifest or beside.exists()) else None
    try:
        with open_artifact(path, strict=False) as artifact:
            return _check(artifact, config, options, known, progress)
    except ArtifactError as error:
        if not path.exists():
            raise
        if error.problem is not None:
            return [problem_finding(error.problem, path.name)]
        return [Finding("archive-damaged", path.name, error.what, error.remedy or "build or download it anew")]


def _check(
    artifact: Artifact,
    config: LayerConfig | None,
    options: Options,
    manifest: Manifest | None,
    progress: Callable[[int, int], None],
) -> list[Finding]:
    done = 0

    def advance(size: int) -> None:
        nonlocal done
        done += size
        progress(done, artifact.size)

    context = Context(artifact, _distributions(artifact), config, manifest, advance=advance)
    found: list[Finding] = []
    for rule in _READING:
        found += rule(context)
    if options.imports:
        found += check_imports(context)
    if options.rebuild:
        found += check_rebuild(context)
    return _sorted(found)


def _sorted(found: Iterable[Finding]) -> list[Finding]:
    return sorted(dict.fromkeys(found), key=lambda one: (one.path, one.rule, one.message))


def _distributions(artifact: Artifact) -> list[Distribution]:
    """What is installed where modules are imported from; what a package vendors inside of itself is its own affair."""

    def read(path: str) -> bytes:
        entry = artifact.require(path)
        try:
            return artifact.read(entry) if entry.size <= MAX_TEXT else b""
        except ArtifactError:
            return b""  # check_content tells

    found = read_distributions((entry.path for entry in artifact.entries), read)
    return [one for one in found if _IMPORT_ROOT.fullmatch(one.root)]
