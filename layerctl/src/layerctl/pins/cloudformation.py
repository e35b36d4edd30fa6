"""SAM and CloudFormation templates: which function gets which layer version."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

import yaml

from layerctl.pins.intrinsics import REGION, Expressions, intrinsic
from layerctl.pins.model import FunctionFacts
from layerctl.pins.trace import ComposedArn, Traced, composed_arns
from layerctl.pins.yaml_nodes import children, get, pairs, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Use", "is_template", "template_uses"]

Node = yaml.Node

FUNCTIONS = frozenset({"AWS::Serverless::Function", "AWS::Lambda::Function"})
# Where a text speaks of layers, the key `Layers` apart.
_LAYER = re.compile(r"[Ll]ayer(?!s[\"']?\s*:)")
NESTED = {"AWS::CloudFormation::Stack": "TemplateURL", "AWS::Serverless::Application": "Location"}


class Use(NamedTuple):
    """A layer version ARN where the structure of a file puts it.

    Attributes:
        arn: the ARN and where it stands.
        at: the offset of the expression, for ARNs that stand nowhere as such.
        functions: who gets the layer.
        via: ``Globals``, or what else lies between.
        expected_region: the region that the place is meant for.
    """

    arn: ComposedArn
    at: int
    functions: tuple[FunctionFacts, ...] = ()
    via: str | None = None
    expected_region: str | None = None


def is_template(root: Node) -> bool:
    """Whether the document is a CloudFormation or SAM template."""
    keys = {key for key, _ in pairs(root)}
    if "AWSTemplateFormatVersion" in keys:
        return True
    return "Resources" in keys and any(
        "::" in (scalar(get(resource, "Type")) or "") for _, resource in pairs(get(root, "Resources"))
    )


def template_uses(text: str, root: Node, given: dict[str, list[Traced]] | None = None) -> Iterator[Use]:
    """Every layer version ARN that the template's structure gives.

    Args:
        text: what was parsed.
        root: the template.
        given: parameter values that someone else sets.
    """
    template = _Template(text, root, given)
    yield from template.functions()
    yield from template.elsewhere()


class _Template(Expressions):
    def __init__(self, text: str, root: Node, given: dict[str, list[Traced]] | None) -> None:
        super().__init__(text, root, given)
        self._globals = dict(pairs(get(root, "Globals", "Function")))
        self._resources = list(_resources(get(root, "Resources")))
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
                yield from self._uses(properties["Layers"], (facts,), None)
        if "Layers" in self._globals:
            yield from self._uses(self._globals["Layers"], tuple(serverless), "Globals")

    def elsewhere(self) -> Iterator[Use]:
        """Composed ARNs anywhere else: nested stacks' parameters, mappings by region, custom resources, outputs."""
        for _, table in pairs(get(self.root, "Mappings")):
            for first, inner in pairs(table):
                for second, value in pairs(inner):
                    region = next((key for key in (first, second) if REGION.fullmatch(key)), None)
                    if region is not None:
                        yield from self._uses(value, (), None, region)
        for name, resource in self._resources:
            if not self._speaks_of_layers(resource):
                continue
            kind = scalar(get(resource, "Type"))
            skip = get(resource, "Properties", "Layers") if kind in FUNCTIONS else None
            for node in self._calls(get(resource, "Properties"), skip):
                yield from self._uses(node, (), f"stack {name}" if kind in NESTED else None)
        for section in ("Outputs", "Conditions"):
            for node in self._calls(get(self.root, section)):
                yield from self._uses(node, (), None)

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

    def _speaks_of_layers(self, node: Node) -> bool:
        at = bisect_left(self._marks, node.start_mark.index)
        return at < len(self._marks) and self._marks[at] < node.end_mark.index

    def _uses(
        self, node: Node, functions: tuple[FunctionFacts, ...], via: str | None, region: str | None = None
    ) -> Iterator[Use]:
        for value in self.evaluate(node):
            for arn in composed_arns(value):
                path = " ".join(value.via) or None
                yield Use(arn, node.start_mark.index, functions, via or path, region or value.region)

    def _facts(self, name: str, properties: dict[str, Node]) -> FunctionFacts:
        architectures = properties.get("Architectures")
        # Lambda's default (CreateFunction, Architectures).
        architecture = "x86_64" if architectures is None else self.one_text(architectures)
        return FunctionFacts(name, self.one_text(properties.get("Runtime")), architecture)


def _resources(section: Node | None) -> Iterator[tuple[str, Node]]:
    """Resources by logical id, those inside of `Fn::ForEach` included."""
    for name, resource in pairs(section):
        if name.startswith("Fn::ForEach") and isinstance(resource, yaml.SequenceNode) and len(resource.value) == 3:
            yield from _resources(resource.value[2])
        else:
            yield name, resource
