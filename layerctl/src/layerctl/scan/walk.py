"""Which files to look at: those named, and what lies in the folders named."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from layerctl.scan.exclusion import Exclusion, ignored_by_git
from layerctl.scan.model import COPIES, EXCLUDED, IGNORED, LINK, VENDORED, FileProblem, LeftOut

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

__all__ = ["TEMPLATE_SUFFIXES", "FoundFiles", "find_files"]

# Copies of templates that tools write, and other people's code: nobody pins there by hand. A folder that is
# named on the command line is read whatever its name.
SKIPPED = frozenset(
    {".git", ".hg", ".svn", ".aws-sam", ".serverless", ".terraform", ".terragrunt-cache", "cdk.out", "node_modules"}
    | {"__pycache__", ".venv", ".tox", ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"}
)
# Where everything is installed: what somebody wants who names one of these.
_PACKAGES = frozenset({"site-packages", "dist-packages"})
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
        left_out: folders and files that were not looked at.
        problems: what could not be listed.
        notes: what else somebody should know.
        size: bytes of all files.
    """

    files: list[tuple[Path, bool]] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    problems: list[FileProblem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    size: int = 0

    def beyond(self, other: FoundFiles) -> FoundFiles:
        """The files that another list does not have; what was not looked at is that one's to tell."""
        known = {path for path, _ in other.files}
        files = [(path, named) for path, named in self.files if path not in known]
        return FoundFiles(files, size=max(self.size - other.size, 0))


def find_files(roots: Iterable[Path], exclusion: Exclusion | None = None) -> FoundFiles:
    """List the files to read. A file that is reached twice (by links) is listed once.

    Links to folders are not followed: they lead out of what was named, or in circles; one that leads back to a
    folder above itself is reported.

    Args:
        roots: files and folders.
        exclusion: what is left out besides; default: what git ignores.
    """
    found = FoundFiles()
    exclusion = exclusion or Exclusion()
    seen: set[tuple[int, int]] = set()
    for root in roots:
        try:
            info = root.stat()
        except OSError as error:
            found.problems.append(_cannot(root, error))
            continue
        folder = stat.S_ISDIR(info.st_mode)
        if exclusion.leaves_out(str(root), folder=folder):
            found.left_out.append(LeftOut(root.as_posix(), EXCLUDED))
        elif folder:
            for path in _Walk(exclusion, found).files(root):
                _add(path, False, seen, found)
        else:
            _add(root, True, seen, found)
    return found


@dataclass(slots=True)
class _Walk:
    """Goes through one folder that was named."""

    exclusion: Exclusion
    found: FoundFiles
    ignored: set[str] = field(default_factory=set)

    def files(self, root: Path) -> Iterator[Path]:
        """The files in it that are looked at; what is not goes to `found`."""

        def failed(error: OSError) -> None:
            self.found.problems.append(_cannot(Path(error.filename), error))

        self._ask_git(root)
        for folder, folders, files in os.walk(root, onerror=failed):
            here = Path(folder)
            if here != root and (".git" in folders or ".git" in files):
                self._ask_git(here)
            vendored = frozenset() if here.name in _PACKAGES else _vendored(here, folders)
            keep = []
            for name in sorted(folders):
                path = here / name
                if why := self._why_not(path, vendored):
                    if name not in {".git", "__pycache__"}:
                        self.found.left_out.append(LeftOut(path.as_posix(), why))
                elif path.is_symlink():
                    self._link(path, here)
                else:
                    keep.append(name)
            folders[:] = keep
            for name in sorted(files):
                if os.path.splitext(name)[1].lower() in _BINARY:  # noqa: PTH122 (a Path per file costs a third of the walk)
                    continue
                path = here / name
                why = EXCLUDED if self.exclusion.leaves_out(str(path)) else IGNORED if str(path) in self.ignored else ""
                why = why or (VENDORED if name in vendored else "")
                if why:
                    self.found.left_out.append(LeftOut(path.as_posix(), why))
                else:
                    yield path

    def _why_not(self, folder: Path, vendored: Collection[str]) -> str:
        """Why a folder is left out; empty: it is not."""
        if self.exclusion.leaves_out(str(folder), folder=True):
            return EXCLUDED
        if folder.name in SKIPPED or (folder / "pyvenv.cfg").is_file():
            return COPIES
        if folder.name in vendored:
            return VENDORED
        return IGNORED if str(folder) in self.ignored else ""

    def _link(self, path: Path, here: Path) -> None:
        if path.resolve() in (here.resolve(), *here.resolve().parents):
            what = "link loop: it leads to a folder above itself"
            self.found.problems.append(FileProblem(path.as_posix(), what, "remove the link", named=False))
        else:
            self.found.left_out.append(LeftOut(path.as_posix(), LINK))

    def _ask_git(self, checkout: Path) -> None:
        if self.exclusion.ignored:
            names = ignored_by_git(checkout)
            if names is None:
                what = f"git did not answer for {checkout.as_posix()}: what its .gitignore names is looked at, too"
                self.found.notes.append(what)
            self.ignored |= names or frozenset()


def _vendored(here: Path, folders: Iterable[str]) -> frozenset[str]:
    """What packages were installed into a folder, as the metadata beside them say: their templates are others'."""
    names = set()
    for folder in folders:
        if folder.endswith(".dist-info"):  # an .egg-info lies beside own code, too, once it was built
            names |= {folder, *_modules(here / folder)}
    return frozenset(names)


def _modules(info: Path) -> set[str]:
    """The folders and files that a distribution has beside its metadata; its own name where these do not tell."""
    from layerctl.python.distributions import record_rows

    with contextlib.suppress(OSError):
        return {row[0].partition("/")[0] for row in record_rows((info / "RECORD").read_bytes())}
    with contextlib.suppress(OSError):
        modules = (info / "top_level.txt").read_text("utf-8", "replace").split()
        return {each for module in modules for each in (module, f"{module}.py")}
    module = info.name.partition("-")[0].lower()
    return {module, f"{module}.py"}


def _add(path: Path, named: bool, seen: set[tuple[int, int]], found: FoundFiles) -> None:
    try:
        info = path.stat()
    except OSError as error:
        # A broken link is everyday in a folder of dependencies; where a template should be, it is a problem.
        if named or error.errno != errno.ENOENT or path.suffix.lower() in TEMPLATE_SUFFIXES:
            found.problems.append(_cannot(path, error)._replace(named=named))
        return
    if not stat.S_ISREG(info.st_mode):
        if named:
            found.problems.append(FileProblem(path.as_posix(), "not a regular file", "name a file or a folder"))
        return
    if (info.st_dev, info.st_ino) not in seen:
        seen.add((info.st_dev, info.st_ino))
        found.files.append((path, named))
        found.size += info.st_size


def _cannot(path: Path, error: OSError) -> FileProblem:
    if error.errno == errno.ELOOP:
        return FileProblem(path.as_posix(), "link loop: the link leads to itself", "remove the link")
    reason = error.strerror or str(error)
    hint = "remove the broken link" if path.is_symlink() else "check the name and the permissions"
    return FileProblem(path.as_posix(), f"cannot be read: {reason}", hint)
