"""Rules about the container: its entries, layout, modes and sizes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from layerctl.core.diagnostics import Finding, Severity
from layerctl.core.runtimes import MAX_UNZIPPED, MAX_UPLOAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.artifact import Problem
    from layerctl.verify.case import Context

__all__ = ["check_layout", "check_modes", "check_problems", "check_sizes", "problem_finding"]

_RULE_OF = {
    "path": ("archive-path", "build the archive from names relative to its root"),
    "link": ("archive-link", "ship the file itself: Lambda unpacks a layer on top of others"),
    "special": ("archive-link", "ship regular files only"),
    "duplicate": ("archive-duplicate", "pack each file once"),
    "encrypted": ("archive-encrypted", "pack without a password"),
    "compression": ("archive-compression", "pack with deflate"),
    "size": ("archive-limits", "do not unpack it; build it anew"),
    "crc": ("archive-damaged", "build or download it anew"),
}
_METADATA = re.compile(r"[^/]+\.(?:dist-info|egg-info)")
# lib/python3.x/site-packages is on Lambda's sys.path too; bin, share and the like hold data that packages bring
_FOLDERS_OF_DATA = frozenset({"lib", "share", "etc", "__pycache__"})


def problem_finding(problem: Problem, place: str) -> Finding:
    """A container's problem as a finding; `place` names the container where the problem names no file."""
    rule, remedy = _RULE_OF[problem.kind]
    return Finding(rule, problem.path or place, problem.message, remedy)


def check_problems(context: Context) -> Iterator[Finding]:
    """Entries that can't be read safely."""
    for problem in context.artifact.problems:
        yield problem_finding(problem, context.artifact.path.name)


def check_layout(context: Context) -> Iterator[Finding]:
    """What lies where."""
    paths = [entry.path for entry in context.artifact.entries]
    inside = [path for path in paths if path.startswith("python/")]
    if not inside:
        remedy = "pack the folder that holds python/, not what is in it"
        yield Finding("layout-empty", context.artifact.path.name, "there is nothing in python/", remedy)
    for name in sorted({path.split("/", 1)[0] for path in paths if not path.startswith("python/")}):
        yield Finding(
            "layout-root", name, f"{name} lies beside python/, in /opt", "move it into python/, or leave it out"
        )
    if any(path.startswith("python/python/") for path in inside):
        yield Finding(
            "layout-nested", "python/python", "python/ lies in python/, where nothing is imported from", "pack one less"
        )
    for name in sorted({path.split("/")[1] for path in inside}):
        is_folder = f"python/{name}" not in paths
        stem = name if is_folder else name.split(".", 1)[0]
        fine = stem.isidentifier() or (is_folder and (_METADATA.fullmatch(name) or name.endswith((".libs", "-stubs"))))
        if is_folder and name in _FOLDERS_OF_DATA:
            continue
        if not fine and name != ".gitkeep":
            yield Finding(
                "layout-name", f"python/{name}", f"{name} can't be imported", "rename it, or leave it out of the layer"
            )


def check_modes(context: Context) -> Iterator[Finding]:
    """Who may read it. Lambda unpacks as one user and runs as another, who owns nothing."""
    for entry in context.artifact.entries:
        if not entry.mode & 0o004:
            yield Finding(
                "mode-unreadable", entry.path, f"mode {entry.mode:04o} lets only its owner read it", "give it 0644"
            )
        yield from _special_bits(entry.path, entry.mode, "0644")
    for folder in context.artifact.folders:
        if folder.mode & 0o005 != 0o005:
            yield Finding(
                "mode-unreadable", folder.path, f"mode {folder.mode:04o} keeps others from entering it", "give it 0755"
            )
        yield from _special_bits(folder.path, folder.mode, "0755")


def _special_bits(path: str, mode: int, better: str) -> Iterator[Finding]:
    if mode & 0o7002:
        what = "has setuid, setgid or sticky bits" if mode & 0o7000 else "lets everyone write"
        yield Finding("mode-setuid", path, f"mode {mode:04o} {what}", f"give it {better}")


def check_sizes(context: Context) -> Iterator[Finding]:
    """How large it is."""
    place = context.artifact.path.name
    zipped, unzipped = context.artifact.zipped_size, context.artifact.size
    if unzipped > MAX_UNZIPPED:
        yield Finding(
            "size-lambda",
            place,
            f"it unpacks to {unzipped:,} bytes; a function and its layers together may have {MAX_UNZIPPED:,}",
            "leave something out, or use a container image",
        )
    if zipped is not None and zipped > MAX_UPLOAD:
        yield Finding(
            "size-lambda",
            place,
            f"the zip has {zipped:,} bytes; a direct upload may have {MAX_UPLOAD:,}",
            "upload it through S3, or leave something out",
            Severity.WARNING,
        )
    if context.config is None:
        return
    budgets = context.config.budgets(entry.path for entry in context.artifact.entries)
    sizes = (("zipped", zipped or 0, budgets[0]), ("unzipped", unzipped, budgets[1]))
    for kind, size, budget in sizes:
        if size > budget:
            yield Finding(
                "size-budget",
                place,
                f"it has {size:,} bytes {kind}; layer.toml allows {budget:,}",
                f"see what takes the space with `layerctl inspect`, or raise budget.{kind}",
            )
