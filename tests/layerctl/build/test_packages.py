"""Layers of one's own packages without a distribution, and several layers in one repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from layerctl.__main__ import main
from layerctl.build import BuildOptions, build_layer
from layerctl.config import LayerConfig
from layerctl.core.errors import LayerctlError
from layerctl.verify import Options, verify

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.mini_repository import MiniRepository


@pytest.fixture
def packages(mini: MiniRepository) -> MiniRepository:
    """A repository whose layer has two packages and a module, in a git checkout."""
    mini.edit(
        "layer/layer.toml", 'distribution = "mini-layer"', 'packages = ["src/acme", "lib/events", "src/clock.py"]'
    )
    mini.edit("layer/layer.toml", 'licence = "MIT"', 'licence = "MIT"\nversion = "1.2"')
    (mini.root / "pyproject.toml").unlink()
    for name, text in {
        "src/acme/__init__.py": "import pure_dep\n",
        "src/acme/data.json": "{}",
        "src/other/__init__.py": "",
        "lib/events/__init__.py": "from acme import pure_dep\n",
        "src/clock.py": "NOW = 1\n",
    }.items():
        (mini.root / name).parent.mkdir(parents=True, exist_ok=True)
        (mini.root / name).write_text(text)
    mini.commit()
    return mini


def build(mini: MiniRepository):
    """Build it; the files that are no bytecode, and the result."""
    result = build_layer(mini.config, BuildOptions(out=mini.root / "dist"))
    return {file.path for file in result.manifest.files if not file.path.endswith(".pyc")}, result


def test_packages_ship_as_they_are_with_metadata_of_the_layer(packages):
    """Each package with its data, modules too, nothing else; name and version are the layer's; everything verifies."""
    files, result = build(packages)
    own = {
        "python/acme/__init__.py", "python/acme/data.json", "python/events/__init__.py", "python/clock.py",
        "python/mini-1.2.dist-info/METADATA", "python/mini-1.2.dist-info/RECORD",
    }  # fmt: skip
    assert {path for path in files if not path.startswith("python/pure_dep")} == own
    assert result.zip.name == "mini-1.2.zip"
    assert next(one for one in result.manifest.distributions if one.name == "mini").version == "1.2"
    findings = verify(result.zip, packages.config, Options(imports=True, rebuild=True))
    assert [str(finding) for finding in findings] == []


def test_a_new_module_of_a_package_is_taken_and_named(packages):
    """As with src/: a module that git does not know yet is in the layer, with a warning."""
    (packages.root / "lib/events/new.py").write_text("")
    files, result = build(packages)
    assert "python/events/new.py" in files
    assert any("lib/events/new.py is not in git yet" in text for text in result.warnings)


@pytest.mark.parametrize(
    ("packages_", "said"),
    [
        ('["src/nothing"]', "there is no such folder"),
        ('["src/acme", "other/acme"]', "another package is called acme too"),
        ('["data"]', "has no module in it"),
        ('["LICENSE"]', "is no module"),
        ('["src/untracked"]', "git does not track it"),
    ],
)
def test_a_package_that_is_none_is_named(packages, packages_, said):
    """A package that is missing, twice there, empty, or unknown to git stops the build, and nothing is written."""
    for name in ("other/acme/__init__.py", "data/a.json"):
        (packages.root / name).parent.mkdir(parents=True, exist_ok=True)
        (packages.root / name).write_text("")
    packages.git("add", "other", "data")
    (packages.root / "src/untracked").mkdir()
    (packages.root / "src/untracked/readme.txt").write_text("")
    packages.edit("layer/layer.toml", '["src/acme", "lib/events", "src/clock.py"]', packages_)
    with pytest.raises(LayerctlError, match=said):
        build(packages)
    assert not (packages.root / "dist").exists()


@pytest.mark.parametrize("wrong", ["/etc", "../acme", "src/../../acme", "C:\\\\acme"])
def test_packages_lie_below_the_root(packages, wrong):
    """A path that leads out is refused with its line, before anything is done."""
    packages.edit("layer/layer.toml", '["src/acme", "lib/events", "src/clock.py"]', f'["{wrong}"]')
    with pytest.raises(LayerctlError, match=r"layer.toml:4: layer.packages names"):
        _ = packages.config


def test_packages_and_a_distribution_exclude_each_other(packages):
    """A distribution's wheel has its packages already."""
    packages.edit("layer/layer.toml", "packages =", 'distribution = "mini-layer"\npackages =')
    with pytest.raises(LayerctlError, match="exclude each other"):
        _ = packages.config


def test_several_layers_in_one_repository(packages, monkeypatch, capsys):
    """Each folder has a layer.toml, `root` leads to the repository: one dist/, each built by its folder or its file."""
    root: Path = packages.root
    text = (root / "layer/layer.toml").read_text()
    for name, package in (("base", "src/acme"), ("events", "lib/events")):
        folder = root / "layers" / name
        folder.mkdir(parents=True)
        changed = text.replace('name = "mini"', f'name = "{name}"\nroot = "../.."')
        (folder / "layer.toml").write_text(
            changed.replace('["src/acme", "lib/events", "src/clock.py"]', f'["{package}"]')
        )
        (folder / "requirements.txt").write_text((root / "layer/requirements.txt").read_text())
    packages.git("add", "layers")
    monkeypatch.chdir(root / "layers/base")
    assert main(["build"]) == 0
    monkeypatch.chdir(root)
    assert main(["build", "--layer-config", "layers/events/layer.toml"]) == 0
    assert sorted(path.name for path in (root / "dist").glob("*.zip")) == ["base-1.2.zip", "events-1.2.zip"]
    assert (root / "layers/events/python/events/__init__.py").is_file()
    config = LayerConfig.load(root / "layers/base/layer.toml")
    assert config.root == root
    capsys.readouterr()
    assert main(["verify", "dist/base-1.2.zip", "--layer-config", "layers/base/layer.toml"]) == 0
