"""A release's whole life: index, mirror and regions agree after every command, or the one that mends it is named."""

from __future__ import annotations

import re

import pytest

from layerctl.releases.index.model import LayerIndex
from tests.layerctl.releases.conftest import REGIONS, versions
from tests.layerctl.releases.test_usage import layer_arn, make_function
from tests.support.fault_proxy import answer

RELEASES = ("1.0.0", "1.1.0", "1.2.0")


@pytest.fixture
def released(project, layerctl):
    """Three releases in three regions, in the index and mirrored."""
    for release in RELEASES:
        artifact = project.artifact(release, f"x = {release!r}\n")
        assert layerctl("publish", artifact, "--index", project.index).code == 0
    assert layerctl("index", "mirror").code == 0
    return project


def parameters(aws, region="eu-central-1"):
    """The mirror's parameters in a region, below /helpers/dev/."""
    pages = (
        aws.client("ssm", region).get_paginator("get_parameters_by_path").paginate(Path="/helpers/dev", Recursive=True)
    )
    return {one["Name"].removeprefix("/helpers/dev/"): one["Value"] for page in pages for one in page["Parameters"]}


def numbers(aws, region="eu-central-1"):
    """The version numbers that a region has."""
    return [one["Version"] for one in versions(aws, region)]


def check(layerctl):
    """`layerctl index check`: its code, and the rules that it names."""
    ran = layerctl("index", "check", "--json")
    return ran.code, sorted({one["rule"] for one in ran.data["findings"]})


def test_after_prune_index_mirror_and_regions_agree(aws, released, layerctl):
    """What is deleted leaves the index, the mirror and the region together."""
    assert layerctl("prune", "--apply", "--index", released.index).code == 0
    assert numbers(aws) == [3]
    assert parameters(aws) == {"versions/1.2.0": layer_arn(3), "latest": layer_arn(3)}
    assert check(layerctl) == (0, [])
    assert layerctl("index", "mirror").code == 0
    assert check(layerctl) == (0, [])


def test_prune_finds_the_index_that_lies_here(aws, released, layerctl):
    """layers.json in the current folder is the layer's index, named or not."""
    assert layerctl("prune", "--apply").code == 0
    assert check(layerctl) == (0, [])


@pytest.mark.parametrize(
    "order",
    [
        ["prune", "mirror"],
        ["mirror", "prune"],
        ["yank", "mirror", "prune", "mirror"],
        ["yank", "prune", "mirror"],
        ["prune", "yank", "mirror", "unyank", "mirror"],
        ["yank", "mirror", "unyank", "mirror", "prune"],
        ["delete", "write", "mirror"],
        ["delete", "write", "publish", "mirror"],
        ["prune", "publish", "mirror"],
    ],
    ids=" ".join,
)
def test_whatever_is_done_in_whatever_order_ends_consistent(aws, released, layerctl, order):
    """Each sequence of commands that ends in a mirror leaves nothing to find."""
    commands = {
        "prune": ("prune", "--apply"),
        "mirror": ("index", "mirror"),
        "yank": ("index", "yank", "1.1.0", "--reason", "leaks"),
        "unyank": ("index", "unyank", "1.1.0"),
        "write": ("index", "write", "--forget-deleted"),
        "publish": ("publish", released.artifact("1.0.0", "x = '1.0.0'\n"), "--index", released.index),
    }
    for step in order:
        if step == "delete":
            aws.client("lambda").delete_layer_version(LayerName="helpers", VersionNumber=1)
            continue
        ran = layerctl(*commands[step])
        assert ran.code == 0, ran.err + ran.out
    assert check(layerctl)[0] == 0, layerctl("index", "check").out


