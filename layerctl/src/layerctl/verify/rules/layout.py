"""Rules about what lies where, and who may read it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from layerctl.rules import Rule
from layerctl.rules.shared import MODE_UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.artifact import ArtifactEntry
    from layerctl.core.diagnostics import Finding
    from layerctl.verify.case import ArtifactCase

__all__ = ["check_layout", "check_modes"]

LAYOUT_EMPTY = Rule(
    id="layout-empty",
    commands=("verify",),
    summary="There is a python/ folder with something in it.",
    looks_at="The names below python/. A layer of extensions, programs or another language needs none.",
    example="A zip that was packed within python/ instead of above it.",
    fix="Pack the folder that holds python/, not what is in it.",
)
LAYOUT_ROOT = Rule(
    id="layout-root",
    commands=("verify",),
    summary="Nothing lies beside python/ but folders that Lambda or AWS Signer know.",
    looks_at="The top-level names: bin, lib and extensions are on Lambda's paths, META-INF is AWS Signer's, and other "
    "languages have folders of their own.",
    example="`README.md` beside python/.",
    fix="Move it into python/, or leave it out.",
)
LAYOUT_NESTED = Rule(
    id="layout-nested",
    commands=("verify",),
    summary="There is no python/python: it would not be on sys.path.",
    looks_at="The names below python/.",
    example="`python/python/requests/__init__.py`",
    fix="Pack one folder less.",
)
LAYOUT_NAME = Rule(
    id="layout-name",
    commands=("verify",),
    summary="What lies in python/ can be imported, or is a distribution's metadata.",
    looks_at="The names directly below python/, but for those that a wheel of others installs there.",
    example="`python/my-module.py`",
    fix="Rename it, or leave it out of the layer.",
)
MODE_SETUID = Rule(
    id="mode-setuid",
    commands=("verify",),
    summary="No file has a setuid, setgid or sticky bit, or is writable for everyone.",
    looks_at="The permission bits of files and folders.",
    example="A file of mode 0666.",
    fix="Give files 0644 and folders 0755.",
)

_METADATA = re.compile(r"[^/]+\.(?:dist-info|egg-info)")
# lib/python3.x/site-packages is on Lambda's sys.path too; bin, share and the like hold data that packages bring
_FOLDERS_OF_DATA = frozenset({"lib", "share", "etc", "__pycache__"})
# Lambda developer guide, "Layer paths for each Lambda runtime" and "Extensions"; AWS Signer adds META-INF.
_KNOWN_FOLDERS = frozenset({"bin", "lib", "extensions", "META-INF", "java", "nodejs", "ruby", "dotnet"})


def check_layout(case: ArtifactCase) -> Iterator[Finding]:
    """What lies where."""
    paths = [entry.path for entry in case.artifact.entries]
    inside = [path for path in paths if path.startswith("python/")]
    beside = sorted({path.split("/", 1)[0] for path in paths if not path.startswith("python/")})
    known = {path.split("/", 1)[0] for path in paths if "/" in path} & _KNOWN_FOLDERS
    if not inside and not known - {"META-INF"}:
        hint = "pack the folder that holds python/, not what is in it"
        yield LAYOUT_EMPTY.finding(case.artifact.path.name, "there is nothing in python/", hint)
    for name in beside:
        if name not in known:
            hint = "move it into python/, or leave it out"
            yield LAYOUT_ROOT.finding(name, f"{name} lies beside python/, in /opt", hint, case.doubtful)
    if any(path.startswith("python/python/") for path in inside):
        message = "python/ lies in python/, where nothing is imported from"
        yield LAYOUT_NESTED.finding("python/python", message, "pack one less")
    own = {path.split("/")[1] for path in inside if not _of_others(case, path)}
    for name in sorted(own):
        is_folder = f"python/{name}" not in paths
        stem = name if is_folder else name.split(".", 1)[0]
        fine = stem.isidentifier() or (is_folder and (_METADATA.fullmatch(name) or name.endswith((".libs", "-stubs"))))
        if not fine and name != ".gitkeep" and not (is_folder and name in _FOLDERS_OF_DATA):
            hint = "rename it, or leave it out of the layer"
            yield LAYOUT_NAME.finding(f"python/{name}", f"{name} can't be imported", hint, case.doubtful)


def _of_others(case: ArtifactCase, path: str) -> bool:
    """Whether a file is one that another's wheel installs (setuptools' distutils-precedence.pth): pip puts it there."""
    owner = case.owner(path)
    return owner is not None and owner.name != case.own


def check_modes(case: ArtifactCase) -> Iterator[Finding]:
    """Who may read it. Lambda unpacks as one user and runs as another, who owns nothing."""
    for entry in case.artifact.entries:
        if not entry.mode & 0o004:
            message = f"mode {entry.mode:04o} lets only its owner read it"
            yield MODE_UNREADABLE.finding(entry.path, message, "give it 0644")
        yield from _special_bits(case, entry, "0644")
    for folder in case.artifact.folders:
        if folder.mode & 0o005 != 0o005:
            message = f"mode {folder.mode:04o} keeps others from entering it"
            yield MODE_UNREADABLE.finding(folder.path, message, "give it 0755")
        yield from _special_bits(case, folder, "0755")


def _special_bits(case: ArtifactCase, entry: ArtifactEntry, better: str) -> Iterator[Finding]:
    mode = entry.mode
    if mode & 0o7002:
        what = "has setuid, setgid or sticky bits" if mode & 0o7000 else "lets everyone write"
        yield MODE_SETUID.finding(entry.path, f"mode {mode:04o} {what}", f"give it {better}", case.doubtful)
