"""Reading, unpacking and writing artifacts, also such as were made to do harm."""

from __future__ import annotations

import io
import os
import random
import stat
import struct
import warnings
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerctl.artifact import ArtifactError, ReadLimits, content_digest, open_artifact, unpack, write_zip


def _zip(path: Path, files: dict[str, bytes], modes: dict[str, int] | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = (modes or {}).get(name, stat.S_IFREG | 0o644) << 16
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return path


def _kinds(path: Path) -> set[str]:
    with open_artifact(path, strict=False) as artifact:
        return {problem.kind for problem in artifact.problems}


def test_zip_and_folder_are_the_same_artifact(tmp_path: Path) -> None:
    """The same files have the same digest, packed or not, whatever the folder's modes."""
    packed = _zip(tmp_path / "a.zip", {"python/b.py": b"b", "python/a.py": b"a"}, {"python/b.py": 0o100755})
    folder = unpack(packed, tmp_path / "a")
    (folder / "python/a.py").chmod(0o600)
    with open_artifact(packed) as first, open_artifact(folder) as second:
        assert [entry.path for entry in first.entries] == ["python/a.py", "python/b.py"]
        assert first.content_digest() == second.content_digest()
        assert second.zipped_size is None


def test_the_digest_is_as_documented() -> None:
    """SHA-256 over the lines path NUL mode NUL hash LF, sorted by the path's bytes."""
    import hashlib

    lines = b"python/B\x000755\x00" + b"2" * 64 + b"\n" + b"python/a\x000644\x00" + b"1" * 64 + b"\n"
    files = [("python/a", 0o644, "1" * 64), ("python/B", 0o755, "2" * 64)]
    assert content_digest(files) == "sha256:" + hashlib.sha256(lines).hexdigest()


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "python/../../outside",
        "/etc/outside",
        "C:/outside",
        "python\\outside",
        "a//b",
        "./a",
        "a\nb",
        "a" * 300,
    ],
)
def test_names_that_leave_the_root(tmp_path: Path, name: str) -> None:
    """Such an archive is refused, nothing is written anywhere, and the reason is told."""
    path = _zip(tmp_path / "evil.zip", {"python/fine.py": b"", name: b"owned"})
    assert _kinds(path) == {"path"}
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ArtifactError, match="not safe to read"):
        unpack(path, tmp_path / "target")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_name_with_nul_is_not_cut(tmp_path: Path) -> None:
    """Python's zipfile cuts a name at its first NUL, other readers don't: it is refused."""
    path = _zip(tmp_path / "nul.zip", {"python/aXb.py": b""})
    path.write_bytes(path.read_bytes().replace(b"python/aXb.py", b"python/a\0b.py"))
    assert _kinds(path) == {"path"}


def test_links_and_devices(tmp_path: Path) -> None:
    """Links and special files are refused, in a zip and in a folder, and never followed."""
    path = _zip(tmp_path / "link.zip", {"python/link": b"/etc/passwd"}, {"python/link": stat.S_IFLNK | 0o777})
    assert _kinds(path) == {"link"}
    path = _zip(tmp_path / "pipe.zip", {"python/pipe": b""}, {"python/pipe": stat.S_IFIFO | 0o644})
    assert _kinds(path) == {"special"}
    folder = tmp_path / "folder" / "python"
    folder.mkdir(parents=True)
    (folder / "link.py").symlink_to("/etc/passwd")
    (folder / "outside").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    assert _kinds(tmp_path / "folder") == {"link", "special"}
    with open_artifact(tmp_path / "folder", strict=False) as artifact:
        assert artifact.entries == ()


def test_duplicates(tmp_path: Path) -> None:
    """Two entries of one name, or a file that another entry needs as a folder, are refused."""
    with warnings.catch_warnings(action="ignore"):
        path = tmp_path / "twice.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("python/a.py", "one")
            archive.writestr("python/a.py", "two")
    assert _kinds(path) == {"duplicate"}
    assert _kinds(_zip(tmp_path / "both.zip", {"python/a": b"", "python/a/b.py": b""})) == {"duplicate"}


