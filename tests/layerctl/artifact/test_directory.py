"""Where the directory of a zip is, and that all of its entries are counted, however the archive is made."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest

from layerctl.artifact import ArtifactError, ReadLimits, open_artifact

if TYPE_CHECKING:
    from pathlib import Path


def archive(*, data: bytes = b"x", extra: bytes = b"", comment: bytes = b"") -> bytes:
    """Return a zip of three entries that have such data, extra fields and comments."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name in ("a", "bc", "d"):
            info = zipfile.ZipInfo(name)
            info.extra, info.comment, info.external_attr = extra, comment, 0o644 << 16
            made.writestr(info, data)
    return stream.getvalue()


def as_zip64(plain: bytes, comment: bytes = b"") -> bytes:
    """Return the same archive with a zip64 record that alone says where its directory is."""
    end = plain.rindex(b"PK\x05\x06")
    count, _, size, start = struct.unpack_from("<HHLL", plain, end + 8)
    record = b"PK\x06\x06" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, count, count, size, start)
    locator = b"PK\x06\x07" + struct.pack("<LQL", 0, end, 1)
    full = (0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, len(comment))
    return plain[:end] + record + locator + b"PK\x05\x06" + struct.pack("<HHHHLLH", *full) + comment


EXTRA = struct.pack("<HH5s", 0xCAFE, 5, b"extra")  # nobody's
LARGE = os.urandom(70_000)  # more than the end is looked for in
ARCHIVES = {
    "plain": archive(),
    "extra fields": archive(extra=EXTRA),
    "comments": archive(comment=b"a comment"),
    "both": archive(extra=EXTRA * 3, comment=b"a comment"),
    "an archive within": archive(data=archive(extra=EXTRA)),
    "large": archive(data=LARGE, extra=EXTRA, comment=b"!"),
    "zip64": as_zip64(archive(extra=EXTRA, comment=b"!")),
    "large zip64": as_zip64(archive(data=LARGE, extra=EXTRA, comment=b"!")),
    "zip64 with the longest comment": as_zip64(archive(extra=EXTRA), b"c" * 65_535),
    "large zip64 with the longest comment": as_zip64(archive(data=LARGE), b"c" * 65_535),
}


@pytest.mark.parametrize("kind", [*ARCHIVES, *(f"a script before {kind}" for kind in ARCHIVES if "zip64" not in kind)])
def test_every_entry_is_counted(tmp_path: Path, kind: str) -> None:
    """Before one of them is looked at; as many as the limit are read. A zip64 record stands where the archive says."""
    path = tmp_path / "layer.zip"
    what = kind.removeprefix("a script before ")
    path.write_bytes(b"#!/bin/sh\n" * (50 * (what != kind)) + ARCHIVES[what])
    with open_artifact(path, limits=ReadLimits(entries=3)) as artifact:
        assert [entry.path for entry in artifact.entries] == ["a", "bc", "d"]
        assert artifact.zipped_size == path.stat().st_size
    for entries in (0, 1, 2):
        with (
            pytest.raises(ArtifactError, match=f"layer.zip holds more than {entries} entries"),
            open_artifact(path, limits=ReadLimits(entries=entries)),
        ):
            pass


@pytest.mark.parametrize("kind", ARCHIVES)
def test_a_directory_is_as_large_as_it_is(tmp_path: Path, kind: str) -> None:
    """Of that size it is read, and of one byte more than the limit it is not."""
    path = tmp_path / "layer.zip"
    path.write_bytes(ARCHIVES[kind])
    with zipfile.ZipFile(path) as made:
        size = sum(46 + len(info.filename) + len(info.extra) + len(info.comment) for info in made.infolist())
    with open_artifact(path, limits=ReadLimits(directory_bytes=size)) as artifact:
        assert len(artifact.entries) == 3
    with (
        pytest.raises(ArtifactError, match=f"its directory takes {size} bytes, more than the {size - 1} that are read"),
        open_artifact(path, limits=ReadLimits(directory_bytes=size - 1)),
    ):
        pass


@pytest.mark.parametrize("length", [0, 1, 21, 22, 41, 42])
def test_an_end_without_the_rest(tmp_path: Path, length: int) -> None:
    """Of an archive of nothing but its end, however much is cut off of it or stands in front, there is no traceback."""
    end = b"PK\x05\x06" + bytes(18)
    path = tmp_path / "layer.zip"
    path.write_bytes((bytes(20) + end)[:length] if length > 22 else end[:length])
    if length in {22, 42}:
        with open_artifact(path) as artifact:
            assert not artifact.entries
        return
    with pytest.raises(ArtifactError, match=f"{path} is not a zip"), open_artifact(path):
        pass
