"""What an artifact consists of, what may be wrong with it, and how much of it is read at most."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field

from layerctl.core.errors import LayerctlError

__all__ = [
    "ArtifactEntry",
    "ArtifactError",
    "ArtifactProblem",
    "ReadLimits",
    "kind_problem",
    "path_problem",
    "tree_problems",
]


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """How much is read before an artifact is refused, so that a hostile one costs neither memory nor disk.

    Lambda's own limit is 262,144,000 bytes unzipped, so nothing that it takes comes near these.
    """

    entries: int = 50_000
    directory_bytes: int = 16 * 2**20
    unpacked_bytes: int = 2**30


@dataclass(frozen=True, slots=True, order=True)
class ArtifactEntry:
    """One file of an artifact.

    Attributes:
        path: as in the zip, with forward slashes (``python/shared_utils/__init__.py``).
        mode: the permission bits as they are stored; 0o644 where the archive stores none.
        size: uncompressed, in bytes.
    """

    path: str
    mode: int = 0o644
    size: int = 0
    index: int = field(default=0, compare=False, repr=False)

    @property
    def canonical_mode(self) -> int:
        """0o755 for what its owner may execute, 0o644 for the rest: all that matters to Lambda."""
        return 0o755 if self.mode & 0o100 else 0o644


@dataclass(frozen=True, slots=True)
class ArtifactProblem:
    """Why an entry (or the whole archive, where `path` is empty) can't be trusted.

    Attributes:
        kind: ``path``, ``link``, ``special``, ``duplicate``, ``encrypted``, ``compression``, ``size`` or ``crc``.
    """

    kind: str
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class ArtifactError(LayerctlError):
    """An artifact that is not readable as a layer, or not safe to read."""

    def __init__(self, what: str, *, problem: ArtifactProblem | None = None, hint: str | None = None) -> None:
        super().__init__(what, hint=hint)
        self.problem = problem


def path_problem(path: str) -> ArtifactProblem | None:
    """Say what is wrong with an entry's name, if anything: it must be relative, plain, and stay below the root."""
    if not path or any(ord(character) < 32 or ord(character) == 127 for character in path):
        return ArtifactProblem("path", path, "the name is empty or holds control characters")
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        return ArtifactProblem("path", path, "the name is absolute")
    if "\\" in path:
        return ArtifactProblem("path", path, "the name holds a backslash, which is no separator on Lambda")
    parts = path.split("/")
    if ".." in parts:
        return ArtifactProblem("path", path, "the name leaves the root with '..'")
    if "" in parts or "." in parts:
        return ArtifactProblem("path", path, "the name holds an empty or '.' component")
    if any(len(part.encode("utf-8", "surrogatepass")) > 255 for part in parts) or len(path) > 4000:
        return ArtifactProblem("path", path[:200], "the name is too long for a file system")
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return ArtifactProblem("path", path.encode("utf-8", "backslashreplace").decode(), "the name is not UTF-8")
    return None


def kind_problem(path: str, mode: int) -> ArtifactProblem | None:
    """Say whether a full Unix mode (type and permissions) is of something else than a regular file."""
    if stat.S_ISLNK(mode):
        return ArtifactProblem("link", path, "it is a symbolic link")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return ArtifactProblem("special", path, "it is neither a file nor a folder")
    return None


def tree_problems(files: list[str]) -> list[ArtifactProblem]:
    """Find names that exclude each other: the same one twice, or a file where another needs a folder."""
    problems: list[ArtifactProblem] = []
    seen: set[str] = set()
    for path in files:
        if path in seen:
            problems.append(
                ArtifactProblem("duplicate", path, "the name is there twice, and readers differ in which one they take")
            )
        seen.add(path)
    folders = {path[:end] for path in seen for end in _slashes(path)}
    problems += [
        ArtifactProblem("duplicate", path, "it is a file and a folder at once") for path in sorted(seen & folders)
    ]
    return problems


def _slashes(path: str) -> list[int]:
    return [match.start() for match in re.finditer("/", path)]
