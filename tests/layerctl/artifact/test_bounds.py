"""What exactly is refused of an artifact, with which words; what is read, written and unpacked of it, to the byte."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest

from layerctl.artifact import ArtifactError, ReadLimits, open_artifact, unpack, write_zip
from layerctl.artifact.entry import ArtifactEntry, ArtifactProblem, kind_problem, path_problem, tree_problems
from layerctl.artifact.folder import FolderArtifact

if TYPE_CHECKING:
    from pathlib import Path

CONTROL = "the name is empty or holds control characters"
DOT = "the name holds an empty or '.' component"
BACKSLASH = "the name holds a backslash, which is no separator on Lambda"
LONG = "the name is too long for a file system"
DEEP = "/".join(["d" * 99] * 40)  # 3,999 characters

NAMES: list[tuple[str, str | None]] = [
    *(("python/a.py", None), ("a b", None), ("~", None), ("ü", None), ("...", None), ("1:", None)),
    *(("", CONTROL), ("a\nb", CONTROL), ("\x1f", CONTROL), ("\x7f", CONTROL), ("a\x00", CONTROL), ("\x80", None)),
    *(
        ("/a", "the name is absolute"),
        ("C:a", "the name is absolute"),
        ("z:", "the name is absolute"),
        ("a:b", "the name is absolute"),
        ("ab:c", None),
    ),
    *(
        ("a\\b", BACKSLASH),
        ("..", "the name leaves the root with '..'"),
        ("a/../b", "the name leaves the root with '..'"),
    ),
    *(("a//b", DOT), ("a/./b", DOT), (".", DOT), ("a/", DOT), ("..a/b..", None)),
    *(("a" * 255, None), ("a" * 256, LONG), ("ü" * 127, None), ("ü" * 128, LONG), (DEEP + "/", DOT)),
    *((DEEP + "a", None), (DEEP + "ab", LONG)),
]


@pytest.mark.parametrize(("name", "message"), NAMES, ids=lambda value: repr(value)[:24])
def test_which_names_are_refused(name: str, message: str | None) -> None:
    """A name is relative, plain and not too long; a problem says which one, and shortens it where it is long."""
    expected = None if message is None else ArtifactProblem("path", name[:200] if message == LONG else name, message)
    assert path_problem(name) == expected


def test_a_name_that_is_no_text() -> None:
    """It is shown as far as it is."""
    assert path_problem("a\udcffb") == ArtifactProblem("path", "a\\udcffb", "the name is not UTF-8")


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        *((0, None), (0o644, None), (stat.S_IFREG | 0o755, None), (stat.S_IFLNK | 0o777, "link")),
        *((stat.S_IFDIR | 0o755, "special"), (stat.S_IFIFO, "special"), (stat.S_IFBLK, "special")),
    ],
)
def test_which_kinds_of_files_are_refused(mode: int, kind: str | None) -> None:
    """Links and whatever is no file, each named."""
    messages = {"link": "it is a symbolic link", "special": "it is neither a file nor a folder"}
    assert kind_problem("a/b", mode) == (None if kind is None else ArtifactProblem(kind, "a/b", messages[kind]))


def test_names_that_exclude_each_other() -> None:
    """Each that is there twice, once for each time too many, then each that is a file and a folder, in order."""
    twice = "the name is there twice, and readers differ in which one they take"
    both = "it is a file and a folder at once"
    assert tree_problems(["b/c/d", "a", "a", "b", "b/c", "a", "e/f"]) == [
        ArtifactProblem("duplicate", "a", twice),
        ArtifactProblem("duplicate", "a", twice),
        ArtifactProblem("duplicate", "b", both),
        ArtifactProblem("duplicate", "b/c", both),
    ]
    assert tree_problems(["a/b", "a/c", "ab"]) == []


def test_a_problem_names_its_entry() -> None:
    """Of the whole archive there is none to name."""
    assert str(ArtifactProblem("size", "a/b", "too large")) == "a/b: too large"
    assert str(ArtifactProblem("size", "", "too large")) == "too large"


def opened(path: Path, limits: ReadLimits | None = None) -> int:
    """Open an artifact, and return how many files it holds."""
    with open_artifact(path, limits=limits) as artifact:
        return len(artifact.entries)


def make(path: Path, names: list[str], *, system: int = 3, mode: int = 0, data: bytes = b"x" * 1000) -> Path:
    """Write a zip with such entries."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.create_system = system
            info.external_attr = mode << 16 | 1  # zipfile replaces 0
            archive.writestr(info, b"" if name.endswith("/") else data, zipfile.ZIP_DEFLATED)
    return path


