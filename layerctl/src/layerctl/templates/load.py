"""Reads a template of whatever format into the model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from layerctl.templates.documents import TEMPLATES, read_document
from layerctl.templates.intrinsics import KNOWN_TAGS
from layerctl.templates.model import Fault, Place, Template
from layerctl.templates.resources import is_template
from layerctl.templates.serverless import is_service
from layerctl.templates.services import ServiceReader
from layerctl.templates.spans import SpannedString
from layerctl.templates.stacks import StackReader

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["read_template", "synthesised", "templates_in"]


def read_template(
    path: Path, *, parameters: Mapping[str, str] | None = None, region: str | None = None, stand_ins: bool = False
) -> Template:
    """Read a SAM or CloudFormation template in YAML or JSON, or a serverless.yml.

    What cannot be worked out concerns only what uses it: a `Value` without text, a `LayerReference` that is unknown, a
    function with a `problem`.

    Args:
        path: the template; local paths in it are found from its folder.
        parameters: values in place of the parameters' defaults.
        region: what `AWS::Region` stands for; None leaves it open.
        stand_ins: whether what only a deployment knows is stood in for, as it is to run functions; parameters have
            their defaults then, and conditions are decided.
    """
    template = Template(path)
    document = read_document(path)
    if isinstance(document, Fault):
        template.problems.append(document)
        return template
    source, tree = document

    def problem(message: str, hint: str, offset: int) -> None:
        template.problems.append(Fault(Place(path.as_posix(), *source.place(offset)), message, hint))

    for message, offset in tree.faults:
        if stand_ins:  # what runs is what a deployment would make of it
            where = Place(path.as_posix(), *source.place(offset))
            template.unread.append(Fault(where, f"{message}: the last value counts", "remove one of the two"))
        else:
            problem(message, "remove one of the two", offset)
    for root in tree.documents:
        if is_service(root):
            ServiceReader(path, source, root, region).read(template)
            return template
        if is_template(root):
            for tag, offset in tree.tags.items():
                if tag not in KNOWN_TAGS and not stand_ins:  # else it is the value's that has it
                    problem(f"unknown tag {tag}", "use one of CloudFormation's intrinsic functions", offset)
            given = {name: [SpannedString.literal(value, None)] for name, value in (parameters or {}).items()}
            reader = StackReader(path, source, root, given=given, region=region, stand_ins=stand_ins)
            reader.read(template)
            return template
    what = "neither a SAM or CloudFormation template (no Resources) nor a serverless.yml (no functions)"
    problem(what, "name a template", 0)
    template.recognised = False
    return template


def templates_in(path: Path) -> list[Path]:
    """Return the templates that a path names: itself, or those of a folder.

    A folder has a ``template.yaml``, or is what the CDK synthesises (``cdk.out``), whose manifest names its stacks
    ("Cloud assembly schema"). Empty where a folder has neither.
    """
    if not path.is_dir():
        return [path]
    for name in TEMPLATES:
        if (path / name).is_file():
            return [path / name]
    return synthesised(path)


def synthesised(folder: Path) -> list[Path]:
    """Return the stacks of a folder that the CDK synthesised; of any other none."""
    try:
        artifacts = json.loads((folder / "manifest.json").read_text("utf-8"))["artifacts"]
        found = []
        for artifact in artifacts.values():
            properties = artifact.get("properties", {})
            if artifact["type"] == "aws:cloudformation:stack":
                found.append(folder / properties["templateFile"])
            elif artifact["type"] == "cdk:cloud-assembly":  # a stage's stacks
                found += synthesised(folder / properties["directoryName"])
        return found
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []
