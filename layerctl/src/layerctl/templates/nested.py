"""The nested stacks and applications that a template names, and where the template of each is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import yaml

from layerctl.templates.resources import NESTED, resources_in
from layerctl.templates.yaml import get, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["NestedStack", "nested_stacks"]


class NestedStack(NamedTuple):
    """A stack within a stack.

    Attributes:
        name: its logical id.
        offset: where its location stands.
        path: its template, where that is on this machine; None: it is elsewhere, or not there.
        shared: whether it is an application of the Serverless Application Repository.
    """

    name: str
    offset: int
    path: Path | None
    shared: bool


def nested_stacks(root: yaml.Node, path: Path) -> Iterator[NestedStack]:
    """Find them in a template; `path` is its file."""
    for name, resource in resources_in(get(root, "Resources")):
        location = NESTED.get(scalar(get(resource, "Type")) or "")
        if location is None:
            continue
        node = get(resource, "Properties", location)
        # what the CDK writes ("Cloud assembly schema", asset metadata)
        asset = scalar(get(resource, "Metadata", "aws:asset:path"))
        where = asset or scalar(node)
        found = path.parent / where if where and "://" not in where and "${" not in where else None
        yield NestedStack(
            name,
            (node if node is not None else resource).start_mark.index,
            found if found is not None and found.is_file() else None,
            isinstance(node, yaml.MappingNode) and get(node, "ApplicationId") is not None,
        )
