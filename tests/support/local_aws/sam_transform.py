"""CloudFormation's SAM transform, done by AWS's own translator, which moto does not call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import yaml
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.utils.py27hash_fix import to_py27_compatible_template, undo_mark_unicode_str_in_template
from samtranslator.yaml_helper import yaml_parse

if TYPE_CHECKING:
    from collections.abc import Mapping

SAM_TRANSFORM = "AWS::Serverless-2016-10-31"


def _managed_policies() -> dict[str, str]:
    """Names of AWS's managed policies to ARNs, for templates that name them without an ARN.

    The translator asks IAM for the list; these are the ones that functions usually name.
    """
    service_roles = ("AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole", "AWSLambdaRole")
    return {name: f"arn:aws:iam::aws:policy/service-role/{name}" for name in service_roles}


def _transform(template: dict[str, Any], values: dict[str, Any], region: str) -> dict[str, Any]:
    """What `samtranslator.translator.transform` does, for a region of our choice instead of the process's."""
    to_py27_compatible_template(template, values)
    translator = Translator(None, Parser(), boto_session=boto3.session.Session(region_name=region))
    translated = translator.translate(template, parameter_values=values, get_managed_policy_map=_managed_policies)
    result: dict[str, Any] = undo_mark_unicode_str_in_template(translated)
    return result


def translate(template: str, parameters: Mapping[str, Any], region: str = "eu-central-1") -> tuple[str, dict[str, Any]]:
    """Return the processed template, as JSON, and every parameter's value, defaults included.

    Args:
        template: the text as it was uploaded, YAML or JSON. Without the SAM transform it is only normalised to JSON.
        parameters: the values given for the stack; the template's defaults stand in for the others.
        region: where the stack is.
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
        parsed = _transform(parsed, dict(values), region)
        parsed.pop("Transform", None)
    return json.dumps(parsed, sort_keys=True), values
