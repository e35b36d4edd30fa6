"""A recall: yanked with reason and severity, everybody on it named, taken back again."""

from __future__ import annotations

import json

import pytest

from tests.layerctl.releases.test_usage import layer_arn, make_function


@pytest.fixture
def world(project, layerctl):
    """Three releases; two functions use the second, one of them in a published version behind an alias."""
    project.configure(regions=("eu-central-1",))
    for release in ("1.0.0", "1.1.0", "1.2.0"):
        assert layerctl("publish", project.artifact(release, f"x = {release!r}\n"), "--index", project.index).code == 0
    client = project.aws.client("lambda", "eu-central-1")
    make_function(project.aws, "todos", [layer_arn(2)])
    number = client.publish_version(FunctionName="todos")["Version"]
    client.create_alias(FunctionName="todos", Name="live", FunctionVersion=number)
    make_function(project.aws, "users", [layer_arn(3)])
    return project


def test_a_yank_has_reason_and_severity(world, layerctl):
    """Both are kept, shown by notes and by pins check, and go with the unyank."""
    yanked = layerctl("index", "yank", "1.1.0", "--reason", "leaks  memory", "--severity", "high")
    assert yanked.out == "yanked helpers 1.1.0: leaks memory (high)\n"
    entry = json.loads(world.index.read_text())["releases"]["1.1.0"]["yanked"]
    assert (entry["reason"], entry["severity"]) == ("leaks memory", "high")
    assert "(high): leaks memory" in layerctl("index", "notes", "1.1.0").out
    (world.root / "template.yaml").write_text(f"Layers:\n  - {layer_arn(2)}\n")
    checked = layerctl("pins", "check", "template.yaml")
    assert checked.code == 1
    assert "was yanked (high): leaks memory" in checked.out
    assert layerctl("index", "yank", "1.1.0", "--reason", "x", "--severity", "awful").code == 2
    assert layerctl("index", "unyank", "1.1.0").code == 0
    assert layerctl("pins", "check", "template.yaml").code == 0


def test_usage_names_every_function_on_a_yanked_release(world, layerctl):
    """Functions, versions, aliases and templates of yanked releases only; exit 1 while there are any."""
    (world.root / "template.yaml").write_text(f"Layers:\n  - {layer_arn(2)}\n  - {layer_arn(3)}\n")
    nothing = layerctl("usage", "--yanked", "template.yaml")
    assert nothing.code == 0
    assert "no release is yanked" in nothing.err
    layerctl("index", "yank", "1.1.0", "--reason", "leaks memory", "--severity", "critical")
    found = layerctl("usage", "--yanked", "template.yaml", "--json")
    assert found.code == 1
    assert {(one["function"], one["qualifier"]) for one in found.data["functions"]} == {
        ("todos", "$LATEST"),
        ("todos", "1"),
    }
    assert [one["aliases"] for one in found.data["functions"] if one["qualifier"] == "1"] == [["live"]]
    assert [one["version"] for one in found.data["templates"]] == [2]
    assert found.data["yanked"][0] | {"date": ""} == {
        "release": "1.1.0", "reason": "leaks memory", "date": "", "severity": "critical",
    }  # fmt: skip
    told = layerctl("usage", "--yanked")
    assert "todos" in told.out
    assert "users" not in told.out
    assert "(critical): leaks memory" in told.err


def test_deleted_versions_count(world, layerctl):
    """A function keeps a layer version that was deleted: it is named all the same."""
    layerctl("index", "yank", "1.1.0", "--reason", "leaks memory")
    world.aws.client("lambda", "eu-central-1").delete_layer_version(LayerName="helpers", VersionNumber=2)
    assert layerctl("index", "write", "--forget-deleted").code == 0
    found = layerctl("usage", "--yanked", "--json")
    assert (found.code, {one["function"] for one in found.data["functions"]}) == (1, {"todos"})


def test_nobody_uses_it(world, layerctl):
    """A yanked release that nobody uses: exit 0, and the index that is missing is exit 2."""
    layerctl("index", "yank", "1.0.0", "--reason", "leaks memory")
    assert layerctl("usage", "--yanked").code == 0
    assert layerctl("usage", "--yanked", "--index", "nowhere.json").code == 2
