"""The pipeline of a service, by the lines of `service.yml` as `examples.yml` calls it; part of `make pipeline`.

Check, dev, the gate, prod, for an example with one function and for the one with a queue; at the same time, since they
share nothing.
"""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.e2e import workflow
from tests.e2e.evidence import PipelineError, check, console, say
from tests.support.workflow_steps import PLAYED, called_with

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.local_aws import LocalAws

REGION = "eu-central-1"
SERVICES = {"todos": ("TodosFunction",), "orders": ("OrdersFunction", "ShipmentsFunction")}
QUEUES = {"todos": 0, "orders": 1}


def play(folder: Path, environment: Mapping[str, str], aws: LocalAws, pin: str, number: int) -> None:
    """Play it in a checkout whose examples are pinned to a released version.

    Args:
        folder: the checkout; the index of the release is in `main`, where the release workflow has left it.
        environment: with the local AWS's address.
        aws: the local AWS.
        pin: the version's ARN.
        number: the step's, in what is printed.
    """
    shutil.copy(folder / "main" / "layers.json", folder / "layers.json")  # the index's pull request is merged
    (folder / ".tools").symlink_to(".venv")
    (folder / ".sam").symlink_to(".venv-sam")
    where = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}
    aws.client("s3", REGION).create_bucket(Bucket="shared-utils-artifacts-prod", **where)

    gate = workflow.job("service", "prod")["environment"]
    say(number, f"the services' pipeline: check, dev, the gate (environment {gate!r}), prod, with a canary")

    def through(service: str) -> tuple[str, PipelineError | None]:
        failure = None
        with console.capture() as said:
            try:
                inputs = called_with("examples", "service", service=service)
                for name in PLAYED["service"]:
                    console.print(f"   [bold]{service}, {name}[/]")
                    workflow.play_job("service", name, folder, {**environment, **inputs})
                _check_deployed(aws, service, pin)
            except PipelineError as error:
                failure = error
        return said.get(), failure

    with ThreadPoolExecutor(len(SERVICES)) as pool:
        done = list(pool.map(through, SERVICES))
    for said, _ in done:
        console.out(said, end="")
    for _, failure in done:
        if failure is not None:
            raise failure


def _check_deployed(aws: LocalAws, service: str, pin: str) -> None:
    """Each function is served by its alias, on the pinned version; in prod CodeDeploy moves it by a canary."""
    cloudformation, client = aws.client("cloudformation", REGION), aws.client("lambda", REGION)
    for stage in ("dev", "prod"):
        stack = f"{service}-{stage}"
        resources = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
        names = {resource["LogicalResourceId"]: resource.get("PhysicalResourceId", "") for resource in resources}
        for logical in SERVICES[service]:
            served = client.get_function(FunctionName=names[logical], Qualifier="live")["Configuration"]
            check(
                served["Layers"][0]["Arn"] == pin,
                f"{stack}: {logical}:live serves version {served['Version']} on {pin}",
            )
    stack = cloudformation.describe_stacks(StackName=f"{service}-prod")["Stacks"][0]
    check({"ParameterKey": "Stage", "ParameterValue": "prod"} in stack["Parameters"], f"{service}-prod: Stage is prod")
    template = cloudformation.get_template(StackName=f"{service}-prod")["TemplateBody"]
    made: dict[str, Any] = template if isinstance(template, dict) else json.loads(template)
    for logical in SERVICES[service]:
        group = made["Resources"][f"{logical}DeploymentGroup"]["Properties"]
        condition, there, _ = group["DeploymentConfigName"]["Fn::If"]
        canary = condition == "Prod" and "Canary10Percent5Minutes" in str(there)
        check(canary and bool(group["AlarmConfiguration"]["Alarms"]), f"{logical}: there by a canary, with an alarm")
    kind = "AWS::Lambda::EventSourceMapping"
    mappings = {name: resource for name, resource in made["Resources"].items() if resource["Type"] == kind}
    check(len(mappings) == QUEUES[service], f"{service}-prod: queues that call a function: {len(mappings)}")
    for name, mapping in mappings.items():
        called = mapping["Properties"]["FunctionName"]["Ref"]
        check("Aliaslive" in called, f"{name}: the queue calls {called}")
