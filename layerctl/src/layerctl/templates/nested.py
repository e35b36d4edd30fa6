"""The parts of a template that are files of their own: nested stacks and applications, and a service's functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import yaml

from layerctl.templates.resources import NESTED, resources_in
from layerctl.templates.yaml import children, get, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Part", "included_functions", "nested_stacks"]

_FILE = re.compile(r"\$\{file\(([^()]*)\)")


class Part(NamedTuple):
    """A part of a template that is another file.

    Attributes:
        what: what it is, for people.
        offset: where its location stands.
        path: the file, where it is on this machine; None: it is elsewhere, or not there.
        shared: whether it is an application of the Serverless Application Repository.
    """

    what: str
    offset: int
    path: Path | None
    shared: bool


def nested_stacks(root: yaml.Node, path: Path) -> Iterator[Part]:
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
        yield Part(
            f"the template of {name}",
            (node if node is not None else resource).start_mark.index,
            found if found is not None and found.is_file() else None,
            isinstance(node, yaml.MappingNode) and get(node, "ApplicationId") is not None,
        )


def included_functions(root: yaml.Node, path: Path) -> Iterator[Part]:
    """Find the files of functions that a serverless.yml includes, those that are here; `path` is its file."""
    pending = [node for node in (get(root, "functions"), get(root, "provider", "layers")) if node is not None]
    seen: set[int] = set()
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        pending += children(node)
        for match in _FILE.finditer(str(node.value) if isinstance(node, yaml.ScalarNode) else ""):
            found = path.parent / match[1].strip()
            if found.suffix in {".yml", ".yaml", ".json"} and found.is_file():
                yield Part("what is included here", node.start_mark.index, found, False)
