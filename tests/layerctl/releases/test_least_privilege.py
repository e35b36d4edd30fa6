"""docs/permissions.md: each policy holds what its command asks for, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from layerctl.aws.failures import action_of
from tests.layerctl.cli.test_command_line import COMMANDS as ALL_COMMANDS
from tests.layerctl.releases.test_usage import OTHER, ROLE, layer_arn, make_function
from tests.support.fault_proxy import barrier

PAGE = Path(__file__).parents[3] / "docs" / "permissions.md"


def policies():
    """Section title to the actions of its policy."""
    sections = re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    found = {}
    for title, body in sections:
        block = re.search(r"```json\n(.*?)```", body, re.DOTALL)
        statements = json.loads(block[1])["Statement"]
        actions = [one["Action"] for one in statements]
        found[title] = {name for one in actions for name in ([one] if isinstance(one, str) else one)}
    return found


def test_every_command_has_a_policy():
    """Each command that goes to regions has a section of its own."""
    in_regions = {" ".join(name) for name, one in ALL_COMMANDS.items() if "all_regions" in {p.name for p in one.params}}
    assert {"publish", "index write"} <= in_regions <= set(policies())


@pytest.fixture
def world(project, layerctl):
    """Two releases, one of them used by a function, in one region."""
    project.configure(regions=("eu-central-1",))
    for release in ("1.0.0", "1.1.0", "1.2.0"):
        artifact = project.artifact(release, f"x = {release!r}\n")
        assert layerctl("publish", artifact, "--index", project.index).code == 0
    make_function(project.aws, "todos", [layer_arn(2)])
    return project


@pytest.fixture
def mirrored(world, layerctl):
    """The same, with the index's mirror."""
    assert layerctl("index", "mirror").code == 0
    return world


COMMANDS = {
    "share": [
        ("share", "--version", "1", "--account", OTHER),
        ("share", "--all-versions", "--account", OTHER, "--revoke", "--apply"),
    ],
    "permissions": [("permissions",)],
    "index write": [("index", "write", "--index", "new.json")],
    "index check": [("index", "check")],
    "releases": [("releases", "--stage", "dev")],
    "usage": [("usage", "--role", ROLE)],
    "prune": [("prune", "--role", ROLE, "--apply")],
}


@pytest.mark.parametrize("section", COMMANDS)
def test_a_policy_is_what_the_command_sends(mirrored, layerctl, section):
    """Run with everything that the section covers, the command sends requests of exactly the policy's actions."""
    sent = set()
    for argv in COMMANDS[section]:
        sent |= set(layerctl(*argv, "--json").data["requests"])
    assert {action_of(*request.split(".")) for request in sent} == policies()[section]


def test_the_mirror_asks_for_what_its_policy_has(proxy, world, layerctl):
    """Reading a single parameter happens only when another run was faster, and that is provoked here."""

    def faster(call):
        ssm = world.aws.client("ssm")
        ssm.put_parameter(Name="/helpers/dev/versions/1.0.0", Value=layer_arn(1), Type="String")
        return call.forward()

    proxy.add("PutParameter", faster)
    requests = layerctl("index", "mirror", "--json").data["requests"]
    assert layerctl("index", "yank", "1.1.0", "--reason", "leaks").code == 0
    requests |= layerctl("index", "mirror", "--json").data["requests"]
    assert layerctl("index", "unyank", "1.1.0").code == 0
    requests |= layerctl("index", "mirror", "--json").data["requests"]
    assert {action_of(*request.split(".")) for request in requests} == policies()["index mirror"]


def test_publishing_asks_for_what_its_policies_have(proxy, project, layerctl):
    """The whole of publish: shared, beaten by another publisher, and a large zip through S3."""
    project.configure(regions=("eu-central-1",), accounts=(OTHER,))
    artifact = project.artifact()
    gate = barrier(1)

    def beaten(call):
        call.forward()  # the same request by somebody else, just before
        return gate(call)

    proxy.add("PublishLayerVersion", beaten)
    requests = layerctl("publish", artifact, "--json").data["requests"]
    assert {action_of(*request.split(".")) for request in requests} == policies()["publish"]
    assert {action_of("s3", "HeadObject"), action_of("s3", "PutObject"), "sts:GetCallerIdentity"} == policies()[
        "publish through S3"
    ]


def test_what_a_deploy_is_told_asks_for_what_its_policy_has(project, layerctl):
    """Reading what a region and a stack have, of a version that does not say its content too."""
    client = project.aws.client("lambda", "eu-central-1")
    artifact = project.artifact()
    client.publish_layer_version(LayerName="helpers", Content={"ZipFile": artifact.read_bytes()})
    ran = layerctl("deploy-parameters", artifact, "--region", "eu-central-1", "--stack", "helpers", "--json")
    assert {action_of(*request.split(".")) for request in ran.data["requests"]} == policies()["deploy-parameters"]


def test_check_asks_for_what_its_policies_have(world, tmp_path, monkeypatch):
    """Reading a pinned layer by its ARN, and the code of a deployed stack, send exactly the policies' actions."""
    from layerctl.check.fetch import Fetcher

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LAYERCTL_CACHE_DIR", str(tmp_path / "cache"))
    role = world.aws.client("iam").get_role(RoleName="r")["Role"]["Arn"]
    properties = {"Handler": "app.handler", "Runtime": "python3.13", "Role": role, "Code": {"ZipFile": "x = 1"}}
    function = {"Type": "AWS::Lambda::Function", "Properties": properties}
    template = json.dumps({"Resources": {"Function": function}})
    world.aws.client("cloudformation").create_stack(StackName="todos", TemplateBody=template)
    content = Fetcher()
    content.deployed_code("todos", "eu-central-1")
    assert {action_of(*one.split(".")) for one in content._aws.requests} == policies()["check --stack"]
    content = Fetcher()
    content._call("lambda", "eu-central-1", "get_layer_version_by_arn", Arn=layer_arn(1))
    assert {action_of(*one.split(".")) for one in content._aws.requests} == policies()["check"]
