"""What is said of a zip that is no layer, is damaged, or holds what no layer may: each to the word."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest

from layerctl.artifact import ArtifactError, ReadLimits, open_artifact
from layerctl.artifact.entry import ArtifactProblem

if TYPE_CHECKING:
    from pathlib import Path

ANEW = "build or download it anew"
CENTRAL, END = b"PK\x01\x02", b"PK\x05\x06"


def archive(*names: str, mode: int = 0o644, method: int = zipfile.ZIP_STORED) -> bytearray:
    """Return a zip of such entries."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            made.writestr(info, b"what it holds", method)
    return bytearray(stream.getvalue())


def encrypted() -> bytearray:
    """Return a zip whose entry is called encrypted."""
    data = archive("a/b.py")
    data[data.index(CENTRAL) + 8] |= 1
    return data


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        (archive("a/b.py", mode=stat.S_IFLNK | 0o777), "link", "it is a symbolic link"),
        (archive("a/b.py", mode=stat.S_IFIFO | 0o644), "special", "it is neither a file nor a folder"),
        (encrypted(), "encrypted", "it is encrypted"),
        (archive("a/b.py", method=zipfile.ZIP_LZMA), "compression", "its compression method 14 is not deflate"),
        (archive("a/b.py", method=zipfile.ZIP_BZIP2), "compression", "its compression method 12 is not deflate"),
    ],
    ids=["link", "pipe", "encrypted", "lzma", "bzip2"],
)
def test_what_no_layer_may_hold_is_named(tmp_path: Path, data: bytes, kind: str, message: str) -> None:
    """The entry, of which kind the problem is, and what it is."""
    path = tmp_path / "layer.zip"
    path.write_bytes(data)
    with open_artifact(path, strict=False) as artifact:
        assert list(artifact.problems) == [ArtifactProblem(kind, "a/b.py", message)]  # type: ignore[arg-type]
        assert not artifact.entries


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (30, "File name in directory 'a/b.py' and header b'b/b.py' differ."),  # the name in front of the data
        (36, "Bad CRC-32 for file 'a/b.py'"),  # the data
        (0, "Bad magic number for file header"),
    ],
    ids=["name", "data", "header"],
)
def test_a_file_that_is_damaged_is_named(tmp_path: Path, at: int, said: str) -> None:
    """Whether it is found when the file is opened or when it is read; the others can be read."""
    path = tmp_path / "layer.zip"
    data = archive("a/b.py", "c.py")
    data[at] = ord("b")
    path.write_bytes(data)
    with open_artifact(path) as artifact:
        assert artifact.read(artifact.require("c.py")) == b"what it holds"
        with pytest.raises(ArtifactError) as caught:
            artifact.read(artifact.require("a/b.py"))
    assert caught.value.problem == ArtifactProblem("crc", "a/b.py", f"its data is damaged: {said}")
    assert (caught.value.what, caught.value.hint) == (f"{path}: a/b.py: its data is damaged: {said}", ANEW)


def refused(path: Path, limits: ReadLimits | None = None) -> tuple[str, str | None]:
    """Return why a zip is refused, and what to do."""
    with pytest.raises(ArtifactError) as caught, open_artifact(path, limits=limits):
        pass
    return caught.value.what, caught.value.hint


def test_a_directory_that_is_damaged(tmp_path: Path) -> None:
    """In its middle, or with an entry that is cut at its end, which does not count as one."""
    path = tmp_path / "layer.zip"
    data = archive("a", "b", "c")
    second = data.index(CENTRAL, data.index(CENTRAL) + 1)
    path.write_bytes(data[:second] + b"XX" + data[second + 2 :])
    assert refused(path) == (f"{path} is not a readable zip: Bad magic number for central directory", ANEW)
    end = data.index(END)
    (size,) = struct.unpack_from("<L", data, end + 12)
    cut = CENTRAL + bytes(36)
    data[end + 12 : end + 16] = struct.pack("<L", size + len(cut))
    path.write_bytes(data[:end] + cut + data[end:])
    for limits in (None, ReadLimits(entries=3)):
        assert refused(path, limits) == (f"{path} is not a readable zip: Truncated central directory", ANEW)


def test_an_entry_without_a_name_is_counted(tmp_path: Path) -> None:
    """Its part of the directory is as short as one can be."""
    path = tmp_path / "layer.zip"
    path.write_bytes(archive("a", ""))
    assert refused(path, ReadLimits(entries=1))[0] == f"{path} holds more than 1 entries"
    with open_artifact(path, strict=False, limits=ReadLimits(entries=2)) as artifact:
        assert [problem.kind for problem in artifact.problems] == ["path"]


@pytest.mark.parametrize(("behind", "found"), [(65_555, True), (65_556, False), (70_000, False)])
def test_how_far_behind_an_end_may_lie(tmp_path: Path, behind: int, *, found: bool) -> None:
    """It is looked for as far as the longest comment and a locator go; what lies farther is no zip's."""
    path = tmp_path / "layer.zip"
    path.write_bytes(archive("a") + bytes(behind))
    readable = (f"{path} is not a readable zip: File is not a zip file", ANEW)
    assert refused(path) == (readable if found else (f"{path} is not a zip", "name a layer's zip or folder"))


def test_a_file_that_the_system_does_not_open(tmp_path: Path) -> None:
    """Is refused in the system's words."""
    path = tmp_path / "layer.zip"
    os.mknod(path, stat.S_IFSOCK | 0o600)
    assert refused(path) == (f"{path} cannot be read: No such device or address", None)