@pytest.mark.parametrize(
    ("system", "mode", "file", "folder"),
    [
        *((3, 0o100640, 0o640, 0o640), (3, 0, 0o644, 0o755), (3, 0o755, 0o755, 0o755)),
        *((0, 0o100700, 0o644, 0o755), (0, 0o120777, 0o644, 0o755)),
    ],
)
def test_modes_are_those_of_unix_archives(tmp_path: Path, system: int, mode: int, file: int, folder: int) -> None:
    """Where another system made the archive, or none is stored, files have 0o644 and folders 0o755."""
    with open_artifact(make(tmp_path / "a.zip", ["a/", "b/", "a/x.py", "Z"], system=system, mode=mode)) as artifact:
        assert [(entry.path, entry.mode, entry.size) for entry in artifact.entries] == [
            ("Z", file, 1000),
            ("a/x.py", file, 1000),
        ]
        assert [(entry.path, entry.mode, entry.size) for entry in artifact.folders] == [
            ("a", folder, 0),
            ("b", folder, 0),
        ]


def test_what_is_wrong_with_an_entry_hides_none_behind_it(tmp_path: Path) -> None:
    """Every problem is told, and what is sound is listed, in a zip and in a folder, in the order of bytes."""
    zipped = make(tmp_path / "a.zip", ["ok", "../out", "a\\b/", "é", "z/", "twice", "b"])
    with open_artifact(zipped, strict=False) as artifact:
        assert [entry.path for entry in artifact.entries] == ["b", "ok", "twice", "é"]
        assert {(problem.kind, problem.path) for problem in artifact.problems} == {("path", "../out"), ("path", "a\\b")}
    folder = tmp_path / "folder"
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / "link").symlink_to("sub")
    (folder / "sub" / "deep" / "x").write_bytes(b"12345")
    (folder / "a").write_bytes(b"1")
    (folder / "b\\c").write_bytes(b"1")
    os.mkfifo(folder / "pipe")
    with open_artifact(folder, strict=False) as artifact:
        assert [(entry.path, entry.size) for entry in artifact.entries] == [("a", 1), ("sub/deep/x", 5)]
        assert [entry.path for entry in artifact.folders] == ["sub", "sub/deep"]
        assert sorted((problem.kind, problem.path) for problem in artifact.problems) == [
            *(("link", "link"), ("path", "b\\c"), ("special", "pipe"))
        ]
        assert artifact.size == 6


