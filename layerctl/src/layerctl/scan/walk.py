"""Which files to look at: those named, and what lies in the folders named."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from layerctl.scan.model import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["TEMPLATE_SUFFIXES", "FoundFiles", "find_files"]

# Copies of templates that tools write, and other people's code: nobody pins there by hand. A folder that is
# named on the command line is read whatever its name.
SKIPPED = frozenset(
    {".git", ".hg", ".svn", ".aws-sam", ".serverless", ".terraform", ".terragrunt-cache", "cdk.out", "node_modules"}
    | {"__pycache__", ".venv", ".tox", ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"}
)
# What people write templates in. Only files of these kinds are faulted for being binary, huge or gone in a folder.
TEMPLATE_SUFFIXES = frozenset(
    {".yaml", ".yml", ".json", ".jsonc", ".template", ".cfn", ".toml", ".tf", ".tfvars", ".hcl"}
)
# Known not to be text; anything else is opened.
_BINARY = frozenset(
    {".7z", ".a", ".avif", ".bin", ".bmp", ".br", ".bz2", ".class", ".dll", ".dylib", ".eot", ".exe", ".gif", ".gz"}
    | {".ico", ".jar", ".jpeg", ".jpg", ".lib", ".mo", ".mp3", ".mp4", ".npy", ".npz", ".o", ".obj", ".otf", ".parquet"}
    | {".pdf", ".pickle", ".pkl", ".png", ".pyc", ".pyd", ".pyo", ".so", ".sqlite", ".sqlite3", ".tar", ".tgz", ".tif"}
    | {".tiff", ".ttf", ".wasm", ".webm", ".webp", ".whl", ".woff", ".woff2", ".xz", ".zip", ".zst"}
)


@dataclass(slots=True)
class FoundFiles:
    """The files to read.

    Attributes:
        files: each file once, with whether the user named it; in the order of the names, folders sorted.
        skipped: folders that were left out by name.
        problems: what could not be listed.
        size: bytes of all files.
    """

    files: list[tuple[Path, bool]] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    size: int = 0


def find_files(roots: Iterable[Path]) -> FoundFiles:
    """List the files to read. A file that is reached twice (by links) is listed once.

    Links to folders are not followed: they lead out of what was named, or in circles; one that leads back to a
    folder above itself is reported.
    """
    found = FoundFiles()
    seen: set[tuple[int, int]] = set()
    for root in roots:
        try:
            info = root.stat()
        except OSError as error:
            found.problems.append(_cannot(root, error))
            continue
        if stat.S_ISDIR(info.st_mode):
            for path in _walk(root, found):
                _add(path, False, seen, found)
        else:
            _add(root, True, seen, found)
    return found


def _walk(root: Path, found: FoundFiles) -> Iterator[Path]:
    def failed(error: OSError) -> None:
        found.problems.append(_cannot(Path(error.filename), error))

    for folder, folders, files in os.walk(root, onerror=failed):
        here = Path(folder)
        vendored = _vendored(here, folders) if here != root else frozenset()
        keep = []
        for name in sorted(folders):
            path = here / name
            if name in SKIPPED or name in vendored or (path / "pyvenv.cfg").is_file():
                if name not in {".git", "__pycache__"}:
                    found.skipped.append(path)
            elif path.is_symlink():
                if path.resolve() in (here.resolve(), *here.resolve().parents):
                    found.problems.append(
                        Problem(path.as_posix(), "link loop: it leads to a folder above itself", "remove the link")
                    )
            else:
                keep.append(name)
        folders[:] = keep
        for name in sorted(files):
            if os.path.splitext(name)[1].lower() not in _BINARY:  # noqa: PTH122 (a Path per file costs a third of the walk)
                yield here / name


def _vendored(here: Path, folders: Iterable[str]) -> frozenset[str]:
    """The folders that packages were installed into, as the records beside them say: their templates are others'."""
    names = set()
    for folder in folders:
        if folder.endswith(".dist-info"):
            names.add(folder)
            with contextlib.suppress(OSError):
                record = (here / folder / "RECORD").read_text("utf-8", "replace")
                names |= {line.split("/", 1)[0] for line in record.splitlines() if "/" in line}
    return frozenset(names)


def _add(path: Path, named: bool, seen: set[tuple[int, int]], found: FoundFiles) -> None:
    try:
        info = path.stat()
    except OSError as error:
        # A broken link is everyday in a folder of dependencies; where a template should be, it is a problem.
        if named or error.errno != errno.ENOENT or path.suffix.lower() in TEMPLATE_SUFFIXES:
            found.problems.append(_cannot(path, error))
        return
    if not stat.S_ISREG(info.st_mode):
        if named:
            found.problems.append(Problem(path.as_posix(), "not a regular file", "name a file or a folder"))
        return
    if (info.st_dev, info.st_ino) not in seen:
        seen.add((info.st_dev, info.st_ino))
        found.files.append((path, named))
        found.size += info.st_size


def _cannot(path: Path, error: OSError) -> Problem:
    if error.errno == errno.ELOOP:
        return Problem(path.as_posix(), "link loop: the link leads to itself", "remove the link")
    reason = error.strerror or str(error)
    hint = "remove the broken link" if path.is_symlink() else "check the name and the permissions"
    return Problem(path.as_posix(), f"cannot be read: {reason}", hint)
