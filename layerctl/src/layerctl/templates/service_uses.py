"""The layer versions of a serverless.yml: which function gets which, and those that stand elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from layerctl.templates.intrinsics import intrinsic
from layerctl.templates.serverless import open_pseudo
from layerctl.templates.services import ServiceReader
from layerctl.templates.source import Source
from layerctl.templates.spans import SpannedString, composed_arns, is_open, open_reference
from layerctl.templates.uses import Use
from layerctl.templates.yaml import children, get

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from layerctl.templates.model import FunctionFacts

__all__ = ["service_uses"]


def service_uses(text: str, root: yaml.Node, path: Path) -> Iterator[Use]:
    """Every layer version ARN that the structure of a service, or of a file of its functions, gives.

    Args:
        text: what was parsed.
        root: the service.
        path: the file, to find the files that it names.
    """
    uses = _ServiceUses(ServiceReader(path, Source(text), root, None))
    yield from uses.of_functions()
    yield from uses.elsewhere()


class _ServiceUses:
    def __init__(self, reader: ServiceReader) -> None:
        self._reader = reader
        self._read: set[int] = set()  # the lists of layers, by identity

    def of_functions(self) -> Iterator[Use]:
        """What functions get by their own layers and by the provider's, and the functions that were not read."""
        reader = self._reader
        shared = get(reader.provider, "layers")
        inheriting: list[FunctionFacts] = []
        for key, function in reader.function_nodes():
            facts = reader.facts(key.value, function)
            layers = get(function, "layers")
            if layers is None:
                inheriting.append(facts)
            else:
                yield from self._listed(layers, (facts,), None)
        if shared is not None:
            yield from self._listed(shared, tuple(inheriting), "provider")
        for node, written in reader.unread:
            yield Use(open_reference(written), node.start_mark.index)

    def _listed(self, layers: yaml.Node, functions: tuple[FunctionFacts, ...], via: str | None) -> Iterator[Use]:
        """The versions in a list of layers, and its entries of which only a deployment knows what they are."""
        self._read.add(id(layers))
        inside = range(layers.start_mark.index, layers.end_mark.index)
        included = id(layers) in self._reader.files  # what is open there is told where it stands
        for item, values in self._reader.layer_entries(layers):
            here = item.start_mark.index in inside and id(item) not in self._reader.files
            at = self._at(item if here else layers)
            for value in values:
                yield from self._arns(value, at, functions, via, told=included)
                own = value.shown.endswith("LambdaLayer}")  # the framework's names for the service's own layers
                if not included and is_open(value) and not own and not composed_arns(value):
                    yield Use(open_reference(value.shown), at, functions, via)

    def elsewhere(self) -> Iterator[Use]:
        """The composed ARNs that stand in no list of layers."""
        pending = [self._reader.service]
        seen = set(self._read)
        while pending:
            node = pending.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            if intrinsic(node) is not None or (isinstance(node, yaml.ScalarNode) and ":layer:" in node.value):
                for value in self._reader.evaluate(node):
                    yield from self._arns(open_pseudo(value), self._at(node), (), None, told=False)
            else:
                pending += children(node)

    def _arns(
        self, value: SpannedString, at: int, functions: tuple[FunctionFacts, ...], via: str | None, *, told: bool
    ) -> Iterator[Use]:
        """The versions in a value; `told`: what is open in it is told elsewhere."""
        for arn in composed_arns(value):
            if arn.version is not None or not told:
                yield Use(arn, at, functions, via or arn.via, value.region)

    def _at(self, node: yaml.Node) -> int:
        """Where a node stands in the service's own file; for one of another file, the functions."""
        service = self._reader.service
        here = node if id(node) not in self._reader.files else get(service, "functions") or service
        return int(here.start_mark.index)
