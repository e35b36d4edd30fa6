"""Building again from the checkout, and telling why the result differs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from layerctl.build import BuildOptions, build_layer
from layerctl.core.errors import LayerctlError
from layerctl.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.build.manifest import Manifest
    from layerctl.core.diagnostics import Finding
    from layerctl.verify.case import ArtifactCase

__all__ = ["check_rebuild"]

REBUILD_DIFFERS = Rule(
    id="rebuild-differs",
    commands=("verify",),
    summary="A rebuild from the checkout gives the same bytes.",
    looks_at="With --rebuild: each file of a fresh build that takes nothing from earlier ones. Causes are told apart: "
    "changed source, changed lock, another interpreter, or a file that was changed after the build.",
    example="A zip that was built from uncommitted changes.",
    fix="Check out the commit that it was built from, or build it anew.",
)
_TAG = re.compile(r"\.cpython-3(\d+)(?:\.opt-\d)?\.pyc$")


def check_rebuild(case: ArtifactCase) -> Iterator[Finding]:
    """With --rebuild: compare each file with a fresh build that takes nothing from earlier ones.

    Raises:
        LayerctlError: there is nothing to build from, or the build fails.
    """
    if not case.options.rebuild:
        return
    if case.config is None:
        raise LayerctlError(
            "--rebuild needs the layer's checkout", hint="run inside the repository, or use --layer-config"
        )
    rebuilt = build_layer(case.config, BuildOptions(cache=False)).manifest
    ours = {file.path: file for file in rebuilt.files}
    theirs = {entry.path: entry for entry in case.readable}
    changed = {
        path for path in ours.keys() | theirs.keys() if path not in case.damaged and not _same(case, rebuilt, path)
    }
    for path in sorted(changed):
        if path not in theirs:
            what = "a rebuild has it, the artifact has not"
        elif path not in ours:
            what = "the artifact has it, a rebuild has not"
        else:
            what = "a rebuild gives other content"
        cause, hint = _cause(case, rebuilt, path, changed)
        yield REBUILD_DIFFERS.finding(path, f"{what}: {cause}", hint)


def _same(case: ArtifactCase, rebuilt: Manifest, path: str) -> bool:
    entry = case.artifact.get(path)
    file = next((file for file in rebuilt.files if file.path == path), None)
    return entry is not None and file is not None and file.sha256 == case.artifact.sha256(entry)


def _cause(case: ArtifactCase, rebuilt: Manifest, path: str, changed: set[str]) -> tuple[str, str]:
    """Why a file differs, and what to do; the manifest tells what the artifact was made from."""
    manifest = case.manifest
    recorded = next((file.sha256 for file in manifest.files if file.path == path), None) if manifest else None
    entry = case.artifact.get(path)
    if manifest and (case.artifact.sha256(entry) if entry else None) != recorded:
        return "the artifact was changed after it was built", "don't use it; build it anew"
    if tag := _TAG.search(path):
        folder, _, name = path.rpartition("/")
        source = f"{folder.removesuffix('__pycache__')}{name.split('.', 1)[0]}.py"
        if source not in changed:
            return _interpreters(manifest, rebuilt, f"python3.{tag[1]}")
        path = source
    owner = next((file.distribution for file in rebuilt.files if file.path == path), None)
    if owner is None and manifest:
        owner = next((file.distribution for file in manifest.files if file.path == path), None)
    if owner == case.own and owner is not None:
        commit = manifest.source.commit if manifest else None
        if manifest and (commit != rebuilt.source.commit or manifest.source.dirty or rebuilt.source.dirty):
            state = " with uncommitted changes" if manifest.source.dirty else ""
            return (
                f"changed source: it was built from commit {(commit or 'unknown')[:12]}{state}, "
                f"this is {(rebuilt.source.commit or 'unknown')[:12]}"
                + (" with uncommitted changes" if rebuilt.source.dirty else ""),
                "check out the commit that it was built from",
            )
        return "changed source", "check out the commit that it was built from"
    locks = rebuilt.source.locks
    if manifest and manifest.source.locks != locks:
        differing = sorted(
            name
            for name in locks.keys() | manifest.source.locks.keys()
            if manifest.source.locks.get(name) != locks.get(name)
        )
        return f"changed lock: {', '.join(differing)}", "check out the commit that it was built from"
    if owner is None and case.config and case.config.distribution:
        return (
            f"it belongs to no distribution of the rebuild (own: {canonicalize_name(case.config.distribution)})",
            "build it anew",
        )
    return "changed lock, or another version of what installs it", "build it anew from the lock"


def _interpreters(manifest: Manifest | None, rebuilt: Manifest, runtime: str) -> tuple[str, str]:
    theirs = {built.runtime: built.interpreter for built in manifest.runtimes}.get(runtime) if manifest else None
    ours = {built.runtime: built.interpreter for built in rebuilt.runtimes}.get(runtime)
    made = f"CPython {theirs}" if theirs else "no interpreter" if manifest else "an unknown interpreter"
    here = f"CPython {ours} is here" if ours else "none is here"
    hint = f"install CPython {theirs}" if theirs and theirs != ours else "rebuild with the interpreters of layer.toml"
    return f"interpreter patch level: it was compiled by {made}, {here}", hint
