"""`layerctl lock` and `layerctl add`: what is asked for, where it is written, and what the lock says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from layerctl.__main__ import main
from layerctl.build import BuildOptions, build_layer
from layerctl.build.lock import read_lock
from layerctl.core.errors import LayerctlError
from layerctl.dependencies import locking
from layerctl.python.uv import find_uv
from tests.support.package_index import package_index
from tests.support.wheels import make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.mini_repository import MiniRepository


@pytest.fixture
def repository(mini: MiniRepository, monkeypatch: pytest.MonkeyPatch) -> Iterator[MiniRepository]:
    """A repository without a lock, and an index with two more distributions, one of them compiled."""
    make_wheel(mini.wheels, "quick", {"quick/__init__.py": ""}, version="1.0")
    make_wheel(mini.wheels, "quick", {"quick/__init__.py": ""}, version="2.0")
    for tag in ("cp311-cp311-manylinux_2_17_x86_64", "cp313-cp313-manylinux_2_17_aarch64"):
        make_wheel(mini.wheels, "native", {f"native/{tag}.txt": tag}, tag=tag, metadata="Requires-Dist: quick<2\n")
    (mini.root / "layer/requirements.txt").unlink()
    (mini.root / "layer/requirements.in").write_text("# what ships\npure-dep\n")
    monkeypatch.chdir(mini.root)
    monkeypatch.delenv("UV_NO_INDEX")
    monkeypatch.delenv("UV_FIND_LINKS")
    with package_index(mini.wheels) as url:
        monkeypatch.setenv("UV_DEFAULT_INDEX", url)
        yield mini


def pinned(mini: MiniRepository) -> dict[str, str]:
    """The names and versions of the lock."""
    return {one.name: one.version for one in read_lock(mini.config)}


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """Run a command line, and return what it says; an error is one line."""
    assert main(arguments) == code
    written = capsys.readouterr()
    if code == 2:
        assert written.err.startswith("error: ")
        assert written.err.count("\n") == 1
    return written.out + written.err


def test_a_lock_pins_everything_with_hashes_for_every_runtime(repository, capsys):
    """Versions, hashes of all wheels, markers where runtimes differ; no address, no option of the index."""
    (repository.root / "layer/requirements.in").write_text("native\nquick; python_version < '3.12'\n")
    assert "native 1.0\nquick 1.0\n" in said(capsys, "lock")
    assert pinned(repository) == {"native": "1.0", "quick": "1.0"}
    assert all(len(one.hashes) == {"native": 2, "quick": 1}[one.name] for one in read_lock(repository.config))
    text = (repository.root / "layer/requirements.txt").read_text()
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links|file:", text)
    assert str(repository.root) not in text


def test_a_lock_is_kept_and_upgraded_when_asked(repository, capsys):
    """What is locked stays as it is; --upgrade, --upgrade-package and --check do what they say."""
    source, lock = (repository.root / f"layer/requirements.{suffix}" for suffix in ("in", "txt"))
    source.write_text("quick<2\npure-dep\n")
    said(capsys, "lock")
    source.write_text("quick\npure-dep\n")
    before = lock.read_text()
    assert "is up to date" in said(capsys, "lock")
    assert "is up to date" in said(capsys, "lock", "--check")
    assert "quick 1.0 -> 2.0" in said(capsys, "lock", "--upgrade", "--dry-run")
    assert "quick 1.0 -> 2.0" in said(capsys, "lock", "--upgrade-package", "quick", "--check", code=1)
    assert lock.read_text() == before
    answer = json.loads(said(capsys, "lock", "--upgrade", "--json"))
    assert (answer["changes"], answer["written"]) == (["quick 1.0 -> 2.0"], True)
    assert pinned(repository)["quick"] == "2.0"


@pytest.mark.parametrize("kind", ["pyproject.toml", "uv.lock"])
def test_a_project_is_locked_and_added_to(repository, kind, capsys):
    """Where there is no requirements.in, the project's own table counts, as its uv.lock has it if there is one."""
    (repository.root / "layer/requirements.in").unlink()
    (repository.root / "pyproject.toml").write_text(
        '[project]\nname = "mini-layer"\nversion = "0.3.0"\nrequires-python = ">=3.11"\n\n'
        '# what it needs\ndependencies = [\n    "pure-dep",\n]\n'
    )
    if kind == "uv.lock":
        subprocess.run([find_uv(), "lock", "-q"], check=True, cwd=repository.root)
    said(capsys, "lock")
    assert pinned(repository) == {"pure-dep": "1.0"}
    said(capsys, "add", "quick<2")
    assert pinned(repository) == {"pure-dep": "1.0", "quick": "1.0"}
    text = (repository.root / "pyproject.toml").read_text()
    assert '"quick<2"' in text
    assert "# what it needs" in text
    said(capsys, "add", "quick==2.0")
    assert pinned(repository) == {"pure-dep": "1.0", "quick": "2.0"}
    said(capsys, "add", "quick<2")
    if kind == "uv.lock":
        assert "uv lock --upgrade" in said(capsys, "lock", "--upgrade", code=2)
        (repository.root / "pyproject.toml").write_text(text.replace('"quick<2"', '"quick>=2"'))
        assert "uv.lock can't be exported" in said(capsys, "lock", code=2)


