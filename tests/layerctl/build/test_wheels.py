"""Other people's wheels in a layer: modes, data, vendored metadata, a package named bin, splits, exclusions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from layerctl.__main__ import main
from layerctl.artifact import open_artifact
from layerctl.build import BuildOptions, build_layer
from layerctl.build.manifest import Manifest, manifest_path
from layerctl.config import LayerConfig
from layerctl.core.errors import LayerctlError
from layerctl.python.interpreters import find_interpreters
from layerctl.verify import verify
from tests.support.elf import tiny_elf

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.mini_repository import MiniRepository


def built(mini: MiniRepository) -> Path:
    """Build, and return the zip."""
    path = build_layer(mini.config, BuildOptions(out=mini.root / "dist")).zip
    assert path is not None
    return path


def modes(path: Path) -> dict[str, int]:
    """Path below python/ -> mode."""
    with open_artifact(path) as artifact:
        return {entry.path.removeprefix("python/"): entry.mode for entry in artifact.entries}


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
def test_executables_keep_their_bit(mini: MiniRepository, monkeypatch: pytest.MonkeyPatch, umask: int) -> None:
    """What a wheel marks executable is 0755 in zip, manifest and stage, the rest 0644, whatever the umask."""
    import os

    mini.add(
        "tool",
        {"tool/__init__.py": "", "tool/bin/driver": "#!/bin/sh\n", "tool/data.txt": ""},
        executable=("tool/bin/driver",),
    )
    before = os.umask(umask)
    try:
        path = built(mini)
    finally:
        os.umask(before)
    assert {mode for place, mode in modes(path).items() if place != "tool/bin/driver"} == {0o644}
    assert modes(path)["tool/bin/driver"] == 0o755
    manifest = Manifest.load(manifest_path(path))
    assert {file.path for file in manifest.files if file.mode == "0755"} == {"python/tool/bin/driver"}
    assert verify(path, mini.config) == []


def test_data_of_packages_stays_wherever_it_lies(mini: MiniRepository) -> None:
    """Tests, stubs and data of third parties ship: a module may read them, and no name tells whether it does."""
    mini.add(
        "reader",
        {
            "reader/__init__.py": "import pathlib\nDATA = pathlib.Path(__file__).with_name('te' 'sts')\n",
            "reader/tests/data.json": "{}",
            "reader/tests/test_it.py": "",
            "reader/stubs.pyi": "X: int\n",
            "reader/vectors.bin": b"\0\1",
        },
    )
    shipped = modes(built(mini))
    assert {"reader/tests/data.json", "reader/tests/test_it.py", "reader/stubs.pyi", "reader/vectors.bin"} <= set(
        shipped
    )


def test_what_is_left_out_is_listed_in_the_manifest(mini: MiniRepository) -> None:
    """Each pattern of layer.toml stands in the manifest with the files that it left out; nothing else is left out."""
    mini.edit("layer/layer.toml", "[provided]", '[leave-out]\npatterns = ["*/tests/*", "*.pyi"]\n[provided]')
    path = built(mini)
    manifest = Manifest.load(manifest_path(path))
    assert {one.pattern: one.files for one in manifest.left_out} == {
        "*/tests/*": ("pure_dep/tests/__init__.py", "pure_dep/tests/test_one.py"),
        "*.pyi": ("pure_dep/__init__.pyi",),
    }
    assert not [place for place in modes(path) if "tests" in place or place.endswith(".pyi")]
    assert "pure_dep/py.typed" in modes(path)
    data = json.loads(manifest_path(path).read_text())
    del data["left_out"]
    assert Manifest.from_json(json.dumps(data), "older").left_out == ()


def test_an_importable_bin_is_a_package_and_scripts_are_none(mini: MiniRepository) -> None:
    """A package named bin ships, data and all; scripts beside it, and those of others, do not."""
    mini.add(
        "binned",
        {
            "bin/__init__.py": "ONE = 1\n",
            "bin/more.py": "",
            "bin/sub/tool": "#!/bin/sh\n",
            "binned-1.0.data/scripts/binned": "#!python\nprint(1)\n",
        },
    )
    mini.add("scripted", {"scripted.py": "", "scripted-1.0.data/scripts/tool.py": "#!python\n"})
    path = built(mini)
    assert {place for place in modes(path) if place.startswith("bin/") and not place.endswith(".pyc")} == {
        "bin/__init__.py",
        "bin/more.py",
        "bin/sub/tool",
    }
    assert [one.message for one in verify(path, mini.config)] == []


VENDORED = {
    "Metadata-Version": "2.4",
    "Name": "pure-dep",
    "Version": "9.9",
}


@pytest.mark.parametrize("package", [True, False], ids=["in a package", "in a folder"])
@pytest.mark.parametrize("record", [True, False], ids=["with RECORD", "without RECORD"])
def test_vendored_metadata_belong_to_who_vendors_them(mini: MiniRepository, package: bool, record: bool) -> None:
    """Metadata within a package are its data: no distribution of their own, no conflict with the real one."""
    info = "big/_vendor/pure_dep-9.9.dist-info" if package else "big_data/_vendor/pure_dep-9.9.dist-info"
    text = "".join(f"{key}: {value}\n" for key, value in VENDORED.items())
    files: dict[str, bytes | str] = {
        "big/__init__.py": "",
        "big/_vendor/pure_dep/__init__.py": "",
        f"{info}/METADATA": text,
        f"{info}/INSTALLER": "pip\n",
        f"{info}/licenses/LICENSE": "MIT\n",
    }
    if record:
        files[f"{info}/RECORD"] = "pure_dep/__init__.py,,\npure_dep-9.9.dist-info/METADATA,,\n"
    mini.add("big", files)
    path = built(mini)
    manifest = Manifest.load(manifest_path(path))
    assert {(one.name, one.version) for one in manifest.distributions} >= {("pure-dep", "1.0"), ("big", "1.0")}
    assert len([one for one in manifest.distributions if one.name == "pure-dep"]) == 1
    owner = {file.path: file.distribution for file in manifest.files}
    assert owner[f"python/{info}/METADATA"] == "big"
    assert f"python/{info}/INSTALLER" in owner, "what is data of a package is not an installer's note"
    assert [one.message for one in verify(path, mini.config)] == []


def fast(mini: MiniRepository, minor: int, machine: str) -> None:
    """Pin a wheel whose plain modules differ by runtime and architecture, as numpy's do."""
    files: dict[str, bytes | str] = {
        "fast/__init__.py": f"BUILT_FOR = {(minor, machine)!r}\n",
        f"fast/_c.cpython-3{minor}-{machine}-linux-gnu.so": tiny_elf({"aarch64": "arm64"}.get(machine, machine)),
    }
    mini.add("fast", files, tag=f"cp3{minor}-cp3{minor}-manylinux_2_17_{machine}")


