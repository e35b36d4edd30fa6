"""`layerctl verify` against what the layer was built from: the manifest, and `--rebuild`."""

from __future__ import annotations

import hashlib
import stat
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from layerctl.artifact import open_artifact
from layerctl.build import BuildOptions, build_layer
from layerctl.build.manifest import manifest_path
from layerctl.verify import Options
from layerctl.verify import verify as verify_all

if TYPE_CHECKING:
    from pathlib import Path

    from layerctl.core.diagnostics import Finding
    from tests.support.mini_repository import MiniRepository


def verify(path: Path, *arguments: Any, **options: Any) -> list[Finding]:
    """What is wrong, apart from interpreters that this machine lacks."""
    return [one for one in verify_all(path, *arguments, **options) if one.rule != "not-tried"]


def test_a_built_layer_and_one_flipped_byte(mini: MiniRepository, tmp_path: Path) -> None:
    """What was built is clean, rebuilt too; one byte changed in a file is found, named and explained."""
    result = build_layer(mini.config, BuildOptions(out=mini.root / "dist"))
    assert result.zip is not None
    assert verify(result.zip, mini.config, Options(imports=True, rebuild=True)) == []
    with zipfile.ZipFile(result.zip) as archive:
        content = {info: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(result.zip, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, data in content.items():
            spoilt = info.filename == "python/mini_layer/clock.py"
            archive.writestr(info, data.replace(b"tick", b"tock", 1) if spoilt else data)
    findings = verify(result.zip, mini.config, Options(rebuild=True))
    assert {finding.rule for finding in findings} == {
        "manifest-mismatch",
        "record-mismatch",
        "bytecode-stale",
        "rebuild-differs",
    }
    (rebuild,) = [finding for finding in findings if finding.rule == "rebuild-differs"]
    assert rebuild.path == "python/mini_layer/clock.py"
    assert "changed after it was built" in rebuild.message


def test_files_that_the_manifest_does_not_know(mini: MiniRepository) -> None:
    """Added and removed files are told, and a repacked zip whose files are right."""
    result = build_layer(mini.config, BuildOptions(out=mini.root / "dist"))
    assert result.zip is not None
    with zipfile.ZipFile(result.zip) as archive:
        content = [(info, archive.read(info)) for info in archive.infolist()]

    def repack(files: list[tuple[zipfile.ZipInfo, bytes]]) -> set[tuple[str, str]]:
        assert result.zip is not None
        with zipfile.ZipFile(result.zip, "w", zipfile.ZIP_STORED) as archive:
            for info, data in files:
                info.compress_type = zipfile.ZIP_STORED
                archive.writestr(info, data)
        return {(finding.rule, finding.path) for finding in verify(result.zip, mini.config)}

    extra = zipfile.ZipInfo("python/extra.py")
    extra.create_system, extra.external_attr = 3, (stat.S_IFREG | 0o644) << 16
    assert repack([*content, (extra, b"")]) == {("manifest-mismatch", "python/extra.py")}
    typed = [pair for pair in content if pair[0].filename != "python/pure_dep/py.typed"]
    assert ("manifest-mismatch", "python/pure_dep/py.typed") in repack(typed)
    assert repack(content) == {("manifest-mismatch", result.zip.name)}


def test_rebuild_tells_changed_source_and_lock(mini: MiniRepository) -> None:
    """Changed sources and a changed lock are told apart, each with what it was and what it is."""
    mini.commit()
    result = build_layer(mini.config, BuildOptions(out=mini.root / "dist"))
    assert result.zip is not None
    path = result.zip

    def causes() -> dict[str, str]:
        findings = verify(path, mini.config, Options(rebuild=True))
        assert {finding.rule for finding in findings} == {"rebuild-differs"}
        return {finding.path: finding.message for finding in findings}

    mini.edit("src/mini_layer/clock.py", "tick", "beat")
    told = causes()
    assert "changed source" in told["python/mini_layer/clock.py"]
    assert "uncommitted changes" in told["python/mini_layer/clock.py"]
    assert all("changed source" in message for message in told.values())
    mini.git("checkout", "-q", ".")
    mini.locked.clear()
    mini.add("pure-dep", {"pure_dep/__init__.py": "ONE = 1.0\n", "pure_dep/py.typed": ""})
    assert "changed lock: layer/requirements.txt" in causes()["python/pure_dep/__init__.py"]


def test_rebuild_tells_another_interpreter(mini: MiniRepository) -> None:
    """Bytecode that differs, from a source that does not, is put down to the interpreter that the manifest names."""
    result = build_layer(mini.config, BuildOptions(out=mini.root / "dist"))
    assert result.zip is not None
    with zipfile.ZipFile(result.zip) as archive:
        content = [(info, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(result.zip, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, data in content:
            other = info.filename.endswith("clock.cpython-311.pyc")
            archive.writestr(info, data.replace(b"tack", b"TACK") if other else data)
    path = "python/mini_layer/__pycache__/clock.cpython-311.pyc"
    with open_artifact(result.zip) as artifact:
        sha256 = artifact.sha256(artifact.require(path))
        digest = artifact.content_digest()
    manifest = result.manifest
    files = tuple(replace(file, sha256=sha256) if file.path == path else file for file in manifest.files)
    runtimes = (replace(manifest.runtimes[0], interpreter="3.11.99"), *manifest.runtimes[1:])
    zipped = replace(manifest.zip, sha256=hashlib.sha256(result.zip.read_bytes()).hexdigest())
    made = replace(manifest, files=files, runtimes=runtimes, content_digest=digest, zip=zipped)
    manifest_path(result.zip).write_text(made.to_json(), "utf-8")
    (finding,) = verify(result.zip, mini.config, Options(rebuild=True))
    assert (finding.rule, finding.path) == ("rebuild-differs", path)
    assert "interpreter patch level: it was compiled by CPython 3.11.99" in finding.message
    assert finding.hint == "install CPython 3.11.99"


def test_a_rebuild_takes_nothing_from_earlier_builds(mini: MiniRepository, tmp_path: Path) -> None:
    """Compiled files that are kept between builds are not believed: they may be what is wrong."""
    result = build_layer(mini.config, BuildOptions(out=mini.root / "dist"))
    assert result.zip is not None
    kept = [path for path in (tmp_path / "cache/layerctl/bytecode").rglob("*") if path.is_file()]
    for path in kept:
        other = path.read_bytes()[32:].replace(b"tick", b"tock")
        path.write_bytes(hashlib.sha256(other).digest() + other)
    assert any(b"tock" in path.read_bytes() for path in kept)
    assert verify(result.zip, mini.config, Options(rebuild=True)) == []
