"""SAM and CloudFormation templates: which function gets which layer version."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

import yaml

from layerctl.core.partitions import is_region
from layerctl.templates.expressions import Expressions
from layerctl.templates.intrinsics import intrinsic
from layerctl.templates.model import FunctionFacts
from layerctl.templates.resources import FUNCTIONS, LAYERS, NESTED, is_template, resources_in
from layerctl.templates.source import BinaryFileError, Source
from layerctl.templates.spans import SpannedString, composed_arns, is_open, open_reference
from layerctl.templates.uses import Use
from layerctl.templates.yaml import NodeError, Tree, children, get, pairs, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["template_uses", "uses_through_parameters"]

Node = yaml.Node

# Where a text speaks of layers, the key `Layers` apart.
_LAYER = re.compile(r"[Ll]ayer(?!s[\"']?\s*:)")
_MAX_OTHER = 2_000_000
_MAX_STACKS = 4


def template_uses(text: str, root: Node, path: Path) -> Iterator[Use]:
    """Every layer version ARN that the template's structure gives.

    Args:
        text: what was parsed.
        root: the template.
        path: the file, to find the templates of nested stacks beside it.
    """
    template = _Template(text, root)
    yield from template.functions()
    yield from template.elsewhere()
    yield from template.nested(path)


def uses_through_parameters(
    path: Path, given: dict[str, list[SpannedString]], at: int, depth: int = 0
) -> Iterator[Use]:
    """What the functions of another template get through the parameters that the file at hand sets.

    Args:
        path: the other template; one that cannot be read gives nothing, it is reported for itself.
        given: the parameters, with values that stand in the file at hand.
        at: where the file at hand sets them.
        depth: how many stacks are around it.
    """
    try:
        text = Source.read(path).text
        roots = Tree.parse(text).documents if len(text) <= _MAX_OTHER else []
    except (OSError, BinaryFileError, NodeError):
        return
    for root in roots:
        if is_template(root):
            template = _Template(text, root, given, origin=path.as_posix())
            inner = [*template.functions(), *(template.nested(path, depth + 1) if depth < _MAX_STACKS else ())]
            yield from (use._replace(at=at) for use in inner if use.arn.version is not None and not use.arn.origin)


class _Template(Expressions):
    def __init__(
        self, text: str, root: Node, given: dict[str, list[SpannedString]] | None = None, origin: str = ""
    ) -> None:
        super().__init__(text, root, given, origin)
        self._globals = dict(pairs(get(root, "Globals", "Function")))
        self._resources = list(resources_in(get(root, "Resources")))
        self._layers = {name for name, resource in self._resources if scalar(get(resource, "Type")) in LAYERS}
        self._marks = [match.start() for match in _LAYER.finditer(text)]

    def functions(self) -> Iterator[Use]:
        """What functions get by their own `Layers` and by `Globals`."""
        serverless: list[FunctionFacts] = []
        for name, resource in self._resources:
            fields = dict(pairs(resource))
            kind = scalar(fields.get("Type"))
            if kind not in FUNCTIONS:
                continue
            sam = kind == "AWS::Serverless::Function"
            properties = dict(pairs(fields.get("Properties")))
            facts = self._facts(name, (self._globals | properties) if sam else properties)
            if sam:
                serverless.append(facts)
            if "Layers" in properties:
                yield from self._attached(properties["Layers"], (facts,), None)
        if "Layers" in self._globals:
            yield from self._attached(self._globals["Layers"], tuple(serverless), "Globals")

    def _attached(self, layers: Node, functions: tuple[FunctionFacts, ...], via: str | None) -> Iterator[Use]:
        """The uses in a list of layers, and its entries of which only a deployment knows what they are."""
        yield from self._uses(layers, functions, via)
        listed = isinstance(layers, yaml.SequenceNode) and intrinsic(layers) is None
        for item in layers.value if listed else [layers]:
            for value in self.evaluate(item):
                of_own = len(value.spans) == 1 and value.spans[0].text.partition(".")[0] in self._layers
                if is_open(value) and not of_own and not composed_arns(value):
                    yield Use(open_reference(value.shown), item.start_mark.index, functions, via)

    def elsewhere(self) -> Iterator[Use]:
        """Composed ARNs anywhere else: nested stacks' parameters, mappings by region, custom resources, outputs."""
        for _, table in pairs(get(self.root, "Mappings")):
            for first, inner in pairs(table):
                for second, value in pairs(inner):
                    region = next((key for key in (first, second) if is_region(key)), None)
                    if region is not None:
                        yield from self._uses(value, (), None, region)
        for name, resource in self._resources:
            if not self._speaks_of_layers(resource):
                continue
            kind = scalar(get(resource, "Type"))
            skip = get(resource, "Properties", "Layers") if kind in FUNCTIONS else None
            if skip is not None and self._count(resource) == self._count(skip):
                continue  # it speaks of layers where it has been read already
            for node in self._calls(get(resource, "Properties"), skip):
                yield from self._uses(node, (), f"stack {name}" if kind in NESTED else None)
        for section in ("Outputs", "Conditions"):
            for node in self._calls(get(self.root, section)):
                yield from self._uses(node, (), None)

    def nested(self, path: Path, depth: int = 0) -> Iterator[Use]:
        """What the functions of nested stacks get through the parameters that this template sets."""
        for name, resource in self._resources:
            location = NESTED.get(scalar(get(resource, "Type")) or "")
            where = scalar(get(resource, "Properties", location)) if location else None
            parameters = get(resource, "Properties", "Parameters")
            if where is None or parameters is None or "://" in where:
                continue
            given = {key: self.evaluate(value) for key, value in pairs(parameters)}
            for use in uses_through_parameters(path.parent / where, given, parameters.start_mark.index, depth):
                yield use._replace(via=f"stack {name}")

    def _calls(self, node: Node | None, skip: Node | None = None) -> Iterator[Node]:
        """The outermost intrinsic calls at or below a node whose text speaks of layers, each once."""
        seen: set[int] = set()
        stack = [] if node is None else [node]
        while stack:
            here = stack.pop()
            if here is skip or id(here) in seen or not self._speaks_of_layers(here):
                continue
            seen.add(id(here))
            if intrinsic(here) is not None:
                yield here
            else:
                stack.extend(children(here))

    def _count(self, node: Node) -> int:
        """How often a node's text speaks of layers."""
        return bisect_left(self._marks, node.end_mark.index) - bisect_left(self._marks, node.start_mark.index)

    def _speaks_of_layers(self, node: Node) -> bool:
        return self._count(node) > 0

    def _uses(
        self, node: Node, functions: tuple[FunctionFacts, ...], via: str | None, region: str | None = None
    ) -> Iterator[Use]:
        for value in self.evaluate(node):
            for arn in composed_arns(value):
                yield Use(arn, node.start_mark.index, functions, via or arn.via, region or value.region)

    def _facts(self, name: str, properties: dict[str, Node]) -> FunctionFacts:
        architectures = properties.get("Architectures")
        # Lambda's default (CreateFunction, Architectures).
        architecture = "x86_64" if architectures is None else self.one_text(architectures)
        return FunctionFacts(name, self.one_text(properties.get("Runtime")), architecture)