@pytest.fixture
def clashing(mini: MiniRepository) -> MiniRepository:
    """A layer whose wheels cannot lie side by side."""
    for minor in (11, 13):
        for machine in ("x86_64", "aarch64"):
            fast(mini, minor, machine)
    return mini


def test_wheels_that_clash_offer_the_split(clashing: MiniRepository) -> None:
    """The error names the package, the file, and the key of layer.toml that makes an artifact for each."""
    with pytest.raises(LayerctlError, match=r"fast 1.0 has different files named fast/__init__.py.*layer.split-by"):
        built(clashing)


@pytest.mark.parametrize(
    ("split", "names"),
    [
        (
            ["runtime", "architecture"],
            {f"mini-{one}-{a}" for one in ("python311", "python313") for a in ("x86_64", "arm64")},
        ),
        (
            ["architecture", "runtime"],
            {f"mini-{one}-{a}" for one in ("python311", "python313") for a in ("x86_64", "arm64")},
        ),
    ],
)
def test_a_split_layer_has_an_artifact_for_each(clashing: MiniRepository, capsys, split, names) -> None:
    """Each part is named by runtime and architecture, holds what fits there, verifies, and says so in its manifest."""
    clashing.edit("layer/layer.toml", 'licence = "MIT"', f'licence = "MIT"\nsplit-by = {json.dumps(split)}')
    config = str(clashing.root / "layer/layer.toml")
    assert main(["build", "--layer-config", config, "--json"]) == 0
    parts = json.loads(capsys.readouterr().out)["parts"]
    assert {one["name"] for one in parts} == names
    for zip_path in (clashing.root / "dist").glob("*.zip"):
        assert main(["verify", "--layer-config", config, str(zip_path)]) == 0, capsys.readouterr().out
        manifest = Manifest.load(manifest_path(zip_path))
        (runtime,), (architecture,) = manifest.runtimes, manifest.architectures
        assert manifest.name == f"mini-{runtime.runtime.replace('.', '')}-{architecture}"
        assert zip_path.name == f"{manifest.name}-0.3.0.zip"
    assert not (clashing.root / "layer/python").exists(), "no single stage holds several parts"
    assert main(["build", "--layer-config", config, "--into", str(clashing.root / "into")]) == 2
    assert "--part with one of mini-" in capsys.readouterr().err
    assert main(["build", "--layer-config", config, "--into", str(clashing.root / "into"), "--part", min(names)]) == 0
    assert (clashing.root / "into/python/fast/__init__.py").is_file()
    assert main(["build", "--layer-config", config, "--part", "other"]) == 2


