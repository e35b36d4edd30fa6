"""Files are written in one step: whole or as they were."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from layerctl.core.errors import LayerctlError
from layerctl.core.files.atomic import write_bytes


def test_a_file_is_written_with_its_folders_and_only_if_it_differs(tmp_path: Path) -> None:
    """Folders are made, other content is replaced, the same content is not written again."""
    path = tmp_path / "a/b/file"
    write_bytes(path, b"one")
    assert path.read_bytes() == b"one"
    before = path.stat().st_ino
    write_bytes(path, b"one")
    assert path.stat().st_ino == before
    write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("before", [b"one", None])
def test_what_another_program_writes_meanwhile_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bytes | None
) -> None:
    """A file that changes, or comes up, between reading and replacing is an error, and keeps what the other wrote."""
    path = tmp_path / "file"
    if before is not None:
        path.write_bytes(before)
    monkeypatch.setattr(os, "fsync", lambda descriptor: path.write_bytes(b"other"))
    with pytest.raises(LayerctlError, match="file was changed meanwhile; run it again"):
        write_bytes(path, b"two")
    assert path.read_bytes() == b"other"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file where a folder is needed is an error with the path and what to do."""
    (tmp_path / "a").touch()
    with pytest.raises(LayerctlError, match=r"a/file cannot be written: .*; name another"):
        write_bytes(tmp_path / "a/file", b"", hint="name another")