def test_damaged_data(tmp_path: Path) -> None:
    """A wrong CRC and a damaged stream are found when the file is read, and the file is named."""
    noise = random.Random(1).randbytes(5_000)
    path = _zip(tmp_path / "good.zip", {"python/a.py": noise, "python/b.py": b"fine"})
    data = bytearray(path.read_bytes())
    data[200] ^= 0xFF
    path.write_bytes(data)
    with open_artifact(path) as artifact:
        first, second = artifact.entries
        with pytest.raises(ArtifactError, match=r"python/a\.py: its data is damaged"):
            artifact.read(first)
        assert artifact.read(second) == b"fine"
    with pytest.raises(ArtifactError):
        unpack(path, tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_encrypted_and_odd_compression(tmp_path: Path) -> None:
    """Encrypted entries and methods other than deflate are refused."""
    path = _zip(tmp_path / "secret.zip", {"python/a.py": b"text"})
    data = bytearray(path.read_bytes())
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    path.write_bytes(data)
    assert _kinds(path) == {"encrypted"}
    path = tmp_path / "lzma.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("python/a.py", "text")
    assert _kinds(path) == {"compression"}


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """An archive that unpacks to more than the limit, or claims an impossible ratio, is refused unread."""
    path = _zip(tmp_path / "bomb.zip", {f"python/{number}": bytes(100_000) for number in range(20)})
    with (
        pytest.raises(ArtifactError, match="unpacks to 2000000 bytes"),
        open_artifact(path, limits=ReadLimits(unpacked_bytes=1_000_000)),
    ):
        pass
    path = _zip(tmp_path / "liar.zip", {"python/a": b"x"})
    data = bytearray(path.read_bytes())
    central = data.index(b"PK\x01\x02")
    struct.pack_into("<L", data, central + 24, 500_000_000)
    path.write_bytes(data)
    assert _kinds(path) == {"size"}


def test_a_hundred_thousand_entries(tmp_path: Path) -> None:
    """Too many entries are counted without making an object of each, also when the archive states fewer."""
    name = b"python/%07d"
    central = b"".join(
        struct.pack("<4sBBHHHHHLLLHHHHHLL", b"PK\x01\x02", 20, 3, 20, 0, 0, 0, 33, 0, 0, 0, 14, 0, 0, 0, 0, 0, 0)
        + name % number
        for number in range(100_000)
    )
    path = tmp_path / "many.zip"
    path.write_bytes(central + struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 1, 1, len(central), 0, 0))
    with pytest.raises(ArtifactError, match="more than 50000 entries"), open_artifact(path):
        pass
    with (
        pytest.raises(ArtifactError, match="its directory takes"),
        open_artifact(path, limits=ReadLimits(directory_bytes=1_000)),
    ):
        pass


def test_a_folder_of_too_many_files(tmp_path: Path) -> None:
    """The limits hold for folders too."""
    for number in range(4):
        (tmp_path / str(number)).write_bytes(bytes(10))
    with pytest.raises(ArtifactError, match="more than 3 files"), open_artifact(tmp_path, limits=ReadLimits(entries=3)):
        pass
    with (
        pytest.raises(ArtifactError, match="holds 40 bytes"),
        open_artifact(tmp_path, limits=ReadLimits(unpacked_bytes=39)),
    ):
        pass


def test_modes_of_a_folder(tmp_path: Path) -> None:
    """Files and folders below have the bits that they have."""
    (tmp_path / "sub").mkdir(mode=0o711)
    (tmp_path / "sub" / "a").write_bytes(b"")
    (tmp_path / "sub" / "a").chmod(0o604)
    (tmp_path / "sub").chmod(0o711)
    with open_artifact(tmp_path) as artifact:
        assert [(entry.path, entry.mode) for entry in artifact.folders] == [("sub", 0o711)]
        assert [(entry.path, entry.mode) for entry in artifact.entries] == [("sub/a", 0o604)]


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip at all" * 10, b"PK\x05\x06" + b"\xff" * 18])
def test_no_zip_at_all(tmp_path: Path, data: bytes) -> None:
    """Something else under the name is refused in one line."""
    path = tmp_path / "x.zip"
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match=r"^[^\n]+$"), open_artifact(path):
        pass


def test_an_empty_zip(tmp_path: Path) -> None:
    """It is an artifact without entries."""
    path = tmp_path / "x.zip"
    path.write_bytes(b"PK\x05\x06" + bytes(18))
    with open_artifact(path) as artifact:
        assert artifact.entries == ()


