"""The resources of a SAM or CloudFormation template: the types that concern functions, and where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from layerctl.templates.yaml import get, pairs, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FUNCTIONS", "LAYERS", "NESTED", "is_template", "resources_in"]

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
    return any("::" in (scalar(get(resource, "Type")) or "") for _, resource in resources_in(get(root, "Resources")))


def resources_in(section: yaml.Node | None, visited: set[int] | None = None) -> Iterator[tuple[str, yaml.Node]]:
    """Resources by logical id, those inside of `Fn::ForEach` included.

    Args:
        section: the template's `Resources`.
        visited: the loops that have been entered already: an alias may lead back to one.
    """
    visited = set() if visited is None else visited
    for name, resource in pairs(section):
        if not (name.startswith("Fn::ForEach") and isinstance(resource, yaml.SequenceNode)):
            yield name, resource
        elif id(resource) not in visited:
            visited.add(id(resource))
            for body in resource.value[2:3]:
                yield from resources_in(body, visited)
