"""An artifact that lies unpacked in a folder."""

from __future__ import annotations

import os
import stat
from typing import IO, TYPE_CHECKING

from layerctl.artifact.base import Artifact
from layerctl.artifact.entry import (
    ArtifactEntry,
    ArtifactError,
    ArtifactProblem,
    ReadLimits,
    kind_problem,
    path_problem,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["FolderArtifact"]


class FolderArtifact(Artifact):
    """The files below a folder. Links are never followed."""

    @classmethod
    def scan(cls, root: Path, limits: ReadLimits) -> FolderArtifact:
        """List a folder.

        Raises:
            ArtifactError: it holds more than the limits allow, or cannot be listed.
        """
        entries: list[ArtifactEntry] = []
        folders: list[ArtifactEntry] = []
        problems: list[ArtifactProblem] = []
        total = 0
        try:
            for name, status in _walk(root, ""):
                problem = path_problem(name)
                if problem is None and stat.S_ISDIR(status.st_mode):
                    folders.append(ArtifactEntry(name, stat.S_IMODE(status.st_mode)))
                    continue
                problem = problem or kind_problem(name, status.st_mode)
                if problem is not None:
                    problems.append(problem)
                    continue
                entries.append(ArtifactEntry(name, stat.S_IMODE(status.st_mode), status.st_size))
                total += status.st_size
                if len(entries) > limits.entries:
                    raise ArtifactError(f"{root} holds more than {limits.entries} files", hint="that is no layer")
        except OSError as error:
            raise ArtifactError(f"{error.filename or root} cannot be read: {error.strerror}") from None
        if total > limits.unpacked_bytes:
            raise ArtifactError(
                f"{root} holds {total} bytes, more than the {limits.unpacked_bytes} that are read at most"
            )
        return cls(root, entries, problems, folders)

    @property
    def zipped_size(self) -> int | None:
        """None: a folder has no zip."""
        return None

    def open(self, entry: ArtifactEntry) -> IO[bytes]:
        """Open a file for reading; what is no regular file any more is refused."""
        # O_NOFOLLOW: what was a file when it was listed may be a link by now
        try:
            return os.fdopen(os.open(self.path / entry.path, os.O_RDONLY | os.O_NOFOLLOW), "rb")
        except OSError as error:
            raise ArtifactError(f"{self.path / entry.path} cannot be read: {error.strerror}") from None


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
    pending = [(folder, prefix)]
    while pending:
        place, prefix = pending.pop()
        with os.scandir(place) as found:
            for item in found:
                status = item.stat(follow_symlinks=False)
                name = prefix + item.name
                yield name, status
                if stat.S_ISDIR(status.st_mode):
                    pending.append((place / item.name, f"{name}/"))
