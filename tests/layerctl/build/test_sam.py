"""The layer as the SAM CLI builds it, in a copy of this repository."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
import zlib
from pathlib import Path

import pytest

from layerctl.artifact import open_artifact
from layerctl.config import LayerConfig
from layerctl.verify import verify
from tests.support.checkout import copy_checkout
from tests.support.sam import SAM, sam_environment

pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.xdist_group("sam-build")]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository as it is now, in another folder, with a space in its name."""
    return copy_checkout(tmp_path_factory.mktemp("a checkout") / "repo")


def _sam(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [SAM, *arguments], cwd=checkout, env=sam_environment(), capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result


def _files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_sam_builds_what_layerctl_builds(checkout: Path) -> None:
    """`sam build` gives byte for byte the files of our zip; after an edit under src/ it gives the edited ones."""
    build = [checkout / ".venv/bin/python", "-m", "layerctl", "build", "--json"]
    facts = json.loads(subprocess.run(build, cwd=checkout, capture_output=True, text=True, check=True).stdout)
    with zipfile.ZipFile(facts["zip"]) as archive:
        ours = {name: archive.read(name) for name in archive.namelist()}
    _sam(checkout, "build")
    built = checkout / ".aws-sam/build/SharedUtilsLayer"
    assert _files(built) == ours
    with open_artifact(built) as artifact:
        assert artifact.content_digest() == facts["content_digest"]
    assert verify(built, LayerConfig.load(checkout / "layer/layer.toml")) == []
    _the_layer_is_what_the_design_says(facts, ours)
    errors = checkout / "src/shared_utils/errors.py"
    errors.write_text(errors.read_text("utf-8") + "\nEDITED = True\n", "utf-8")
    _sam(checkout, "build")
    assert "EDITED = True" in (built / "python/shared_utils/errors.py").read_text("utf-8")


def _the_layer_is_what_the_design_says(facts: dict[str, int], files: dict[str, bytes]) -> None:
    paths = {path for path in files if not path.endswith(".pyc")}
    runtimes = len({path.rsplit(".", 2)[1] for path in files if path.endswith(".pyc")})
    assert runtimes
    assert facts["zipped_size"] <= 1_240_000 + runtimes * 1_450_000
    assert facts["unzipped_size"] <= 4_000_000 + runtimes * 3_330_000
    assert sum(len(files[path]) for path in paths) <= 4_000_000
    assert sum(len(zlib.compress(files[path], 9)) for path in paths) <= 1_240_000
    tops = {path.split("/")[1] for path in paths}
    assert not tops & {"layerctl", "boto3", "botocore", "s3transfer", "urllib3", "dateutil", "six.py", "bin", "tests"}
    assert "shared_utils" in tops
    assert not [path for path in paths if path.endswith((".so", ".pyi", "INSTALLER", "REQUESTED", "direct_url.json"))]
    assert len(paths) > 300


def test_a_build_container_is_told_in_one_line(checkout: Path, tmp_path: Path) -> None:
    """In a container only layer/ is there: the build says what to do instead, and writes nothing."""
    source = tmp_path / "samcli" / "source"
    shutil.copytree(checkout / "layer", source)
    artifacts = tmp_path / "artifacts"
    artifacts.mkdir()
    result = subprocess.run(
        ["make", "--makefile", source / "Makefile", "build-SharedUtilsLayer", f"ARTIFACTS_DIR={artifacts}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    (line,) = [line for line in result.stderr.splitlines() if not line.startswith("make")]
    assert line.startswith("error: ")
    assert "without --use-container" in line
    assert list(artifacts.iterdir()) == []


def test_the_template_is_valid_and_says_what_layer_toml_says(checkout: Path) -> None:
    """`sam validate --lint` is clean, and name, runtimes, architectures and licence are the same in both files."""
    from ruamel.yaml import YAML

    assert "is a valid SAM Template" in _sam(checkout, "validate", "--lint").stdout
    yaml = YAML(typ="rt")
    template = yaml.load(checkout / "template.yaml")
    properties = template["Resources"]["SharedUtilsLayer"]["Properties"]
    config = LayerConfig.load(checkout / "layer/layer.toml")
    assert template["Parameters"]["VersionDescription"]["Default"] == config.description
    assert properties["CompatibleRuntimes"] == list(config.runtimes)
    assert properties["CompatibleArchitectures"] == list(config.architectures)
    assert properties["LicenseInfo"] == config.licence
    assert properties["RetentionPolicy"] == "Retain"