@pytest.mark.parametrize(("claimed", "refused"), [(1_040 * 100 + 1_024, False), (1_040 * 100 + 1_025, True)])
def test_a_size_that_deflate_cannot_reach_is_a_lie(tmp_path: Path, claimed: int, *, refused: bool) -> None:
    """An entry of 100 compressed bytes claims at most a little more than 1,032 times of them."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"x" * 100)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<L", claimed)
    path.write_bytes(data)
    with open_artifact(path, strict=False) as artifact:
        found = [(problem.kind, problem.path, problem.message) for problem in artifact.problems]
        assert found == ([("size", "a", f"it claims {claimed} bytes from 100")] if refused else [])


@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_the_limits_are_what_is_taken_at_most(tmp_path: Path, kind: str) -> None:
    """As many files and bytes as the limit are taken; with one more the message says the limit."""
    path = make(tmp_path / "a.zip", ["a", "b"])
    if kind == "folder":
        path = unpack(path, tmp_path / "folder")
    assert opened(path, ReadLimits(entries=2, unpacked_bytes=2000)) == 2
    with pytest.raises(ArtifactError) as many:
        opened(path, ReadLimits(entries=1))
    with pytest.raises(ArtifactError) as large:
        opened(path, ReadLimits(unpacked_bytes=1999))
    if kind == "zip":
        assert str(many.value).startswith(f"{path} holds more than 1 entries")
        assert many.value.problem == ArtifactProblem("size", "", "too many entries")
        assert many.value.hint == "no layer needs that many files"
        assert str(large.value).startswith(f"{path} unpacks to 2000 bytes, more than the 1999 that are read at most")
        assert large.value.problem == ArtifactProblem("size", "", "too large")
        assert large.value.hint == "Lambda takes 262,144,000 bytes"
    else:
        assert str(many.value).startswith(f"{path} holds more than 1 files")
        assert many.value.hint == "that is no layer"
        assert str(large.value).startswith(f"{path} holds 2000 bytes, more than the 1999 that are read at most")


def test_the_directory_of_a_zip_has_a_limit(tmp_path: Path) -> None:
    """Of exactly so many bytes it is read; the size that a zip64 record states counts where there is one."""
    path = make(tmp_path / "a.zip", ["a", "bc"])
    size = 2 * 46 + 3
    assert opened(path, ReadLimits(directory_bytes=size)) == 2
    with pytest.raises(ArtifactError) as caught:
        opened(path, ReadLimits(directory_bytes=size - 1))
    assert str(caught.value).startswith(
        f"{path}: its directory takes {size} bytes, more than the {size - 1} that are read"
    )
    assert caught.value.problem == ArtifactProblem("size", "", "too large a directory")
    assert caught.value.hint == "no layer needs that many files"


@pytest.mark.parametrize("in_front", [b"", b"#!/bin/sh\n" * 50])
def test_a_zip64_archive_is_read(tmp_path: Path, in_front: bytes) -> None:
    """With its entries counted; a locator that leads nowhere is an error."""
    path = make(tmp_path / "a.zip", ["a", "b", "c"])
    data = path.read_bytes()
    end = data.rindex(b"PK\x05\x06")
    count, _, size, start = struct.unpack_from("<HHLL", data, end + 8)
    record = b"PK\x06\x06" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, count, count, size, start)
    locator = b"PK\x06\x07" + struct.pack("<LQL", 0, end, 1)
    path.write_bytes(data[:end] + record + locator + data[end:])
    with open_artifact(path) as artifact:
        assert [entry.path for entry in artifact.entries] == ["a", "b", "c"]
        assert artifact.read(artifact.require("b")) == b"x" * 1000
    with pytest.raises(ArtifactError, match="holds more than 2 entries"):
        opened(path, ReadLimits(entries=2))
    with pytest.raises(ArtifactError, match=f"its directory takes {size} bytes"):
        opened(path, ReadLimits(directory_bytes=size - 1))
    path.write_bytes(data[:end] + b"XX" + record[2:] + locator + data[end:])
    with pytest.raises(ArtifactError, match="is not a readable zip: its zip64 record is missing"):
        opened(path)
    path.write_bytes(in_front + data)
    with open_artifact(path) as artifact:
        assert len(artifact.entries) == 3


def test_the_end_of_a_zip_is_found_behind_the_longest_comment(tmp_path: Path) -> None:
    """65,535 bytes of it; an end that is cut is none."""
    path = make(tmp_path / "a.zip", ["a"])
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"c" * 65_535
    with open_artifact(path) as artifact:
        assert len(artifact.entries) == 1
    path.write_bytes(b"PK\x05\x06" + b"\0" * 17)
    with pytest.raises(ArtifactError) as caught:
        opened(path)
    assert str(caught.value).startswith(f"{path} is not a zip")
    assert caught.value.hint == "name a layer's zip or folder"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """With the system's reason: gone since it was listed, or a link by now."""
    folder = unpack(make(tmp_path / "a.zip", ["a", "b"]), tmp_path / "folder")
    with open_artifact(folder) as artifact:
        (folder / "a").unlink()
        (folder / "b").unlink()
        (folder / "b").symlink_to("/etc/hostname")
        with pytest.raises(ArtifactError, match=f"^{folder / 'a'} cannot be read: No such file or directory"):
            artifact.read(artifact.require("a"))
        with pytest.raises(ArtifactError, match=f"^{folder / 'b'} cannot be read: Too many levels of symbolic links"):
            artifact.read(artifact.require("b"))
        (folder / "a").mkdir()
        with pytest.raises(ArtifactError, match=f"{folder}.*a cannot be read: Is a directory"):
            artifact.read(artifact.require("a"))
        with pytest.raises(ArtifactError, match=f"^{folder} holds no c"):
            artifact.require("c")
        assert artifact.get("c") is None


def test_large_files_are_read_in_pieces(tmp_path: Path) -> None:
    """And their hash is that of the whole."""
    import hashlib

    data = os.urandom(700_000)
    zipped = make(tmp_path / "a.zip", ["a"], data=data)
    for path in (zipped, unpack(zipped, tmp_path / "folder")):
        with open_artifact(path) as artifact:
            entry = artifact.require("a")
            assert [len(chunk) for chunk in artifact.chunks(entry)] == [262_144, 262_144, 175_712]
            assert artifact.read(entry) == data
            assert artifact.sha256(entry) == hashlib.sha256(data).hexdigest()


