"""The resources of a SAM or CloudFormation template: the types that concern functions, and where they stand."""

from __future__ import annotations

import yaml

from layerctl.templates.yaml import get, pairs, scalar

__all__ = ["FUNCTIONS", "LAYERS", "NESTED", "is_template"]

# Type -> the property with its code, its content, or its template.
FUNCTIONS = {"AWS::Serverless::Function": "CodeUri", "AWS::Lambda::Function": "Code"}
LAYERS = {"AWS::Serverless::LayerVersion": "ContentUri", "AWS::Lambda::LayerVersion": "Content"}
NESTED = {"AWS::CloudFormation::Stack": "TemplateURL", "AWS::Serverless::Application": "Location"}


def is_template(root: yaml.Node) -> bool:
    """Whether the document is a CloudFormation or SAM template."""
    keys = dict(pairs(root))
    transform = keys.get("Transform")
    named = transform.value if isinstance(transform, yaml.SequenceNode) else [transform]
    if "AWSTemplateFormatVersion" in keys or any((scalar(name) or "").startswith("AWS::") for name in named):
        return True
    resources = pairs(keys.get("Resources"))
    return any(name.startswith("Fn::") or "::" in (scalar(get(body, "Type")) or "") for name, body in resources)
