"""Layers of which there is no layer.toml here: --layer and --region are enough."""

from __future__ import annotations

import json

import pytest

from tests.layerctl.releases.conftest import policy, put_versions, versions

WHERE = ("--layer", "helpers", "--region", "eu-central-1")


@pytest.fixture
def bare(project):
    """A folder with artifacts and nothing else."""
    (project.root / "layer/layer.toml").unlink()
    return project


def test_a_finished_zip_is_published(bare, layerctl):
    """Its manifest says what it runs on; a second time it is there already; nobody is granted anything."""
    path = bare.artifact("1.0.0")
    manifest = {
        "version": "1.0.0",
        "runtimes": [{"runtime": "python3.13"}],
        "architectures": ["arm64"],
        "licence": "MIT",
    }
    path.with_suffix(".manifest.json").write_text(json.dumps(manifest))
    assert layerctl("publish", path, *WHERE).code == 0
    assert "present" in layerctl("publish", path, *WHERE).out
    (version,) = versions(bare.aws)
    assert version["CompatibleRuntimes"] == ["python3.13"]
    assert version["CompatibleArchitectures"] == ["arm64"]
    assert policy(bare.aws, 1) == []


def test_a_zip_of_others_claims_nothing(bare, layerctl):
    """Without a manifest too, the version has no compatible runtimes, which is said."""
    ran = layerctl("publish", bare.artifact("1.0.0"), *WHERE)
    assert ran.code == 0
    assert "neither a layer.toml nor a manifest" in ran.err
    (version,) = versions(bare.aws)
    assert not version.get("CompatibleRuntimes")


def test_sharing_use_and_pruning(bare, layerctl):
    """share, permissions, usage and prune do their work; who may use a version is listed, and not judged."""
    put_versions(bare.aws, "1.0.0", "1.1.0", "1.2.0", regions=("eu-central-1",))
    assert layerctl("usage", *WHERE).code == 0
    assert layerctl("prune", *WHERE, "--keep", "1").code == 0
    assert layerctl("share", "--account", "111111111111", "--version", "1", *WHERE).code == 0
    assert policy(bare.aws, 1)
    ran = layerctl("permissions", *WHERE)
    assert ran.code == 0
    assert "111111111111" in ran.out
    assert "not judged" in ran.err
    assert layerctl("permissions", *WHERE, "--json").data["wanted"] is None


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("permissions", "--repair", *WHERE), "no layer.toml to repair by"),
        (("usage", "--layer", "helpers"), "no region is named"),
        (("usage", "--region", "eu-central-1"), "--layer"),
    ],
)
def test_what_is_missing_is_said(bare, layerctl, command, said):
    """A repair has nothing to go by; without --layer or --region the error names the option."""
    ran = layerctl(*command)
    assert ran.code == 2
    assert said in ran.err
    assert ran.err.count("\n") == 1
