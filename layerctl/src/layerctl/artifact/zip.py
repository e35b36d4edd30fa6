"""An artifact in a zip, read without trusting it.

Format: PKWARE APPNOTE 6.3.10, sections 4.3.12 (central directory), 4.3.14 and 4.3.16 (its end, zip64 and classic).
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING

from layerctl.artifact.base import CHUNK, Artifact
from layerctl.artifact.entry import (
    ArtifactEntry,
    ArtifactError,
    ArtifactProblem,
    ReadLimits,
    kind_problem,
    path_problem,
    tree_problems,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ZipArtifact"]

_END = b"PK\x05\x06"
_END64_LOCATOR = b"PK\x06\x07"
_END64 = b"PK\x06\x06"
_CENTRAL = b"PK\x01\x02"
_UNIX = 3
# What zipfile raises for archives that are damaged, or made to be: offsets of 2**64 overflow, names are no UTF-8, ...
_MALFORMED = (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, ValueError, OverflowError, EOFError)
_ENCRYPTED = 0x1


class ZipArtifact(Artifact):
    """The files in a zip."""

    def __init__(
        self,
        path: Path,
        archive: zipfile.ZipFile,
        files: ExitStack,
        listed: tuple[list[ArtifactEntry], list[ArtifactProblem], list[ArtifactEntry]],
    ) -> None:
        super().__init__(path, *listed)
        self._archive = archive
        self._files = files
        self._infos = archive.infolist()

    @classmethod
    def scan(cls, path: Path, limits: ReadLimits) -> ZipArtifact:
        """List a zip, and keep it open until `close`.

        Raises:
            ArtifactError: it is no zip, it is damaged, or it is over the limits.
        """
        with ExitStack() as stack:
            try:
                stream = stack.enter_context(path.open("rb"))
                _check_directory(stream, path, limits)
                archive = stack.enter_context(zipfile.ZipFile(stream))
                listed = _list(archive, path, limits)
            except OSError as error:
                raise ArtifactError(f"{path} cannot be read: {error.strerror or error}") from None
            except _MALFORMED as error:
                raise ArtifactError(
                    f"{path} is not a readable zip: {error}", hint="build or download it anew"
                ) from None
            return cls(path, archive, stack.pop_all(), listed)

    def close(self) -> None:
        """Close the archive."""
        self._files.close()

    @property
    def zipped_size(self) -> int | None:
        """The zip's own size in bytes."""
        return self.path.stat().st_size

    def open(self, entry: ArtifactEntry) -> IO[bytes]:
        """Open an entry for reading; what it holds is checked while it is read."""
        try:
            return self._archive.open(self._infos[entry.index])
        except (*_MALFORMED, RuntimeError, OSError) as error:
            raise self._damaged(entry, error) from None

    def _read(self, stream: IO[bytes], entry: ArtifactEntry) -> bytes:
        try:
            return stream.read(CHUNK)
        except (*_MALFORMED, RuntimeError, OSError) as error:
            raise self._damaged(entry, error) from None

    def _damaged(self, entry: ArtifactEntry, error: Exception) -> ArtifactError:
        problem = ArtifactProblem("crc", entry.path, f"its data is damaged: {error}")
        return ArtifactError(f"{self.path}: {problem}", problem=problem, hint="build or download it anew")


def _check_directory(stream: IO[bytes], path: Path, limits: ReadLimits) -> None:
    """Count the central directory's entries before `zipfile` makes an object of each.

    The counts that the archive states may lie, so the entries themselves are counted.
    """
    size = stream.seek(0, 2)
    tail_at = max(0, size - (22 + 65_535 + 20))
    stream.seek(tail_at)
    tail = stream.read()
    end = tail.rfind(_END)
    if end < 0 or len(tail) < end + 22:
        raise ArtifactError(f"{path} is not a zip", hint="name a layer's zip or folder")
    (directory_size,) = struct.unpack_from("<L", tail, end + 12)
    locator = end - 20
    if locator >= 0 and tail[locator : locator + 4] == _END64_LOCATOR:
        stream.seek(struct.unpack_from("<Q", tail, locator + 8)[0])
        record = stream.read(56)
        if record[:4] == _END64 and len(record) == 56:
            (directory_size,) = struct.unpack_from("<Q", record, 40)
            end_at = tail_at + locator - 56
        else:
            raise ArtifactError(f"{path} is not a readable zip: its zip64 record is missing")
    else:
        end_at = tail_at + end
    if directory_size > limits.directory_bytes:
        raise ArtifactError(
            f"{path}: its directory takes {directory_size} bytes, more than the {limits.directory_bytes} that are read",
            problem=ArtifactProblem("size", "", "too large a directory"),
            hint="no layer needs that many files",
        )
    # like zipfile, find the directory from its end: data may stand before the archive
    stream.seek(max(0, end_at - directory_size))
    directory = stream.read(directory_size)
    at = count = 0
    while directory[at : at + 4] == _CENTRAL and len(directory) >= at + 46:
        name, extra, comment = struct.unpack_from("<HHH", directory, at + 28)
        at += 46 + name + extra + comment
        count += 1
        if count > limits.entries:
            raise ArtifactError(
                f"{path} holds more than {limits.entries} entries",
                problem=ArtifactProblem("size", "", "too many entries"),
                hint="no layer needs that many files",
            )


def _list(
    archive: zipfile.ZipFile, path: Path, limits: ReadLimits
) -> tuple[list[ArtifactEntry], list[ArtifactProblem], list[ArtifactEntry]]:
    entries: list[ArtifactEntry] = []
    folders: list[ArtifactEntry] = []
    problems: list[ArtifactProblem] = []
    total = 0
    for index, info in enumerate(archive.infolist()):
        mode = info.external_attr >> 16 if info.create_system == _UNIX else 0
        name = info.filename
        is_folder = name.endswith("/")
        # orig_filename: zipfile cuts a name at its first NUL, other readers don't
        problem = path_problem(info.orig_filename.removesuffix("/"))
        if problem is None and is_folder:
            folders.append(ArtifactEntry(name.removesuffix("/"), stat.S_IMODE(mode) or 0o755))
            continue
        problem = problem or kind_problem(name, mode) or _storage_problem(info)
        if problem is not None:
            problems.append(problem)
            continue
        entries.append(ArtifactEntry(name, stat.S_IMODE(mode) or 0o644, info.file_size, index))
        total += info.file_size
    if total > limits.unpacked_bytes:
        raise ArtifactError(
            f"{path} unpacks to {total} bytes, more than the {limits.unpacked_bytes} that are read at most",
            problem=ArtifactProblem("size", "", "too large"),
            hint="Lambda takes 262,144,000 bytes",
        )
    clashes = tree_problems([entry.path for entry in entries])
    twice = {problem.path for problem in clashes}
    return [entry for entry in entries if entry.path not in twice], problems + clashes, folders


def _storage_problem(info: zipfile.ZipInfo) -> ArtifactProblem | None:
    if info.flag_bits & _ENCRYPTED:
        return ArtifactProblem("encrypted", info.filename, "it is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return ArtifactProblem(
            "compression", info.filename, f"its compression method {info.compress_type} is not deflate"
        )
    # deflate shrinks by 1,032 at most, so a greater claim is a lie
    if info.file_size > 1_040 * info.compress_size + 1_024:
        return ArtifactProblem("size", info.filename, f"it claims {info.file_size} bytes from {info.compress_size}")
    return None
