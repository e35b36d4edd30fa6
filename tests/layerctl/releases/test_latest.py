"""/NAME/STAGE/latest: publish and `sam deploy` leave the same behind."""

from __future__ import annotations

import pytest

from tests.layerctl.releases.conftest import REGIONS
from tests.layerctl.releases.test_usage import layer_arn


def latest(aws, region="eu-central-1", stage="dev"):
    """What the parameter says; None where there is none."""
    client = aws.client("ssm", region)
    try:
        return client.get_parameter(Name=f"/helpers/{stage}/latest")["Parameter"]["Value"]
    except client.exceptions.ParameterNotFound:
        return None


def test_latest_moves_with_a_publish(aws, project, layerctl):
    """In every region the stage's parameter names what was published, and no other stage's; a dry run says it."""
    for number, release in enumerate(("1.0.0", "1.1.0"), start=1):
        artifact = project.artifact(release, f"x = {release!r}\n")
        assert layerctl("publish", artifact, "--stage", "prod").code == 0
        assert [latest(aws, one, "prod") for one in REGIONS] == [layer_arn(number, one) for one in REGIONS]
    assert latest(aws) is None
    ran = layerctl("publish", project.artifact("1.1.0", "x = '1.1.0'\n"), "--dry-run")
    assert ran.out.count("would move /helpers/dev/latest to version 2") == 3
    assert latest(aws) is None
    assert layerctl("publish", project.artifact("1.2.0", "x = 3\n"), "--stage", "prod", "--no-latest").code == 0
    assert latest(aws, stage="prod") == layer_arn(2)


@pytest.mark.parametrize(
    ("first", "second", "moves"),
    [
        ("2.0.0", "1.0.1", False),
        ("1.0.0", "1.0.1", True),
        ("1.10.0", "1.9.0", False),
        ("1.0.0", "1.1.0rc1", False),
        ("1.1.0rc1", "1.0.0", True),
        ("1.0.0rc1", "1.0.0rc2", True),
        ("1.0.0", "1.0.0", True),
    ],
)
def test_latest_is_the_newest_release_and_not_the_last_published(  # noqa: PLR0917
    aws, project, layerctl, first, second, moves
):
    """A fix of an older line or a pre-release does not become the newest; what stays is said."""
    project.configure(regions=("eu-central-1",))
    layerctl("publish", project.artifact(first, "x = 1\n"))
    ran = layerctl("publish", project.artifact(second, "x = 2\n"))
    assert ran.code == 0
    assert latest(aws) == layer_arn(2 if moves else 1)
    assert (f"stays at version 1 ({first})" in ran.out) == (not moves)


def test_a_stacks_version_and_a_publisher_agree(aws, project, layerctl):
    """What a stack deployed is present to publish, and stays the latest; what is published later moves it."""
    project.configure(regions=("eu-central-1",))
    artifact = project.artifact("1.0.0", "x = 1\n")
    aws.client("lambda").publish_layer_version(
        LayerName="helpers",
        Content={"ZipFile": artifact.read_bytes()},
        Description="from a stack",
        CompatibleRuntimes=["python3.12", "python3.13"],
        CompatibleArchitectures=["x86_64", "arm64"],
    )
    aws.client("ssm").put_parameter(Name="/helpers/dev/latest", Value=layer_arn(1), Type="String")
    assert layerctl("publish", artifact).code == 0
    assert latest(aws) == layer_arn(1)
    assert layerctl("publish", project.artifact("1.1.0", "x = 2\n")).code == 0
    assert latest(aws) == layer_arn(2)


def test_a_yanked_release_is_not_made_the_latest(aws, project, layerctl):
    """Completing a yanked release leaves the parameter; the mirror moves it away from one that was yanked."""
    project.configure(regions=("eu-central-1",))
    for release in ("1.0.0", "1.1.0"):
        layerctl("publish", project.artifact(release, f"x = {release!r}\n"), "--index", project.index)
    layerctl("index", "yank", "1.1.0", "--reason", "leaks")
    assert "which was yanked" in layerctl("index", "check").out
    assert layerctl("index", "mirror").code == 0
    assert latest(aws) == layer_arn(1)
    assert layerctl("index", "check").code == 0
    layerctl("publish", project.artifact("1.1.0", "x = '1.1.0'\n"), "--index", project.index)
    assert latest(aws) == layer_arn(1)
