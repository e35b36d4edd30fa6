"""`layerctl deploy-parameters`: a stack leaves behind what a publisher leaves behind, and publishes nothing twice."""

from __future__ import annotations

import json

import pytest

from tests.layerctl.releases.conftest import write_zip
from tests.layerctl.releases.test_usage import layer_arn

REGION = ("--region", "eu-central-1")
LATEST = "/helpers/prod/latest"


def told(layerctl, artifact, *options):
    """The parameters, without the description."""
    ran = layerctl("deploy-parameters", artifact, *REGION, "--stage", "prod", "--json", *options)
    assert ran.code == 0, ran.err
    values = ran.data["parameters"]
    return values["ExistingVersionArn"], values["LatestVersionArn"]


def put_latest(project, number):
    """Let the parameter name a version."""
    ssm = project.aws.client("ssm", "eu-central-1")
    ssm.put_parameter(Name=LATEST, Value=layer_arn(number), Type="String", Overwrite=True)


@pytest.fixture
def released(project, layerctl):
    """1.0.0 and 1.1.0 published to prod, in the index."""
    project.configure(regions=("eu-central-1",))
    for release in ("1.0.0", "1.1.0"):
        artifact = project.artifact(release, f"x = {release!r}\n")
        assert layerctl("publish", artifact, "--stage", "prod", "--index", project.index).code == 0
    return project


def test_what_is_there_is_named_and_the_newer_release_stays(released, layerctl):
    """Content that exists is not published; an older release does not become the latest; the newest does."""
    old, new = (released.root / f"helpers-{release}.zip" for release in ("1.0.0", "1.1.0"))
    assert told(layerctl, old) == (layer_arn(1), layer_arn(2))
    assert told(layerctl, new) == (layer_arn(2), "")
    assert told(layerctl, released.artifact("1.2.0", "x = 3\n")) == ("", "")
    assert told(layerctl, released.artifact("1.0.1", "x = 4\n")) == ("", layer_arn(2))


def test_what_dev_has_counts_where_it_is(released, layerctl):
    """Where both are one place, content of dev's is prod's, by the number that it has; elsewhere it is published."""
    work = released.artifact("1.2.0", "x = 3\n")
    assert layerctl("publish", work, "--stage", "dev").code == 0
    assert told(layerctl, work) == (layer_arn(3), "")
    ran = layerctl("deploy-parameters", work, "--region", "eu-west-1", "--stage", "prod", "--json")
    assert ran.data["parameters"]["ExistingVersionArn"] == ""


def test_what_was_yanked_does_not_stay_and_is_not_gone_to(released, layerctl):
    """With the index a yanked release is neither kept as the latest nor made it."""
    assert layerctl("index", "yank", "1.1.0", "--reason", "leaks").code == 0
    old, new = (released.root / f"helpers-{release}.zip" for release in ("1.0.0", "1.1.0"))
    index = ("--index", released.index)
    assert told(layerctl, old, *index) == (layer_arn(1), "")
    put_latest(released, 1)
    assert told(layerctl, new, *index) == (layer_arn(2), layer_arn(1))


def test_of_work_in_progress_the_last_deployed_counts(released, layerctl):
    """What names no release has no order: it becomes the latest, unless a newer release is that."""
    client = released.aws.client("lambda", "eu-central-1")
    work = released.artifact("1.1.0", "x = 'work'\n")
    assert told(layerctl, work, "--unreleased") == ("", "")
    client.publish_layer_version(LayerName="helpers", Content={"ZipFile": work.read_bytes()}, Description="a stack's")
    again = released.artifact("1.1.0", "x = 'later work'\n")
    client.publish_layer_version(LayerName="helpers", Content={"ZipFile": again.read_bytes()}, Description="a stack's")
    put_latest(released, 4)
    work = released.artifact("1.1.0", "x = 'work'\n")
    assert told(layerctl, work, "--unreleased") == (layer_arn(3), "")
    put_latest(released, 2)
    old = released.artifact("1.0.9", "x = 'old work'\n")
    assert told(layerctl, old, "--unreleased") == ("", layer_arn(2))
    text = layerctl("deploy-parameters", old, *REGION, "--stage", "prod", "--unreleased")
    assert "VersionDescription=sha256:" in text.out
    assert f"{LATEST} stays at version 2 (1.1.0)" in text.err
    assert "VersionDescription='1.0.9 sha256:" in layerctl("deploy-parameters", old, *REGION).out


def test_what_sam_built_must_be_what_was_proved(released, layerctl, tmp_path):
    """A folder of other content than the artifact's is refused, one of the same content is not."""
    built = tmp_path / "built" / "python"
    (built / "more").mkdir(parents=True)
    (built / "helpers.py").write_text("x = '1.0.0'\n")
    (built / "more" / "__init__.py").write_text("")
    artifact = released.root / "helpers-1.0.0.zip"
    assert told(layerctl, artifact, "--built", built.parent) == (layer_arn(1), layer_arn(2))
    (built / "helpers.py").write_text("x = 'other'\n")
    ran = layerctl("deploy-parameters", artifact, *REGION, "--built", built.parent)
    assert ran.code == 2
    assert "build both again from the same sources" in ran.err


def test_a_parameter_that_was_there_before_the_stack_is_left_to_publish(released, layerctl):
    """CloudFormation fails to make what exists: the stack is told not to, unless the parameter is its own."""

    def owner(stage="prod"):
        artifact = released.root / "helpers-1.1.0.zip"
        ran = layerctl("deploy-parameters", artifact, *REGION, "--stage", stage, "--stack", "helpers", "--json")
        assert ran.code == 0, ran.err
        return ran.data["parameters"]["LatestOwner"]

    assert (owner(), owner("test")) == ("publisher", "stack")
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/a", "Type": "String", "Value": "x"}}
    template = json.dumps({"Resources": {"LatestVersion": parameter}})
    released.aws.client("cloudformation", "eu-central-1").create_stack(StackName="helpers", TemplateBody=template)
    assert owner() == "stack"


def test_a_stack_is_in_one_region(project, layerctl):
    """Several regions are an error, and so is a region that cannot be asked."""
    write_zip(project.root / "helpers-1.0.0.zip", {"python/helpers.py": ""})
    ran = layerctl("deploy-parameters", "helpers-1.0.0.zip")
    assert ran.code == 2
    assert "a stack is in one region" in ran.err
    assert layerctl("deploy-parameters", "helpers-1.0.0.zip", "--region", "eu-central-9").code == 2
