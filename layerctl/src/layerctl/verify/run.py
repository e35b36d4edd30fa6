"""All rules on one artifact."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from layerctl.artifact import ArtifactError, open_artifact
from layerctl.build.manifest import Manifest, manifest_path
from layerctl.python.distributions import read_distributions
from layerctl.rules.registry import checks_in, rules_in
from layerctl.rules.suppressions import apply_suppressions, find_suppressions
from layerctl.verify.case import ArtifactCase, Options
from layerctl.verify.rules.archive import ARCHIVE_DAMAGED, problem_finding
from layerctl.verify.rules.content import MAX_TEXT, check_content

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

    from layerctl.artifact import Artifact
    from layerctl.config import LayerConfig
    from layerctl.core.diagnostics import Finding
    from layerctl.python.distributions import Distribution

__all__ = ["RULES", "verify"]

_IMPORT_ROOT = re.compile(r"python/(?:lib/python3\.\d+/site-packages/)?")
RULES = rules_in("layerctl.verify.rules", "layerctl.rules.suppressions")


def verify(
    path: Path,
    config: LayerConfig | None = None,
    options: Options | None = None,
    *,
    manifest: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    known: Callable[[], Collection[str]] = RULES.keys,
) -> list[Finding]:
    """Check an artifact by every rule of `RULES`.

    Args:
        path: a layer's zip, or the folder that holds ``python/``.
        config: the layer.toml to judge by.
        options: what to check, and what for.
        manifest: default: the one beside the zip, if it is there.
        progress: told bytes done and bytes in all.
        known: every rule there is, also of other commands, for the comments in the layer that name rules.

    Returns:
        what was found, by path; empty when all is well.

    Raises:
        LayerctlError: `path` does not exist, the manifest is none, or a rebuild is not possible.
    """
    options = options or Options()
    beside = manifest or (manifest_path(path) if path.suffix == ".zip" else None)
    loaded = Manifest.load(beside) if beside and (manifest or beside.exists()) else None
    try:
        with open_artifact(path, strict=False) as artifact:
            done = 0

            def advance(size: int) -> None:
                nonlocal done
                done += size
                progress(done, artifact.size)

            case = ArtifactCase(artifact, _distributions(artifact), config, loaded, options, advance=advance)
            found = _check(case, known)
    except ArtifactError as error:
        if not path.exists():
            raise
        if error.problem is not None:
            found = [problem_finding(error.problem, path.name)]
        else:
            found = [ARCHIVE_DAMAGED.finding(path.name, error.what, error.hint or "build or download it anew")]
    return [replace(finding, artifact=str(path)) for finding in _sorted(found)]


def _check(case: ArtifactCase, known: Callable[[], Collection[str]]) -> list[Finding]:
    # The content comes first: that tells which files can be read at all.
    checks = sorted(checks_in("layerctl.verify.rules"), key=lambda check: check is not check_content)
    found = [finding for check in checks for finding in check(case)]
    comments = [
        comment
        for path in sorted(case.commented - case.damaged)
        for comment in find_suppressions(
            path, case.artifact.read(case.artifact.require(path)).decode("utf-8", "replace")
        )
    ]
    return apply_suppressions(found, comments, applied=RULES, known=known)[0]


def _sorted(found: Iterable[Finding]) -> list[Finding]:
    return sorted(dict.fromkeys(found), key=lambda finding: (finding.path, finding.rule, finding.message))


def _distributions(artifact: Artifact) -> list[Distribution]:
    """What is installed where modules are imported from; what a package vendors inside of itself is its own affair."""
    found = read_distributions((entry.path for entry in artifact.entries), partial(_read, artifact))
    return [distribution for distribution in found if _IMPORT_ROOT.fullmatch(distribution.root)]


def _read(artifact: Artifact, path: str) -> bytes:
    entry = artifact.require(path)
    try:
        return artifact.read(entry) if entry.size <= MAX_TEXT else b""
    except ArtifactError:
        return b""  # check_content tells
