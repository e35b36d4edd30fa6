"""A release that spans partitions: an account belongs to one of them, so each has a profile."""

from __future__ import annotations

import pytest

from layerctl.releases.index.model import LayerIndex
from tests.layerctl.releases.conftest import versions
from tests.layerctl.releases.test_usage import OTHER, keys_of

REGIONS = ("eu-central-1", "cn-north-1")


@pytest.fixture
def spanning(aws, project, monkeypatch):
    """A layer.toml with regions of two partitions and a profile for each; the Chinese one is another account's."""
    project.configure(regions=REGIONS)
    config = project.root / "layer" / "layer.toml"
    config.write_text(config.read_text() + '[publish.profiles]\naws = "release"\naws-cn = "china"\n')
    china = "".join(f"{name} = {value}\n" for name, value in keys_of(aws, OTHER).items())
    (project.root / "credentials").write_text(
        f"[release]\naws_access_key_id = testing\naws_secret_access_key = testing\n[china]\n{china}"
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(project.root / "credentials"))
    return project


def test_each_partition_is_reached_with_its_profile(aws, spanning, layerctl):
    """Publish, index, usage and prune work over both; the Chinese version belongs to the Chinese account."""
    ran = layerctl("publish", spanning.artifact(), "--index", spanning.index)
    assert ran.code == 0, ran.err
    assert len(versions(aws)) == 1
    regions = LayerIndex.load(spanning.index).releases["1.0.0"].regions
    assert {region: (one.arn.partition, one.arn.account) for region, one in regions.items()} == {
        "eu-central-1": ("aws", "123456789012"),
        "cn-north-1": ("aws-cn", OTHER),
    }
    assert layerctl("index", "mirror").code == 0
    assert layerctl("index", "check").code == 0
    seen = layerctl("usage", "--json")
    assert seen.code == 0, seen.err
    assert {(one["account"], one["region"]) for one in seen.data["scanned"]} == {
        ("123456789012", "eu-central-1"),
        (OTHER, "cn-north-1"),
    }
    assert layerctl("prune").code == 0


def test_a_profile_that_is_missing_fails_its_partition_alone(aws, spanning, layerctl):
    """Where one profile does not exist, that is said for its regions; the others are done."""
    text = (spanning.root / "credentials").read_text()
    (spanning.root / "credentials").write_text(text.replace("[china]", "[other]"))
    ran = layerctl("publish", spanning.artifact())
    assert ran.code == 2
    assert "error: cn-north-1" in ran.err
    assert "china" in ran.err
    assert len(versions(aws)) == 1
