"""The examples' templates: valid, pinned by a literal ARN, allowed to read just what they read."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from layerctl.core.arn import LAYER_VERSION_ARN
from layerctl.templates.sam import load_template
from shared_utils import __version__
from tests.examples.plain_templates import EXAMPLES, read_template

SERVICES = ["todos", "users", "orders"]


def test_cfn_lint_and_the_sam_transform_accept_them() -> None:
    """cfn-lint, which runs AWS's own SAM transform first, finds nothing."""
    templates = [str(EXAMPLES / service / "template.yaml") for service in SERVICES]
    command = [str(Path(sys.executable).with_name("cfn-lint")), *templates]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize("service", SERVICES)
def test_the_layer_is_pinned_by_a_literal_arn(service: str) -> None:
    """The ARN stands in the template as it is, with the semantic version in a comment that `pins bump` keeps."""
    text = (EXAMPLES / service / "template.yaml").read_text()
    (pin,) = LAYER_VERSION_ARN.finditer(text)
    assert text[pin.end() :].splitlines()[0] == f" # shared-utils {__version__}"
    for function in load_template(EXAMPLES / service / "template.yaml").functions:
        assert [layer.text for layer in function.layers] == [pin[0]]


def test_each_service_has_its_routes() -> None:
    """Two services as the article has them, and one with a table; each with routes of its own."""
    routes = {
        service: [route.key for route in load_template(EXAMPLES / service / "template.yaml").functions[0].routes]
        for service in SERVICES
    }
    assert routes == {
        "todos": ["GET /todos", "POST /todos", "GET /todos/{id}"],
        "users": ["GET /users", "GET /users/{id}"],
        "orders": ["POST /orders", "GET /orders/{id}", "DELETE /orders/{id}"],
    }


@pytest.mark.parametrize("service", ["todos", "users"])  # orders needs a table, so a local AWS has its secret too
def test_local_values_are_for_what_the_template_refers_to(service: str) -> None:
    """Every reference in the template has its local value, and the other way round."""
    (function,) = load_template(EXAMPLES / service / "template.yaml").functions
    referred = {value.partition("#")[0] for value in function.environment.values() if "://" in value}
    given = set(re.findall(r'^"(.+?)"', (EXAMPLES / service / "local-config.toml").read_text(), re.MULTILINE))
    assert referred == given


def test_a_batch_gives_back_its_failed_messages_only() -> None:
    """The consumer's answer counts (else one failed message brings back all), and each poisoned one is set aside."""
    (consumer,) = [
        function
        for function in load_template(EXAMPLES / "orders" / "template.yaml").functions
        if function.logical_id == "ShipmentsFunction"
    ]
    resources = read_template("orders")["Resources"]
    source = resources[consumer.logical_id]["Properties"]["Events"]["Shipments"]["Properties"]
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    queue = resources["ShipmentsQueue"]["Properties"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 3
    assert queue["VisibilityTimeout"] == 6 * consumer.timeout


@pytest.mark.parametrize("service", SERVICES)
def test_each_function_is_deployed_by_an_alias_that_goes_back(service: str) -> None:
    """A canary in prod, an alarm on the alias, a new layer moves it; `sam build` and `sam deploy` have both stages."""
    template = read_template(service)
    resources, common = template["Resources"], template.get("Globals", {}).get("Function", {})
    kind = "AWS::Serverless::Function"
    functions = {name: function for name, function in resources.items() if function["Type"] == kind}
    assert functions
    for name, function in functions.items():
        properties = common | function["Properties"]
        assert (properties["AutoPublishAlias"], properties["AutoPublishAliasAllProperties"]) == ("live", True)
        assert properties["DeploymentPreference"]["Type"] == ["Prod", "Canary10Percent5Minutes", "AllAtOnce"]
        (alarm,) = properties["DeploymentPreference"]["Alarms"]
        watched = {dimension["Name"]: dimension["Value"] for dimension in resources[alarm]["Properties"]["Dimensions"]}
        assert watched == {"FunctionName": name, "Resource": f"${{{name}}}:live"}
        # Its own: with SkipBuild, `sam build` leaves a path of Globals as it is, and `sam deploy` does not find it.
        assert function["Properties"]["CodeUri"] == "src/"
    config = tomllib.loads((EXAMPLES / service / "samconfig.toml").read_text())
    for stage in ("dev", "prod"):
        assert config[stage]["deploy"]["parameters"]["stack_name"] == f"{service}-{stage}"
        assert config[stage]["deploy"]["parameters"]["parameter_overrides"] == [f"Stage={stage}"]