def test_a_zip_that_is_written_is_as_lambda_likes_it(tmp_path: Path) -> None:
    """Regular files of Unix, 0o644 or 0o755, from 1980, deflated as far as it goes, in order, without folders."""
    source = tmp_path / "folder"
    (source / "python").mkdir(parents=True)
    data = b"".join(b'{"n": %d, "s": %d}, ' % (number, number * number) for number in range(2_000))
    (source / "python" / "b.py").write_bytes(data)
    (source / "python" / "a.sh").write_bytes(b"a")
    (source / "python" / "b.py").chmod(0o664)
    (source / "python" / "a.sh").chmod(0o711)
    with open_artifact(source) as artifact:
        write_zip(artifact, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        infos = archive.infolist()
        assert archive.read("python/b.py") == data
    assert [(info.filename, info.external_attr >> 16, info.create_system) for info in infos] == [
        ("python/a.sh", 0o100755, 3),
        ("python/b.py", 0o100644, 3),
    ]
    assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
    assert {info.compress_type for info in infos} == {zipfile.ZIP_DEFLATED}
    usual, best = (zlib.compressobj(level, zlib.DEFLATED, -15) for level in (-1, 9))
    sizes = [len(one.compress(data) + one.flush()) for one in (usual, best)]
    assert sizes[1] < sizes[0]
    assert infos[1].compress_size == sizes[1]


def test_unpacking_makes_what_is_missing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Folders above the target too; on an error nothing but them, and the message says what is in the way."""
    zipped = make(tmp_path / "a.zip", ["python/a/b.py", "c"], mode=0o100755)
    target = unpack(zipped, tmp_path / "not" / "there" / "target")
    assert target == tmp_path / "not" / "there" / "target"
    assert sorted(str(path.relative_to(target)) for path in target.rglob("*")) == [
        "c",
        "python",
        "python/a",
        "python/a/b.py",
    ]
    assert list(target.parent.iterdir()) == [target]
    with pytest.raises(ArtifactError) as caught:
        unpack(zipped, target)
    assert str(caught.value).startswith(f"{target} exists and is not an empty folder")
    assert caught.value.hint == "unpack into a new folder"
    damaged = bytearray(zipped.read_bytes())
    damaged[46:50] = b"0123"
    zipped.write_bytes(damaged)
    with pytest.raises(ArtifactError):
        unpack(zipped, tmp_path / "other" / "target")
    assert list((tmp_path / "other").iterdir()) == []


def test_unpacking_works_beside_the_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the same file system, under a hidden name that says whose it is; what cannot be written is named."""
    seen: list[str] = []
    real = os.mkdir

    def note(path: str, mode: int = 0o777, **options: int) -> None:
        seen.append(str(path))
        real(path, mode, **options)

    monkeypatch.setattr(os, "mkdir", note)
    unpack(make(tmp_path / "a.zip", ["a"]), tmp_path / "target")
    assert seen[-1].startswith(f"{tmp_path}/.target-")

    def refuse(self: object, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted", str(tmp_path / "x"))

    monkeypatch.setattr("pathlib.Path.chmod", refuse)
    with pytest.raises(ArtifactError, match=f"^{tmp_path / 'x'} cannot be written: Operation not permitted"):
        unpack(tmp_path / "a.zip", tmp_path / "second")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "target"]


def test_entries_are_compared_by_what_they_say() -> None:
    """Their place in an archive does not count."""
    assert ArtifactEntry("a", 0o644, 1, index=5) == ArtifactEntry("a", 0o644, 1)
    assert ArtifactEntry("a", 0o700).canonical_mode == ArtifactEntry("a", 0o110).canonical_mode == 0o755
    assert ArtifactEntry("a", 0o677).canonical_mode == 0o644


class Broken(io.BytesIO):
    """A file on a disk that fails."""

    def read(self, size: int | None = -1) -> bytes:
        """Fail."""
        raise OSError(5, "Input/output error")


def test_a_folder_or_a_disk_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the system's reason."""
    folder = unpack(make(tmp_path / "a.zip", ["a"]), tmp_path / "folder")
    monkeypatch.setattr(FolderArtifact, "open", lambda self, entry: Broken())
    with open_artifact(folder) as artifact, pytest.raises(ArtifactError) as caught:
        artifact.read(artifact.require("a"))
    assert str(caught.value).startswith(f"{folder}: a cannot be read: Input/output error")

    def refuse(place: object) -> None:
        raise PermissionError(13, "Permission denied", "some/where")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(ArtifactError, match=r"^some/where cannot be read: Permission denied"):
        opened(folder)
