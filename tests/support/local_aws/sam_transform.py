"""CloudFormation's SAM transform, done by AWS's own translator, which moto does not call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

if TYPE_CHECKING:
    from collections.abc import Mapping

SAM_TRANSFORM = "AWS::Serverless-2016-10-31"


class _ManagedPolicies:
    """Names of AWS's managed policies to ARNs, for templates that name them without an ARN.

    The translator asks IAM for the list; every managed policy but the service-role ones lives at this ARN.
    """

    def load(self) -> Mapping[str, str]:
        service_roles = ("AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole", "AWSLambdaRole")
        return {name: f"arn:aws:iam::aws:policy/service-role/{name}" for name in service_roles}


def translate(template: str, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the processed template, as JSON, and every parameter's value, defaults included.

    Args:
        template: the text as it was uploaded, YAML or JSON. Without the SAM transform it is only normalised to JSON.
        parameters: the values given for the stack; the template's defaults stand in for the others.
    """
    try:
        parsed = yaml_parse(template)
    except yaml.YAMLError:
        parsed = json.loads(template)
    transforms = parsed.pop("Transform", [])
    transforms = [transforms] if isinstance(transforms, str) else list(transforms)
    declared = parsed.get("Parameters", {})
    values = {name: spec["Default"] for name, spec in declared.items() if "Default" in spec} | dict(parameters)
    if SAM_TRANSFORM in transforms:
        parsed = transform(parsed, dict(values), _ManagedPolicies())
        parsed.pop("Transform", None)
    return json.dumps(parsed, sort_keys=True), values
