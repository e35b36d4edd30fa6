"""`sam deploy` of template.yaml, with the real SAM CLI and AWS's own translator, against the local AWS."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from layerctl.aws.failures import action_of
from tests.layerctl.releases.test_least_privilege import policies
from tests.support import local_aws
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.local_aws.sam_transform import translate
from tests.support.sam import SAM, sam_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.local_aws import LocalAws

ROOT = Path(__file__).resolve().parents[2]
BUCKET = "shared-utils-artifacts-dev"
PERMISSIONS = {"PublicPermission", "OrganizationPermission", *(f"Account{n}Permission" for n in range(1, 6))}

pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.xdist_group("deploy")]


def processed(**parameters: str) -> dict[str, Any]:
    """Return template.yaml as AWS's translator leaves it."""
    template = (ROOT / "template.yaml").read_text().replace("ContentUri: layer/", "ContentUri: s3://bucket/layer")
    text, _ = translate(template, parameters)
    result: dict[str, Any] = json.loads(text)["Resources"]
    return result


def test_every_version_and_permission_is_retained_in_the_processed_template() -> None:
    """What AWS's translator makes of the template retains the version and its permissions, deleted or replaced."""
    resources = processed()
    versions = [spec for spec in resources.values() if spec["Type"] == "AWS::Lambda::LayerVersion"]
    assert [spec["DeletionPolicy"] for spec in versions] == ["Retain"]
    assert [spec.get("UpdateReplacePolicy", "Retain") for spec in versions] == ["Retain"]
    permissions = {name for name, spec in resources.items() if spec["Type"] == "AWS::Lambda::LayerVersionPermission"}
    assert permissions == PERMISSIONS
    for name in permissions:
        assert (resources[name]["DeletionPolicy"], resources[name]["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_nothing_is_exported() -> None:
    """There is no cross-stack export, which would deadlock the next update of the layer."""
    template = (ROOT / "template.yaml").read_text()
    assert "Export:" not in template


# What CloudFormation's handlers of a resource type ask for, by its registry, but for deleting what is retained.
HANDLERS = {
    "AWS::Lambda::LayerVersion": {"lambda:PublishLayerVersion", "lambda:GetLayerVersion"},
    "AWS::Lambda::LayerVersionPermission": {"lambda:AddLayerVersionPermission", "lambda:GetLayerVersionPolicy"},
    "AWS::SSM::Parameter": {
        "ssm:PutParameter", "ssm:GetParameters", "ssm:AddTagsToResource", "ssm:DeleteParameter"
    },
}  # fmt: skip


def test_the_policy_of_a_deploy_has_what_the_stacks_resources_need() -> None:
    """docs/permissions.md: CloudFormation acts with the caller's rights on each resource of the processed template."""
    types = {spec["Type"] for spec in processed().values()}
    assert policies()["make deploy, what CloudFormation does"] == set().union(*(HANDLERS[one] for one in types))


class Stack:
    """A copy of the stack's template with a small layer, deployed by the real SAM CLI."""

    def __init__(self, folder: Path, aws: LocalAws, proxy: FaultProxy) -> None:
        self.folder = folder
        self.proxy = proxy
        self.environment = sam_environment(aws) | {"AWS_ENDPOINT_URL": proxy.endpoint}
        self.lambda_ = aws.client("lambda")
        self.ssm = aws.client("ssm")
        self.cloudformation = aws.client("cloudformation")
        self.s3 = aws.client("s3")
        self.content = folder / "layer" / "python" / "helper.py"
        self.content.parent.mkdir(parents=True)
        shutil.copy(ROOT / "samconfig.toml", folder)
        # The deploy is under test here, not the build: without BuildMethod the content goes up as it lies there.
        template = (ROOT / "template.yaml").read_text()
        (folder / "template.yaml").write_text(template.replace("    Metadata:\n      BuildMethod: makefile\n", ""))

    def deploy(self, content: str, *overrides: str) -> subprocess.CompletedProcess[str]:
        """Deploy the layer with `content` in it; the overrides are parameters, as NAME=VALUE."""
        self.content.write_text(content)
        command = [str(SAM), "deploy"]
        if overrides:
            command += ["--parameter-overrides", *overrides]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, text=True, capture_output=True, check=False, timeout=180
        )

    def versions(self) -> list[int]:
        """The versions that exist, oldest first."""
        listed = self.lambda_.list_layer_versions(LayerName="shared-utils")["LayerVersions"]
        return sorted(version["Version"] for version in listed)

    def principals(self, version: int) -> list[str]:
        """Who may use a version besides its own account: account ids, or ``*``."""
        policy = self.lambda_.get_layer_version_policy(LayerName="shared-utils", VersionNumber=version)["Policy"]
        principals = [str(statement["Principal"]) for statement in json.loads(policy)["Statement"]]
        # Lambda answers an account as {"AWS": "arn:aws:iam::ACCOUNT:root"}
        return sorted(re.findall(r"\d{12}|\*", " ".join(principals)))

    def latest(self) -> str:
        """What the SSM parameter says is the newest version."""
        value: str = self.ssm.get_parameter(Name="/shared-utils/dev/latest")["Parameter"]["Value"]
        return value


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that is not deployed yet, and its bucket, on a local AWS of its own."""
    with local_aws.start() as aws, fault_proxy(aws.endpoint) as proxy:
        stack = Stack(tmp_path_factory.mktemp("stack"), aws, proxy)
        command = [sys.executable, str(ROOT / "layer" / "bucket.py"), "dev"]
        subprocess.run(command, env=os.environ | stack.environment, check=True, capture_output=True)
        yield stack


SHARED = ("Sharing=accounts", "ShareWithAccounts=111111111111,222222222222")


def test_the_life_of_a_deployed_layer(stack: Stack) -> None:
    """Versions are added when content changes and only then; old ones stay, usable and shared, and so do roll-backs."""
    first = stack.deploy("ANSWER = 1\n", *SHARED)
    assert first.returncode == 0, first.stdout + first.stderr
    assert stack.versions() == [1]
    assert stack.principals(1) == ["111111111111", "222222222222"]
    assert stack.latest().endswith(":layer:shared-utils:1")
    outputs = stack.cloudformation.describe_stacks(StackName="shared-utils-dev")["Stacks"][0]["Outputs"]
    assert {output["OutputKey"]: output["OutputValue"] for output in outputs} == {
        "LayerVersionArn": stack.latest(),
        "LatestParameter": "/shared-utils/dev/latest",
    }

    unchanged = stack.deploy("ANSWER = 1\n", *SHARED)
    assert unchanged.returncode == 0, unchanged.stdout + unchanged.stderr
    assert "No changes to deploy" in unchanged.stdout + unchanged.stderr
    assert stack.versions() == [1]

    changed = stack.deploy("ANSWER = 2\n", *SHARED)
    assert changed.returncode == 0, changed.stdout + changed.stderr
    assert stack.versions() == [1, 2]
    assert stack.latest().endswith(":2")
    assert [stack.principals(version) for version in (1, 2)] == [["111111111111", "222222222222"]] * 2

    rolled_back = stack.deploy("ANSWER = 1\n", *SHARED)
    assert rolled_back.returncode == 0, rolled_back.stdout + rolled_back.stderr
    assert stack.versions() == [1, 2, 3]
    assert stack.latest().endswith(":3")

    narrowed = stack.deploy("ANSWER = 1\n", "Sharing=none")
    assert narrowed.returncode == 0, narrowed.stdout + narrowed.stderr
    assert stack.versions() == [1, 2, 3]
    assert stack.principals(1) == ["111111111111", "222222222222"]
    assert stack.principals(3) == ["111111111111", "222222222222"]

    opened = stack.deploy("ANSWER = 4\n", "Sharing=organization", "ShareWithOrganization=o-abcdefghij")
    assert opened.returncode == 0, opened.stdout + opened.stderr
    assert stack.versions() == [1, 2, 3, 4]
    assert stack.principals(4) == ["*"]

    existing = stack.latest().rsplit(":", 1)[0] + ":2"
    told = ("Sharing=accounts", "ShareWithAccounts=333333333333", f"ExistingVersionArn={existing}")
    present = stack.deploy("ANSWER = 2\n", *told)
    assert present.returncode == 0, present.stdout + present.stderr
    assert stack.versions() == [1, 2, 3, 4]  # nothing is published, and what leaves the stack stays
    assert stack.latest() == existing
    assert stack.principals(2) == ["111111111111", "222222222222", "333333333333"]
    newer = stack.deploy("ANSWER = 2\n", *told, f"LatestVersionArn={existing[:-1]}4")
    assert newer.returncode == 0, newer.stdout + newer.stderr
    assert stack.latest().endswith(":4")

    # docs/permissions.md: what was sent for all of that is what the policy allows, and nothing more
    assert {action_of(*request) for request in stack.proxy.sent} == policies()["make deploy"]
    paths = {operation.partition(" ")[2] for operation, _ in stack.proxy.log}
    assert {path.split("/")[1] for path in paths if path} == {BUCKET}

    stack.cloudformation.delete_stack(StackName="shared-utils-dev")
    assert stack.versions() == [1, 2, 3, 4]
    assert stack.principals(1) == ["111111111111", "222222222222"]
