"""One way to look into an artifact, be it a zip or a folder."""

from __future__ import annotations

import hashlib
import io
from abc import ABC, abstractmethod
from typing import IO, TYPE_CHECKING

from layerctl.artifact.entry import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from layerctl.artifact.entry import ArtifactEntry, ArtifactProblem

__all__ = ["CHUNK", "Artifact", "content_digest"]

CHUNK = 1 << 18


class Artifact(ABC):
    """A layer's files, sorted by path, and what is wrong with the container.

    Attributes:
        path: the zip or the folder.
        entries: the files that can be read safely; folders are not listed.
        problems: what was left out of `entries`, and why. Empty unless opened with ``strict=False``.
        folders: explicit folders with their permission bits (a zip may have none).
    """

    def __init__(
        self,
        path: Path,
        entries: Iterable[ArtifactEntry],
        problems: Iterable[ArtifactProblem],
        folders: Iterable[ArtifactEntry],
    ) -> None:
        self.path = path
        self.entries = tuple(sorted(entries, key=lambda entry: entry.path.encode()))
        self.problems = tuple(problems)
        self.folders = tuple(sorted(folders, key=lambda entry: entry.path.encode()))
        self._by_path = {entry.path: entry for entry in self.entries}
        self._hashes: dict[str, str] = {}

    @property
    @abstractmethod
    def zipped_size(self) -> int | None:
        """The zip's size in bytes; None for a folder."""

    @abstractmethod
    def open(self, entry: ArtifactEntry) -> IO[bytes]:
        """Open a file for reading in binary. Reading raises `ArtifactError` where the data is damaged."""

    @property
    def size(self) -> int:
        """The unpacked size of all files, in bytes."""
        return sum(entry.size for entry in self.entries)

    def get(self, path: str) -> ArtifactEntry | None:
        """The entry of that path, if there is one."""
        return self._by_path.get(path)

    def require(self, path: str) -> ArtifactEntry:
        """The entry of that path.

        Raises:
            ArtifactError: there is none.
        """
        try:
            return self._by_path[path]
        except KeyError:
            raise ArtifactError(f"{self.path} holds no {path}") from None

    def close(self) -> None:  # noqa: B027 - a folder has nothing to close
        """Let go of the file."""

    def chunks(self, entry: ArtifactEntry) -> Iterator[bytes]:
        """Read a file piece by piece. Its hash is known afterwards, without another reading.

        Raises:
            ArtifactError: the data is damaged, e.g. its CRC is wrong.
        """
        digest = hashlib.sha256()
        with self.open(entry) as stream:
            while chunk := self._read(stream, entry):
                digest.update(chunk)
                yield chunk
        self._hashes[entry.path] = digest.hexdigest()

    def read(self, entry: ArtifactEntry) -> bytes:
        """Read a whole file.

        Raises:
            ArtifactError: the data is damaged, e.g. its CRC is wrong.
        """
        out = io.BytesIO()  # not b"".join(), which needs twice the memory
        for chunk in self.chunks(entry):
            out.write(chunk)
        return out.getvalue()

    def sha256(self, entry: ArtifactEntry) -> str:
        """The hex SHA-256 of a file's content, kept for the next call."""
        if entry.path not in self._hashes:
            for _ in self.chunks(entry):
                pass
        return self._hashes[entry.path]

    def content_digest(self) -> str:
        """The layer's identity, ``sha256:<hex>``: see `content_digest`."""
        return content_digest((entry.path, entry.canonical_mode, self.sha256(entry)) for entry in self.entries)

    def _read(self, stream: IO[bytes], entry: ArtifactEntry) -> bytes:
        try:
            return stream.read(CHUNK)
        except OSError as error:
            raise ArtifactError(f"{self.path}: {entry.path} cannot be read: {error.strerror or error}") from None


def content_digest(files: Iterable[tuple[str, int, str]]) -> str:
    """Identify content, whatever container it lies in.

    SHA-256 over the lines ``path NUL mode NUL sha256 LF``, sorted by path as bytes; the mode is four octal digits.

    Args:
        files: path as in the zip (``python/…``), mode (0o644 or 0o755), hex SHA-256 of the content.
    """
    lines = sorted((path.encode(), f"\0{mode:04o}\0{sha256}\n".encode()) for path, mode, sha256 in files)
    return "sha256:" + hashlib.sha256(b"".join(path + rest for path, rest in lines)).hexdigest()
