"""`layerctl build` on a small repository: content, reproducibility, staging."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from layerctl.__main__ import main
from layerctl.artifact import open_artifact
from layerctl.build import BuildOptions, build_layer
from layerctl.build.manifest import Manifest, manifest_path
from layerctl.verify import verify

if TYPE_CHECKING:
    from tests.support.mini_repository import MiniRepository

ZIP = "dist/mini-0.3.0.zip"


def _build(mini: MiniRepository, **options: bool) -> Manifest:
    return build_layer(mini.config, BuildOptions(out=mini.root / "dist", **options)).manifest


def _paths(mini: MiniRepository) -> set[str]:
    with open_artifact(mini.root / ZIP) as artifact:
        return {entry.path for entry in artifact.entries if not entry.path.endswith(".pyc")}


def test_the_content_is_what_a_function_needs(mini: MiniRepository) -> None:
    """The zip holds what the wheels hold; no scripts and no installers' notes."""
    _build(mini)
    assert _paths(mini) == {
        "python/mini_layer-0.3.0.dist-info/METADATA",
        "python/mini_layer-0.3.0.dist-info/RECORD",
        "python/mini_layer-0.3.0.dist-info/WHEEL",
        "python/mini_layer-0.3.0.dist-info/licenses/LICENSE",
        "python/mini_layer/__init__.py",
        "python/mini_layer/clock.py",
        "python/pure_dep-1.0.dist-info/METADATA",
        "python/pure_dep-1.0.dist-info/RECORD",
        "python/pure_dep-1.0.dist-info/WHEEL",
        "python/pure_dep/__init__.py",
        "python/pure_dep/__init__.pyi",
        "python/pure_dep/py.typed",
        "python/pure_dep/tests/__init__.py",
        "python/pure_dep/tests/test_one.py",
    }


def test_zip_entries_are_sorted_dated_1980_and_readable_for_all(mini: MiniRepository) -> None:
    """Order, dates and modes are fixed, and no entry stands for a folder."""
    _build(mini)
    with zipfile.ZipFile(mini.root / ZIP) as archive:
        infos = archive.infolist()
    assert [info.filename for info in infos] == sorted(info.filename for info in infos)
    assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
    assert {oct(info.external_attr >> 16) for info in infos} == {oct(0o100644)}


def test_the_manifest_tells_the_truth(mini: MiniRepository) -> None:
    """Sizes, hashes, digests and owners in the manifest are those of the zip, and it reads back as written."""
    mini.commit()
    manifest = _build(mini)
    written = Manifest.load(manifest_path(mini.root / ZIP))
    assert written == manifest
    with open_artifact(mini.root / ZIP) as artifact:
        assert manifest.content_digest == artifact.content_digest()
        assert manifest.unzipped_size == artifact.size
        assert manifest.zip.size == artifact.zipped_size
        assert {file.path: file.sha256 for file in manifest.files} == {
            entry.path: artifact.sha256(entry) for entry in artifact.entries
        }
    assert all(file.distribution in {"mini-layer", "pure-dep"} for file in manifest.files)
    own = next(one for one in manifest.distributions if one.name == "mini-layer")
    assert (own.version, own.licence, own.depends_on, own.locked) == ("0.3.0", "MIT", ("pure-dep",), ())
    dependency = next(one for one in manifest.distributions if one.name == "pure-dep")
    assert dependency.locked == (mini.locked[0].sha256,)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=mini.root, check=True, capture_output=True, text=True)
    assert manifest.source.commit == commit.stdout.strip()
    assert not manifest.source.dirty
    mini.edit("src/mini_layer/clock.py", "tick", "beat")
    assert _build(mini).source.dirty


def test_records_list_what_ships(mini: MiniRepository) -> None:
    """RECORD has a row for each file but bytecode, so it does not depend on the builder's interpreters."""
    _build(mini)
    with zipfile.ZipFile(mini.root / ZIP) as archive:
        rows = archive.read("python/pure_dep-1.0.dist-info/RECORD").decode().splitlines()
    assert [row.split(",")[0] for row in rows] == [
        "pure_dep/__init__.py",
        "pure_dep/__init__.pyi",
        "pure_dep/py.typed",
        "pure_dep/tests/__init__.py",
        "pure_dep/tests/test_one.py",
        "pure_dep-1.0.dist-info/METADATA",
        "pure_dep-1.0.dist-info/WHEEL",
        "pure_dep-1.0.dist-info/RECORD",
    ]


