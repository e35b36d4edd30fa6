"""Reads the functions of a template, with the layers that each of them gets, and where all of that is written.

Built on the nodes and intrinsic functions of `layerctl.pins`, so that what `pins` finds and what is checked agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from layerctl.check.model import Place
from layerctl.rules.shared import TEMPLATE_INVALID
from layerctl.templates.source import BinaryFileError, Source
from layerctl.templates.yaml import NodeError, Tree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from layerctl.check.model import Function
    from layerctl.core.diagnostics import Finding

__all__ = ["LayerResource", "Stack", "read_stack"]

# CloudFormation takes 1 MB.
_MAX_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class LayerResource:
    """A layer version that the template itself creates.

    Attributes:
        name: its LayerName, or the logical id.
        path: the content as the template names it, if that is a local path.
        built: whether `path` holds what will be published, rather than what a build starts from.
    """

    logical_id: str
    name: str
    path: Path | None
    built: bool
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()


@dataclass(slots=True)
class Stack:
    """What one template gave.

    Attributes:
        problems: why it could not be read, or not in full.
    """

    path: Path
    functions: list[Function] = field(default_factory=list)
    layers: dict[str, LayerResource] = field(default_factory=dict)
    problems: list[Finding] = field(default_factory=list)


def read_stack(path: Path, *, parameters: Mapping[str, str] | None = None, region: str | None = None) -> Stack:
    """Read a SAM or CloudFormation template in YAML or JSON, or a serverless.yml.

    Args:
        path: the template; local paths in it are found from its folder.
        parameters: values in place of the parameters' defaults.
        region: what `AWS::Region` stands for; None leaves it open.
    """
    stack = Stack(path)
    shown = path.as_posix()

    def problem(message: str, hint: str, line: int | None = None, column: int | None = None) -> None:
        stack.problems.append(TEMPLATE_INVALID.at(Place(shown, line, column), message, hint))

    try:
        if path.is_dir():
            problem("is a folder, not a template", "name the template in it")
            return stack
        if path.stat().st_size > _MAX_BYTES:
            problem(
                f"{path.stat().st_size / 1e6:.0f} MB is too large for a template", "CloudFormation takes 1 MB", 1, 1
            )
            return stack
        source = Source.read(path)
        tree = Tree.parse(source.text)
    except OSError as error:
        problem(f"cannot be read: {error.strerror or error}", "check the name and the permissions")
        return stack
    except BinaryFileError as error:
        problem(str(error), "name a template, a text file in YAML or JSON", 1, 1)
        return stack
    except NodeError as error:
        problem(str(error), "mend the template", *source.place(error.offset))
        return stack
    for message, offset in tree.faults:
        problem(message, "remove one of the two", *source.place(offset))
    _read_documents(stack, source, tree, parameters or {}, region)
    return stack


def _read_documents(
    stack: Stack, source: Source, tree: Tree, parameters: Mapping[str, str], region: str | None
) -> None:
    from layerctl.templates import check_cloudformation as cloudformation
    from layerctl.templates import check_serverless as serverless
    from layerctl.templates.intrinsics import KNOWN_TAGS

    shown = stack.path.as_posix()
    for root in tree.documents:
        if serverless.is_service(root):
            serverless.read_service(stack, source, root, region)
            return
        if cloudformation.is_template(root):
            for tag, offset in tree.tags.items():
                if tag not in KNOWN_TAGS:
                    stack.problems.append(
                        TEMPLATE_INVALID.at(
                            Place(shown, *source.place(offset)),
                            f"unknown tag {tag}",
                            "use one of CloudFormation's intrinsic functions",
                        )
                    )
            cloudformation.read_template(stack, source, root, parameters, region)
            return
    stack.problems.append(
        TEMPLATE_INVALID.at(
            Place(shown, 1, 1),
            "neither a SAM or CloudFormation template (no Resources) nor a serverless.yml (no functions)",
            "name a template",
        )
    )
