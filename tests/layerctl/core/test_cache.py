"""The cache folder: entries are whole or not there, whoever asks at once and however filling ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from layerctl.core.errors import LayerctlError
from layerctl.core.files.cache import cache_root, cached_folder, clean_cache


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own."""
    monkeypatch.setenv("LAYERCTL_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_an_entry_is_filled_once() -> None:
    """The second time it is there already."""
    fills: list[Path] = []

    def fill(folder: Path) -> None:
        fills.append(folder)
        (folder / "file").write_text("content")

    assert cached_folder("a/b", fill) == cached_folder("a/b", fill)
    assert len(fills) == 1
    assert (cache_root() / "a/b/file").read_text() == "content"


def test_a_fill_that_fails_leaves_nothing(own_cache: Path) -> None:
    """No half-written entry stays behind, and the next attempt starts anew."""

    def fail(folder: Path) -> None:
        (folder / "half").write_text("")
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        cached_folder("a/b", fail)
    assert [path.name for path in (own_cache / "a").iterdir()] == ["b.lock"]
    assert cached_folder("a/b", lambda folder: None).is_dir()


def test_processes_at_once_share_one_fill(own_cache: Path) -> None:
    """Whoever comes while it is being filled waits, and finds it whole."""
    program = (
        "import os, time; from layerctl.core.files.cache import cached_folder\n"
        "def fill(folder):\n"
        "    (folder / 'one').touch(); time.sleep(0.3); (folder / 'two').touch(); print('filled')\n"
        "print(sorted(os.listdir(cached_folder('a/b', fill))))"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert sum("filled" in output for output in outputs) == 1
    assert all("['one', 'two']" in output for output in outputs)


def test_a_folder_that_cannot_be_written_is_told(own_cache: Path) -> None:
    """The error names the folder and the variable that chooses another."""
    own_cache.write_text("a file")
    with pytest.raises(LayerctlError, match="LAYERCTL_CACHE_DIR"):
        cached_folder("a/b", lambda folder: None)


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As the XDG base directory specification says, a relative path in the variable being none."""
    monkeypatch.delenv("LAYERCTL_CACHE_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    for value, expected in (("/x", Path("/x/layerctl")), ("x", tmp_path / ".cache/layerctl")):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache_root() == expected


def test_cleaning(own_cache: Path) -> None:
    """Every entry goes, with compiled files; what others put into the folder, and what is being filled, stays."""
    for name in ("a/b", "a/c"):
        cached_folder(name, lambda folder: (folder / "file").write_text("12345") and None)
    (own_cache / "bytecode").mkdir()
    (own_cache / "bytecode/x").write_text("123")
    (own_cache / "mine.txt").write_text("kept")
    (own_cache / "mine").mkdir()
    assert (clean_cache(dry_run=True).entries, (own_cache / "a/b/file").is_file()) == (3, True)
    with FileLock(own_cache / "a/c.lock"):
        cleaned = clean_cache()
    assert (cleaned.entries, cleaned.size) == (2, 8)
    assert [path for path, _ in cleaned.left] == [own_cache / "a/c"]
    assert sorted(path.name for path in own_cache.iterdir()) == ["a", "mine", "mine.txt"]
    assert clean_cache().entries == 1
    assert list((own_cache / "a").iterdir()) == []