def test_one_digest_whoever_builds(mini: MiniRepository, tmp_path: Path) -> None:
    """Another folder, umask, time zone, locale, HOME and hash seed, with junk and without git: the same sha256."""
    mini.commit()
    other = tmp_path / "somewhere" / "else"
    other.parent.mkdir()
    subprocess.run(["cp", "-r", mini.root, other], check=True)
    subprocess.run(["rm", "-rf", other / ".git"], check=True)
    (other / "src/mini_layer/__pycache__").mkdir()
    (other / "src/mini_layer/__pycache__/clock.cpython-311.pyc").write_bytes(b"junk")
    (other / "src/mini_layer/.clock.py.swp").write_bytes(b"junk")
    home = tmp_path / "home"
    home.mkdir()
    plain = {"LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "1"}
    odd = {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "77"}
    odd |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "PYTHONOPTIMIZE": "2", "PYTHONUTF8": "0"}
    results = [
        _build_elsewhere(root, os.environ | extra, umask)
        for root, extra, umask in ((mini.root, plain, 0o022), (other, odd, 0o077))
    ]
    assert results[0]["runtimes"] == results[1]["runtimes"], "both must have found the same interpreters"
    assert results[0]["sha256"] == results[1]["sha256"]
    assert results[0]["content_digest"] == results[1]["content_digest"]
    assert (other / ZIP).stat().st_mode & 0o777 == 0o644
    assert (other / "layer/python/mini_layer").stat().st_mode & 0o777 == 0o755