def test_each_hint_for_a_difference_is_a_command_that_mends_it(aws, released, layerctl):
    """After a yank and a deletion by hand the check is red, and the commands that it names make it green."""
    layerctl("index", "yank", "1.1.0", "--reason", "leaks")
    for region in REGIONS:
        aws.client("lambda", region).delete_layer_version(LayerName="helpers", VersionNumber=1)
    seen = set()
    for _ in range(4):
        found = layerctl("index", "check", "--json")
        seen |= {one["rule"] for one in found.data["findings"]}
        hints = {line for one in found.data["findings"] for line in re.findall(r"`layerctl ([^`]+)`", one["hint"])}
        for line in sorted(hints):
            assert layerctl(*line.split()).code == 0
    assert seen == {"index-gone", "ssm-yank", "ssm-stale"}
    assert check(layerctl) == (0, [])


def test_a_yanked_newest_does_not_push_out_the_good_one(aws, released, layerctl):
    """Prune --keep 1 keeps the newest good version; the yanked one goes when nobody uses it, and else stays."""
    layerctl("index", "yank", "1.2.0", "--reason", "leaks")
    assert "used by parameter /helpers/dev/latest" in layerctl("prune").out, "until the mirror moves it"
    layerctl("index", "mirror")
    assert parameters(aws)["latest"] == layer_arn(2)
    plan = layerctl("prune", "--region", "eu-central-1", "--json").data["versions"]
    assert [one["delete"] for one in plan] == [True, False, True]
    make_function(aws, "todos", [layer_arn(3)])
    assert layerctl("prune", "--apply").code == 0
    assert (numbers(aws), numbers(aws, "us-east-1")) == ([2, 3], [2])


def test_the_mirror_alone_tells_prune_what_is_yanked(aws, released, layerctl, tmp_path, monkeypatch):
    """Where no index is at hand, the yanks in Parameter Store count."""
    layerctl("index", "yank", "1.2.0", "--reason", "leaks")
    layerctl("index", "mirror")
    released.index.rename(tmp_path / "elsewhere.json")
    assert layerctl("prune", "--apply").code == 0
    assert numbers(aws) == [2]
    assert parameters(aws) == {"versions/1.1.0": layer_arn(2), "latest": layer_arn(2)}


def test_yanks_are_mirrored_changed_and_taken_back(aws, released, layerctl):
    """Parameter Store says why a release was yanked, follows another reason, and forgets it with the yank."""
    for reason in ("leaks", "leaks, and worse"):
        layerctl("index", "yank", "1.1.0", "--reason", reason)
        assert check(layerctl) == (1, ["ssm-yank"])
        assert layerctl("index", "mirror", "--dry-run").out.count("would write") == 3
        assert layerctl("index", "mirror").code == 0
        assert parameters(aws)["yanked/1.1.0"] == reason
    assert layerctl("index", "unyank", "1.1.0").code == 0
    assert LayerIndex.load(released.index).releases["1.1.0"].yanked is None
    assert layerctl("index", "mirror", "--dry-run").out.count("would delete") == 3
    assert layerctl("index", "mirror").code == 0
    assert "yanked/1.1.0" not in parameters(aws)
    refused = layerctl("index", "unyank", "1.1.0")
    assert (refused.code, "1.1.0 is not yanked" in refused.err) == (2, True)


def test_a_pruned_release_is_never_given_to_other_content(aws, released, layerctl):
    """The index remembers what a deleted release was: the same content may come back, other content may not."""
    assert layerctl("prune", "--apply").code == 0
    other = layerctl("publish", released.artifact("1.0.0", "x = 'other'\n"), "--index", released.index)
    assert other.code == 2
    assert "a release never changes" in other.err
    same = layerctl("publish", released.artifact("1.0.0", "x = '1.0.0'\n"), "--index", released.index)
    assert same.code == 0, same.err
    back = LayerIndex.load(released.index).releases["1.0.0"]
    assert (set(back.regions), len(back.deleted)) == (set(REGIONS), 3)


