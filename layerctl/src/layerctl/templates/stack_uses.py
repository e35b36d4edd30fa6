"""The layer versions of a SAM or CloudFormation template: which function gets which, and those that stand elsewhere."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

import yaml

from layerctl.core.partitions import is_region
from layerctl.templates.documents import read_document
from layerctl.templates.intrinsics import intrinsic
from layerctl.templates.model import Fault
from layerctl.templates.nested import Part
from layerctl.templates.resources import FUNCTIONS, NESTED, is_template
from layerctl.templates.spans import composed_arns, is_open, open_reference
from layerctl.templates.stacks import StackReader
from layerctl.templates.uses import Use
from layerctl.templates.yaml import children, get, pairs, scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from layerctl.templates.model import FunctionFacts
    from layerctl.templates.spans import SpannedString
    from layerctl.templates.stack_functions import LayerEntry

__all__ = ["nested_parts", "template_uses", "uses_through_parameters"]

# Where a text speaks of layers, the key `Layers` apart.
_LAYER = re.compile(r"ayer(?<=[Ll]ayer)(?!s[\"']?\s*:)")


def template_uses(reader: StackReader) -> Iterator[Use]:
    """Every layer version ARN that the template's structure gives."""
    yield from _function_uses(reader)
    yield from _Elsewhere(reader).uses()
    yield from _nested_uses(reader, reader.path.as_posix())


def nested_parts(reader: StackReader) -> Iterator[Part]:
    """The nested stacks and applications, which are templates of their own."""
    for name, resource in reader.resources.items():
        if scalar(get(resource, "Type")) in NESTED:
            node, path = reader.nested_location(resource)
            shared = isinstance(node, yaml.MappingNode) and get(node, "ApplicationId") is not None
            yield Part(f"the template of {name}", node.start_mark.index, path, shared)


def uses_through_parameters(path: Path, given: dict[str, list[SpannedString]], home: str, at: int) -> Iterator[Use]:
    """What the functions of another template get through the parameters that the file at hand sets.

    Args:
        path: the other template; one that cannot be read gives nothing, it is reported for itself.
        given: the parameters, with values that stand in the file at hand.
        home: the name of the file at hand.
        at: where it sets them.
    """
    document = read_document(path)
    if not isinstance(document, Fault):
        source, tree = document
        ours = {name: [value.standing_in(home) for value in values] for name, values in given.items()}
        for root in tree.documents:
            if is_template(root):
                yield from _uses_from(StackReader(path, source, root, given=ours), home, at)


def _function_uses(reader: StackReader) -> Iterator[Use]:
    """What functions get, those of `Globals` together."""
    shared: dict[tuple[int, int], tuple[LayerEntry, list[FunctionFacts]]] = {}
    for function in reader.declared():
        facts = None
        for number, entry in enumerate(reader.layer_entries(function)):
            facts = facts or reader.facts(function)
            if entry.shared:
                shared.setdefault((id(entry.node), number), (entry, []))[1].append(facts)
            else:
                yield from _entry_uses(reader, entry, (facts,), None)
    if not shared:  # nobody takes them over: their pins are the template's all the same
        shared = {(0, number): (entry, []) for number, entry in enumerate(reader.shared_layers())}
    for entry, functions in shared.values():
        yield from _entry_uses(reader, entry, tuple(functions), "Globals")


def _entry_uses(
    reader: StackReader, entry: LayerEntry, functions: tuple[FunctionFacts, ...], via: str | None
) -> Iterator[Use]:
    """The versions that an entry of a list of layers can be, or that only a deployment knows which it is."""
    at = entry.node.start_mark.index
    for value in entry.values:
        arns = composed_arns(value)
        for arn in arns:
            yield Use(arn, at, functions, via or arn.via, value.region)
        if not arns and is_open(value):
            own = len(value.spans) == 1 and reader.known_layer(value.spans[0].text.partition(".")[0]) is not None
            if not own:
                yield Use(open_reference(value.shown), at, functions, via)


def _nested_uses(reader: StackReader, home: str, at: int | None = None) -> Iterator[Use]:
    """What the functions of nested stacks get through parameters, as far as it stands in the file `home`."""
    for name, resource in reader.resources.items():
        if scalar(get(resource, "Type")) not in NESTED:
            continue
        parameters = get(resource, "Properties", "Parameters")
        if parameters is None:
            continue
        where = parameters.start_mark.index if at is None else at
        nested = reader.nested(name)
        if isinstance(nested, StackReader):
            yield from (use._replace(via=f"stack {name}") for use in _uses_from(nested, home, where))
        elif name in reader.cut_short:  # it may get any version
            yield Use(open_reference(f"what {name} makes of its parameters"), where)


def _uses_from(reader: StackReader, home: str, at: int) -> Iterator[Use]:
    """The versions that another template's functions get and that stand in the file `home`."""
    other = reader.path.as_posix()
    for use in _function_uses(reader):
        arn = use.arn
        if arn.version is not None and arn.origin == home:
            begins_in = "" if arn.arn_origin == home else arn.arn_origin or other
            yield use._replace(at=at, arn=arn._replace(origin="", arn_origin=begins_in))
    yield from _nested_uses(reader, home, at)


class _Elsewhere:
    """Composed ARNs anywhere else: nested stacks' parameters, mappings by region, custom resources, outputs."""

    def __init__(self, reader: StackReader) -> None:
        self._reader = reader
        self._marks = [match.start() for match in _LAYER.finditer(reader.text)]

    def uses(self) -> Iterator[Use]:
        reader = self._reader
        for _, table in pairs(get(reader.root, "Mappings")):
            for first, inner in pairs(table):
                for second, value in pairs(inner):
                    region = next((key for key in (first, second) if is_region(key)), None)
                    if region is not None:
                        yield from self._uses([value], None, region)
        for name, resource in reader.resources.items():
            if not self._speaks_of_layers(resource):
                continue
            kind = scalar(get(resource, "Type"))
            skip = get(resource, "Properties", "Layers") if kind in FUNCTIONS else None
            if skip is not None and self._count(resource) == self._count(skip):
                continue  # it speaks of layers where it has been read already
            via = f"stack {name}" if kind in NESTED else None
            yield from self._uses(self._calls(get(resource, "Properties"), skip), via)
        for section in ("Outputs", "Conditions"):
            yield from self._uses(self._calls(get(reader.root, section)), None)

    def _uses(self, nodes: Iterable[yaml.Node], via: str | None, region: str | None = None) -> Iterator[Use]:
        for node in nodes:
            for value in self._reader.evaluate(node):
                for arn in composed_arns(value):
                    yield Use(arn, node.start_mark.index, (), via or arn.via, region or value.region)

    def _calls(self, node: yaml.Node | None, skip: yaml.Node | None = None) -> Iterator[yaml.Node]:
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

    def _count(self, node: yaml.Node) -> int:
        """How often a node's text speaks of layers."""
        return bisect_left(self._marks, node.end_mark.index) - bisect_left(self._marks, node.start_mark.index)

    def _speaks_of_layers(self, node: yaml.Node) -> bool:
        return self._count(node) > 0