def test_a_missing_file(tmp_path: Path) -> None:
    """It is told by name."""
    with pytest.raises(ArtifactError, match=r"none\.zip does not exist"), open_artifact(tmp_path / "none.zip"):
        pass


def test_offsets_beyond_all_files(tmp_path: Path) -> None:
    """Offsets of 2**64, which zip64 can state, are damage like any other."""
    path = _zip(tmp_path / "a.zip", {"python/a.py": b"text"})
    data = path.read_bytes()
    central = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    record = bytearray(data[central:end])
    struct.pack_into("<H", record, 30, 12)  # length of the extra field
    struct.pack_into("<L", record, 42, 0xFFFFFFFF)  # the local header's offset is in the extra field
    record += struct.pack("<HHQ", 1, 8, 2**64 - 2)
    tail = bytearray(data[end:])
    struct.pack_into("<L", tail, 12, len(record))
    path.write_bytes(data[:central] + record + tail)
    with pytest.raises(ArtifactError), open_artifact(path) as artifact:
        artifact.read(artifact.entries[0])
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 2**64 - 2, 1)
    path.write_bytes(data[:end] + locator + data[end:])
    with pytest.raises(ArtifactError), open_artifact(path):
        pass


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 255)), min_size=1, max_size=8), st.integers(0, 2_000))
def test_any_damage_is_an_artifact_error(damage: list[tuple[int, int]], cut: int) -> None:
    """However a zip is damaged, reading it either works or says so; no other exception gets out."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("python/a.py", b"a" * 500)
        archive.writestr("python/b.py", bytes(range(256)) * 2)
    data = bytearray(stream.getvalue())
    for at, value in damage:
        data[at % len(data)] = value
    path = Path("/dev/shm" if Path("/dev/shm").is_dir() else "/tmp", f"layerctl-test-{os.getpid()}.zip")
    path.write_bytes(data[: len(data) - cut % 40] if cut % 3 == 0 else data)
    try:
        with open_artifact(path, strict=False) as artifact:
            for entry in artifact.entries:
                artifact.read(entry)
    except ArtifactError:
        pass
    finally:
        path.unlink()


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
def test_unpacking_ignores_the_umask(tmp_path: Path, umask: int) -> None:
    """Files are 0644 or 0755 and folders 0755, as Lambda needs them."""
    path = _zip(tmp_path / "a.zip", {"python/a/b.py": b"", "python/run": b""}, {"python/run": 0o100700})
    before = os.umask(umask)
    try:
        target = unpack(path, tmp_path / "target")
    finally:
        os.umask(before)
    modes = {place.relative_to(target).as_posix(): place.stat().st_mode & 0o7777 for place in target.rglob("*")}
    assert modes == {"python": 0o755, "python/a": 0o755, "python/a/b.py": 0o644, "python/run": 0o755}
    assert target.stat().st_mode & 0o777 == 0o755


def test_unpacking_needs_an_empty_target(tmp_path: Path) -> None:
    """What is in a folder already is never mixed with a layer."""
    path = _zip(tmp_path / "a.zip", {"python/a.py": b""})
    (tmp_path / "empty").mkdir()
    assert (unpack(path, tmp_path / "empty") / "python/a.py").is_file()
    with pytest.raises(ArtifactError, match="not an empty folder"):
        unpack(path, tmp_path / "empty")


def test_an_error_of_the_caller_stays_what_it_is(tmp_path: Path) -> None:
    """Only reading the archive raises ArtifactError; what the caller raises passes unchanged."""
    path = _zip(tmp_path / "a.zip", {"python/a.py": b""})
    with pytest.raises(ValueError, match="mine"), open_artifact(path):
        raise ValueError("mine")


def test_writing_is_repeatable(tmp_path: Path) -> None:
    """A zip is the same bytes whatever the order, dates and modes of the files that it is made from."""
    for name, order in (("a", ["x.py", "y.py"]), ("b", ["y.py", "x.py"])):
        folder = tmp_path / name / "python"
        folder.mkdir(parents=True)
        for file in order:
            (folder / file).write_text(file)
        with open_artifact(tmp_path / name) as artifact:
            write_zip(artifact, tmp_path / f"{name}.zip")
        os.utime(folder / "x.py", (1, 1))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