def test_a_split_by_architecture_keeps_the_runtimes_together(mini: MiniRepository) -> None:
    """Where only architectures clash, each part serves every runtime."""
    for machine in ("x86_64", "aarch64"):
        files: dict[str, bytes | str] = {"flat.abi3.so": tiny_elf({"aarch64": "arm64"}.get(machine, machine))}
        mini.add("flat", files, tag=f"cp311-abi3-manylinux_2_17_{machine}")
    mini.edit("layer/layer.toml", 'licence = "MIT"', 'licence = "MIT"\nsplit-by = ["architecture"]')
    assert [(part.name, list(part.runtimes), part.architectures) for part in mini.config.parts] == [
        ("mini-x86_64", ["python3.11", "python3.13"], ("x86_64",)),
        ("mini-arm64", ["python3.11", "python3.13"], ("arm64",)),
    ]
    for part in mini.config.parts:
        path = build_layer(part, BuildOptions(out=mini.root / "dist")).zip
        assert path is not None
        assert mini.config.for_artifact(path) == part
        assert verify(path, part) == []
    assert mini.config.for_artifact(mini.root / "other-1.0.zip") == mini.config


def test_a_layer_in_a_folder_of_a_checkout_ships_what_git_tracks(mini: MiniRepository, tmp_path: Path) -> None:
    """Untracked files of a layer below the checkout's top stay out; commit and state are the checkout's."""
    outer = tmp_path / "outer"
    (outer / "layers").mkdir(parents=True)
    mini.root.rename(outer / "layers" / "mini")
    mini.root = outer / "layers" / "mini"
    (outer / "other.txt").write_text("not the layer's")
    top = type(mini)(outer, mini.wheels, mini.locked)
    top.commit()
    (mini.root / "src/mini_layer/prod-secrets.json").write_text('{"key": "CANARY"}')
    (mini.root / "src/mini_layer/.env").write_text("KEY=CANARY")
    (mini.root / "notes.txt").write_text("stray")
    (outer / "other.txt").write_text("changed")
    path = built(mini)
    with open_artifact(path) as artifact:
        assert not [entry.path for entry in artifact.entries if b"CANARY" in artifact.read(entry)]
    source = Manifest.load(manifest_path(path)).source
    assert source.commit is not None
    assert (len(source.commit), source.dirty) == (40, False)
    (mini.root / "src/mini_layer/clock.py").write_text("def tick():\n    return 2\n")
    (mini.root / "src/mini_layer/fresh.py").write_text("")
    result = build_layer(mini.config, BuildOptions())
    assert result.manifest.source.dirty
    assert any("src/mini_layer/fresh.py is not in git yet" in text for text in result.warnings)


def test_a_folder_that_a_checkout_tracks_nothing_of_is_refused(mini: MiniRepository) -> None:
    """Where git knows none of the layer's files, it is not guessed which of them may ship."""
    mini.git("init", "-q")
    with pytest.raises(LayerctlError, match="tracks none of its files; add them with `git add`"):
        built(mini)


def test_missing_interpreters_are_fetched_when_asked(mini: MiniRepository, monkeypatch, tmp_path, capsys) -> None:
    """--install-pythons asks uv for the exact releases; where that fails, uv's reason is told and the build goes on."""
    monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", (tmp_path / "empty mirror").as_uri())
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "pythons"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    mini.edit("layer/layer.toml", '"python3.13" = "3.13.0"', '"python3.12" = "3.12.2"')
    arguments = ["build", "--layer-config", str(mini.root / "layer/layer.toml"), "--install-pythons"]
    assert main(arguments) == 0
    said = capsys.readouterr().err
    assert "uv could not fetch" in said
    assert "3.12.2" in said
    assert main([*arguments, "--strict"]) == 2
    assert "fetch them with --install-pythons" in capsys.readouterr().err


def test_what_sam_shows_says_what_is_missing(mini: MiniRepository, capsys, tmp_path) -> None:
    """SAM shows a makefile's standard output only: there a missing interpreter is told when it builds."""
    mini.edit("layer/layer.toml", '"python3.13" = "3.13.0"', '"python3.13" = "3.13.0"\n"python3.77" = "3.77.0"')
    assert not find_interpreters(["python3.77"])
    arguments = ["build", "--layer-config", str(mini.root / "layer/layer.toml"), "--into", str(tmp_path / "into")]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "warning: no interpreter for python3.77 was found" in out
    assert "--install-pythons" in out


def test_a_split_part_is_published_under_its_own_name(clashing: MiniRepository, capsys, monkeypatch) -> None:
    """What a part is, its layer's name, runtimes and architectures, follows from its artifact."""
    from layerctl.releases.publish.payload import Payload

    clashing.edit("layer/layer.toml", 'licence = "MIT"', 'licence = "MIT"\nsplit-by = ["runtime", "architecture"]')
    (part,) = [one for one in clashing.config.parts if one.name == "mini-python313-arm64"]
    path = build_layer(part, BuildOptions(out=clashing.root / "dist")).zip
    assert path is not None
    payload = Payload.read(path, LayerConfig.load(clashing.config.path))
    assert (payload.layer, payload.runtimes, payload.architectures) == (part.name, ("python3.13",), ("arm64",))