def test_a_region_of_layer_toml_that_a_release_misses_is_named(released, layerctl):
    """A new region is an error of the newest release and a warning of older ones; a yanked one misses nothing."""
    layerctl("index", "yank", "1.1.0", "--reason", "leaks")
    layerctl("index", "mirror")
    released.configure(regions=(*REGIONS, "sa-east-1"))
    found = layerctl("index", "check", "--json")
    assert found.code == 1
    missed = {one["message"].split(" ")[0]: one["severity"] for one in found.data["findings"]}
    assert missed == {"1.0.0": "warning", "1.2.0": "error"}
    assert all("sa-east-1" in one["message"] for one in found.data["findings"])


def test_a_deletion_that_fails_leaves_what_the_mirror_can_mend(proxy, released, layerctl):
    """A version that could not be deleted has lost its parameter at most, which the mirror writes again."""
    proxy.add("DeleteLayerVersion", answer(403, "AccessDeniedException", "no"), region="us-east-1")
    assert layerctl("prune", "--apply").code == 2
    assert numbers(released.aws, "us-east-1") == [1, 2, 3]
    assert check(layerctl) == (0, ["ssm-missing"])
    assert layerctl("index", "mirror").code == 0
    assert check(layerctl) == (0, [])


def pinned(root, number):
    """A template that pins a version."""
    path = root / "template.yaml"
    path.write_text(f"Layers:\n  - {layer_arn(number)}\n")
    return path


def test_pins_ask_aws_only_for_what_exists(aws, released, layerctl, tmp_path):
    """A version that was deleted is unknown to `pins check --aws`, though a parameter names it still."""
    released.index.rename(tmp_path / "elsewhere.json")
    template = pinned(released.root, 1)
    assert layerctl("pins", "check", template, "--aws").code == 0
    aws.client("lambda").delete_layer_version(LayerName="helpers", VersionNumber=1)
    gone = layerctl("pins", "check", template, "--aws")
    assert gone.code == 1
    assert "helpers:1 is not published" in gone.out


def test_pins_move_to_a_yanked_release_only_by_force(aws, released, layerctl, tmp_path):
    """A bump goes to the newest good release; --to a yanked one is refused, by name and number, but for --force."""
    layerctl("index", "yank", "1.2.0", "--reason", "leaks")
    layerctl("index", "mirror")
    template = pinned(released.root, 1)
    for sources in (["--index", released.index], ["--aws"]):
        template = pinned(released.root, 1)
        if sources == ["--aws"]:
            released.index.rename(tmp_path / "elsewhere.json")
        assert layerctl("pins", "bump", template, *sources).code == 0
        assert layer_arn(2) in template.read_text()
        for to in ("1.2.0", "3"):
            refused = layerctl("pins", "bump", template, "--to", to, "--layer", "helpers", *sources)
            assert refused.code == 2
            assert "was yanked: leaks; say --force if it is meant" in refused.err
            assert layer_arn(2) in template.read_text()
        forced = layerctl("pins", "bump", template, "--to", "1.2.0", "--layer", "helpers", "--force", *sources)
        assert forced.code == 0
        assert layer_arn(3) in template.read_text()
    yanked = layerctl("pins", "check", template, "--aws")
    assert (yanked.code, "was yanked: leaks" in yanked.out) == (1, True)


def test_a_release_of_a_stack_is_shared_by_the_index(aws, project, layerctl):
    """A version whose description names no release is found by the index, in the regions that have it."""
    project.configure(regions=("eu-central-1",))
    artifact = project.artifact()
    aws.client("lambda").publish_layer_version(
        LayerName="helpers",
        Content={"ZipFile": artifact.read_bytes()},
        Description="from a stack",
        CompatibleRuntimes=["python3.12", "python3.13"],
        CompatibleArchitectures=["x86_64", "arm64"],
    )
    assert layerctl("publish", artifact, "--index", project.index).code == 0
    assert numbers(aws) == [1]
    assert layerctl("share", "--release", "1.0.0", "--account", "222222222222").code == 0
    assert layerctl("share", "--release", "9.0.0", "--account", "222222222222").code == 2