def _build_elsewhere(root: Path, environ: dict[str, str], umask: int) -> dict[str, object]:
    result = subprocess.run(
        [sys.executable, "-m", "layerctl", "build", "--json"],
        cwd=root,
        env=environ,
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    facts = json.loads(result.stdout)
    assert isinstance(facts, dict)
    return facts


def test_strays_stay_out_and_new_modules_get_in(mini: MiniRepository) -> None:
    """In a checkout an untracked module is built (with a warning); compiled files, notes and ignored files are not."""
    (mini.root / ".gitignore").write_text("/build/\n/dist/\nsecret_settings.py\n__pycache__/\n")
    mini.commit()
    package = mini.root / "src/mini_layer"
    (package / "__pycache__").mkdir()
    (package / "__pycache__/x.pyc").write_bytes(b"")
    (package / "todo.txt").write_text("call mum")
    (package / "secret_settings.py").write_text("")
    (package / "fresh.py").write_text("NEW = True\n")
    result = build_layer(mini.config, BuildOptions(out=mini.root / "dist"))
    own = {path.removeprefix("python/mini_layer/") for path in _paths(mini) if path.startswith("python/mini_layer/")}
    assert own == {"__init__.py", "clock.py", "fresh.py"}
    assert any("src/mini_layer/fresh.py is not in git" in warning for warning in result.warnings)


def test_staging_keeps_git_clean_and_the_placeholder(mini: MiniRepository) -> None:
    """The staged folder is replaced as a whole, and the tracked .gitkeep in it survives."""
    (mini.root / ".gitignore").write_text("/build/\n/dist/\nlayer/python/*\n!layer/python/.gitkeep\n")
    stage = mini.root / "layer/python"
    stage.mkdir()
    (stage / ".gitkeep").touch()
    mini.commit()
    (stage / "stale.py").touch()
    assert main(["build", "--layer-config", str(mini.root / "layer/layer.toml")]) == 0
    assert (stage / "mini_layer/clock.py").is_file()
    assert (stage / ".gitkeep").is_file()
    assert not (stage / "stale.py").exists()
    status = subprocess.run(["git", "status", "--porcelain"], cwd=mini.root, check=True, capture_output=True, text=True)
    assert status.stdout == ""
    assert [path.name for path in (mini.root / "build").iterdir()] == [".lock"]


def test_an_unchanged_stage_is_not_touched(mini: MiniRepository) -> None:
    """A second build leaves the staged files as they are, so that who reads them at that moment notices nothing."""
    options = BuildOptions(stage=mini.root / "layer/python")
    build_layer(mini.config, options)
    inode = (mini.root / "layer/python").stat().st_ino
    build_layer(mini.config, options)
    assert (mini.root / "layer/python").stat().st_ino == inode
    mini.edit("src/mini_layer/clock.py", "tick", "beat")
    build_layer(mini.config, options)
    assert "beat" in (mini.root / "layer/python/mini_layer/clock.py").read_text()


def test_builds_at_the_same_time(mini: MiniRepository) -> None:
    """Two builds at once both succeed, with one result, and nothing is left lying about."""
    command = [sys.executable, "-m", "layerctl", "build", "--json"]
    running = [
        subprocess.Popen(command, cwd=mini.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    results = [process.communicate() for process in running]
    assert [process.returncode for process in running] == [0, 0], results
    digests = {json.loads(out)["sha256"] for out, _ in results}
    assert len(digests) == 1
    assert sorted(path.name for path in (mini.root / "dist").iterdir()) == [
        "mini-0.3.0.cdx.json",
        "mini-0.3.0.manifest.json",
        "mini-0.3.0.zip",
    ]


def test_a_dry_run_writes_nothing(mini: MiniRepository, capsys: pytest.CaptureFixture[str]) -> None:
    """--dry-run tells the digest that a build would have, and leaves neither dist/ nor a staged layer."""
    arguments = ["build", "--json", "--layer-config", str(mini.root / "layer/layer.toml")]
    assert main([*arguments, "--dry-run"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert not (mini.root / "dist").exists()
    assert not (mini.root / "layer/python").exists()
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["content_digest"] == told["content_digest"]


def test_the_table_names_what_was_built(mini: MiniRepository, capsys: pytest.CaptureFixture[str]) -> None:
    """For people: digest, sizes against the budget, runtimes and distributions."""
    assert main(["build", "--layer-config", str(mini.root / "layer/layer.toml")]) == 0
    out = capsys.readouterr().out
    assert Manifest.load(manifest_path(mini.root / ZIP)).content_digest in out
    for text in ("mini 0.3.0", "of the budget", "python3.11", "pure-dep", "MIT"):
        assert text in out


def test_a_missing_interpreter_is_a_warning(mini: MiniRepository, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --strict the layer is built, and warning and manifest say what has no bytecode."""
    mini.edit("layer/layer.toml", '"python3.13" = "3.13.0"', '"python3.99" = "3.99.0"')
    assert main(["build", "--layer-config", str(mini.root / "layer/layer.toml")]) == 0
    assert "warning: no interpreter for python3.99" in capsys.readouterr().err
    manifest = Manifest.load(manifest_path(mini.root / ZIP))
    assert manifest.runtimes[-1].interpreter is None
    assert "python3.99" not in manifest.runtimes_with_bytecode


def test_what_the_runtime_provides_is_left_out(mini: MiniRepository) -> None:
    """A locked distribution that layer.toml says is provided doesn't ship; with bundle-sdk the whole SDK does."""
    mini.add("boto3", {"boto3/__init__.py": ""})
    mini.add("botocore", {"botocore/__init__.py": ""})
    _build(mini)
    assert not [path for path in _paths(mini) if "boto" in path]
    mini.edit("layer/layer.toml", "[provided]", "[provided]\nbundle-sdk = true")
    _build(mini)
    assert {"python/boto3/__init__.py", "python/botocore/__init__.py"} <= _paths(mini)


def test_what_layer_toml_leaves_out(mini: MiniRepository) -> None:
    """Files of third parties that layer.toml names don't ship and are not in RECORD; ours can't be named."""
    mini.add("web", {"web/__init__.py": "", "web/page.js": "x", "web/more/page.js": "x"})
    mini.edit(
        "layer/layer.toml", "[provided]", '[leave-out]\npatterns = ["web/*.js", "mini_layer/*", "gone/*"]\n[provided]'
    )
    result = build_layer(mini.config, BuildOptions(out=mini.root / "dist"))
    assert not [path for path in _paths(mini) if path.endswith(".js")]
    assert "python/mini_layer/clock.py" in _paths(mini)
    assert [warning for warning in result.warnings if "leaves out" in warning] == [
        "layer.toml leaves out mini_layer/*, but there is no such file",
        "layer.toml leaves out gone/*, but there is no such file",
    ]
    assert verify(mini.root / ZIP, mini.config) == []


def test_developers_tools_do_not_ship(mini: MiniRepository) -> None:
    """Modules of our own that layer.toml names don't ship and are not in RECORD; one that is not there is told."""
    left_out = '[leave-out]\nown-modules = ["mini_layer.clock", "mini_layer.gone"]\n'
    mini.edit("layer/layer.toml", "[provided]", left_out + "[provided]")
    result = build_layer(mini.config, BuildOptions(out=mini.root / "dist"))
    assert "python/mini_layer/__init__.py" in _paths(mini)
    assert not [path for path in _paths(mini) if "clock" in path]
    assert [warning for warning in result.warnings if "leaves out" in warning] == [
        "layer.toml leaves out mini_layer.gone, but there is no such file",
    ]
    assert verify(mini.root / ZIP, mini.config) == []


def test_the_budget_grows_with_the_bytecode(mini: MiniRepository) -> None:
    """What each runtime's bytecode may weigh is added for each runtime that has some."""
    config = mini.config
    assert config.budgets([]) == (100_000, 300_000)
    pycs = ["python/a/__pycache__/b.cpython-311.pyc", "python/a/__pycache__/c.cpython-311.pyc", "python/c.py"]
    assert config.budgets(pycs) == (100_010, 300_020)
    assert config.budgets([*pycs, "python/__pycache__/c.cpython-314.pyc"]) == (100_020, 300_040)


def test_a_layer_of_third_parties_only(mini: MiniRepository) -> None:
    """Without a distribution of its own a layer takes its version from layer.toml."""
    mini.edit("layer/layer.toml", 'distribution = "mini-layer"', 'version = "7.1"')
    build_layer(mini.config, BuildOptions(out=mini.root / "dist"))
    assert (mini.root / "dist/mini-7.1.zip").is_file()


def test_into_writes_the_content_only(mini: MiniRepository, tmp_path: Path) -> None:
    """--into, as SAM uses it, writes INTO/python and neither zip nor stage."""
    config = str(mini.root / "layer/layer.toml")
    assert main(["build", "--layer-config", config, "--into", str(tmp_path / "artifacts")]) == 0
    assert (tmp_path / "artifacts/python/mini_layer/clock.py").is_file()
    assert [path.name for path in (tmp_path / "artifacts").iterdir()] == ["python"]
    assert not (mini.root / "dist").exists()
    assert not (mini.root / "layer/python").exists()