def test_the_file_to_lock_from_can_be_named(repository, capsys):
    """`layer.lock-from` names the file of the layer, --from any other, such as that of development tools."""
    repository.edit("layer/layer.toml", "[runtimes]", 'lock-from = "../needs/layer.in"\n[runtimes]')
    assert "needs/layer.in" in said(capsys, "lock", code=2)
    (repository.root / "needs").mkdir()
    (repository.root / "needs/layer.in").write_text("quick\n")
    said(capsys, "lock")
    assert pinned(repository) == {"quick": "2.0"}
    (repository.root / "needs/dev.in").write_text("native\n")
    said(capsys, "lock", "--from", "needs/dev.in")
    assert (repository.root / "needs/dev.txt").read_text().count("--hash=") == 3
    assert main(["lock", "--from", "pyproject.toml"]) == 2
    assert "--out" in capsys.readouterr().err


def test_a_package_is_added_once_and_its_comment_kept(repository, capsys):
    """`add` writes the requirement and the lock; a second time it replaces the line."""
    source = repository.root / "layer/requirements.in"
    said(capsys, "add", "quick>=1,<2")
    source.write_text(source.read_text().replace("quick>=1,<2", "Quick>=1,<2  # for speed"))
    said(capsys, "add", "quick==2.0", "native", code=2)
    said(capsys, "add", "quick==2.0")
    assert source.read_text() == "# what ships\npure-dep\nquick==2.0 # for speed\n"
    assert pinned(repository) == {"pure-dep": "1.0", "quick": "2.0"}


@pytest.mark.parametrize("wrong", ["no-such-thing", "quick>=3", "quick ==", "no requirement", "../wheels/nothing.whl"])
def test_what_cannot_be_added_changes_nothing(repository, wrong, capsys):
    """A name that is unknown, a version that is not there, text that is no requirement: one line, nothing written."""
    before = {path: path.read_bytes() for path in repository.root.rglob("*") if path.is_file()}
    said(capsys, "add", wrong, code=2)
    assert {path: path.read_bytes() for path in repository.root.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("kind", ["requirements.in", "pyproject.toml", "uv.lock"])
@pytest.mark.parametrize("added", ["quick<2", "quick>=3"])
def test_add_writes_only_what_can_be_locked(repository, kind, added, monkeypatch):
    """Whatever ends the program while uv resolves, the source is as it was: it is written after that."""
    source = repository.root / ("layer/requirements.in" if kind == "requirements.in" else "pyproject.toml")
    if kind != "requirements.in":
        (repository.root / "layer/requirements.in").unlink()
        source.write_text('[project]\nname = "mini"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = []\n')
    if kind == "uv.lock":
        subprocess.run([find_uv(), "lock", "-q"], check=True, cwd=repository.root)
    before, commands, real = source.read_bytes(), [], locking.run_uv

    def watched(arguments, **options):
        commands.append(arguments[:2])
        assert commands[0] == ["pip", "compile"]
        if len(commands) == 1:
            answer = real(arguments, **options)
            assert source.read_bytes() == before
            return answer
        return real(arguments, **options)

    monkeypatch.setattr(locking, "run_uv", watched)
    possible = added == "quick<2"
    assert main(["add", added]) == (0 if possible else 2)
    assert (source.read_bytes() == before) == (not possible)
    assert possible or len(commands) == 1


def test_a_dry_run_of_add_changes_nothing(repository, capsys):
    """It says what would change."""
    before = {path: path.read_bytes() for path in repository.root.rglob("*") if path.is_file()}
    assert "quick 2.0" in said(capsys, "add", "quick", "--dry-run")
    assert {path: path.read_bytes() for path in repository.root.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("source", ["layer/requirements.in", "requirements.in"])
def test_a_wheel_by_its_file_is_locked_with_its_hash_and_built(repository, source, capsys):
    """A private wheel needs no index: the lock names the file as seen from the lock, and the build takes exactly it."""
    shutil.copytree(repository.wheels, repository.root / "wheels")
    (repository.root / "wheels/quick-2.0-py3-none-any.whl").rename(repository.wheels / "away.whl")
    if source != "layer/requirements.in":
        (repository.root / "layer/requirements.in").rename(repository.root / source)
        repository.edit("layer/layer.toml", "[runtimes]", f'lock-from = "../{source}"\n[runtimes]')
    folder = "../wheels" if source.startswith("layer/") else "./wheels"
    said(capsys, "add", f"{folder}/quick-1.0-py3-none-any.whl")
    lock = repository.root / "layer/requirements.txt"
    assert re.search(r"^\.\./wheels/quick-1\.0-py3-none-any\.whl \\\n +--hash=sha256:", lock.read_text(), re.MULTILINE)
    assert pinned(repository) == {"pure-dep": "1.0", "quick": "1.0"}
    assert "is up to date" in said(capsys, "lock", "--check")
    manifest = build_layer(repository.config, BuildOptions(out=repository.root / "dist")).manifest
    assert "python/quick/__init__.py" in {file.path for file in manifest.files}
    make_wheel(repository.root / "wheels", "quick", {"quick/__init__.py": "CHANGED = 1\n"}, version="1.0")
    with pytest.raises(LayerctlError, match="does not match what the index serves"):
        build_layer(repository.config, BuildOptions(out=repository.root / "dist"))


def test_what_only_has_sources_is_refused(repository, capsys):
    """A layer is made of wheels: what has none is not locked, so that no code runs to build it."""
    (repository.wheels / "raw-1.0.tar.gz").write_bytes(b"")
    assert "raw==1.0 has no usable wheels" in said(capsys, "add", "raw", code=2)


def test_nothing_to_lock_is_a_clear_error(repository, capsys):
    """Without any source the places that were looked at are named."""
    (repository.root / "layer/requirements.in").unlink()
    (repository.root / "pyproject.toml").unlink()
    assert "requirements.in" in said(capsys, "lock", code=2)
