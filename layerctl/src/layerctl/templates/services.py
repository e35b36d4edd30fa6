"""Reads the functions of a serverless.yml (Serverless Framework, "serverless.yml reference").

Values are worked out as `layerctl.templates.serverless` does it: as far as the file, and files that it names, decide
them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import yaml

from layerctl.templates.intrinsics import intrinsic
from layerctl.templates.layers import layer_of
from layerctl.templates.model import Code, Fault, Function, FunctionFacts, LayerReference, LayerResource, Place, Value
from layerctl.templates.serverless import ServiceExpressions, open_pseudo
from layerctl.templates.yaml import get, pairs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from layerctl.templates.model import Template
    from layerctl.templates.source import Source
    from layerctl.templates.spans import SpannedString

__all__ = ["ServiceReader"]


class ServiceReader(ServiceExpressions):
    """Reads one service.

    Args:
        path: the file; local paths in it are found from its folder.
        source, root: what was parsed.
        region: where it is deployed; default: what its provider says.
    """

    def __init__(self, path: Path, source: Source, root: yaml.Node, region: str | None) -> None:
        super().__init__(source.text, root, path)
        self.path = path
        self.source = source
        self.service = root
        self.provider = get(root, "provider")
        self.region = region or self.one_text(get(root, "provider", "region"))
        self.layers: dict[str, LayerResource] = {}

    def read(self, template: Template) -> None:
        """Add the service's functions and layers to `template`."""
        for name, node in pairs(get(self.service, "layers")):
            at = self.one_text(get(node, "package", "artifact")) or self.one_text(get(node, "path"))
            # "the Ref name is the layer's name in TitleCase, with LambdaLayer at the end"
            logical_id = f"{name[:1].upper()}{name[1:].replace('-', 'Dash').replace('_', 'Underscore')}LambdaLayer"
            self.layers[logical_id] = LayerResource(
                logical_id,
                self.one_text(get(node, "name")) or name,
                self.path.parent / at if at else None,
                built=True,
                runtimes=self.texts(get(node, "compatibleRuntimes")),
                architectures=self.texts(get(node, "compatibleArchitectures")),
            )
        template.layers |= self.layers
        for key, node in self.function_nodes():
            template.functions.append(self._function(key.value, self.place(key), node))
        for place, written in self.unread:
            hint = "name the layers in this file, or check what the framework packages"
            template.unread.append(Fault(self.place(place), f"{written} was not read", hint))

    def place(self, node: yaml.Node) -> Place:
        """Where a node stands; what another file holds is placed there."""
        path, source = self.files.get(id(node), (self.path, self.source))
        return Place(path.as_posix(), *source.place(node.start_mark.index))

    def _function(self, name: str, place: Place, node: yaml.Node) -> Function:
        runtime, handler = self.inherited(node, "runtime"), get(node, "handler")
        layers = self.inherited(node, "layers")
        function = Function(
            name,
            place,
            "serverless",
            self.one_text(get(node, "name")) or name,
            Code(place),
            runtime=self._value(runtime) if runtime is not None else None,
            handler=self._value(handler) if handler is not None else None,
            architecture=self.architecture(node),
            is_image=get(node, "image") is not None,
            layers=tuple(self._layers(layers)) if layers is not None else (),
            environment={
                key: self._value(value)
                for section in (get(self.provider, "environment"), get(node, "environment"))
                for key, value in pairs(section)
            },
        )
        return function if function.is_image else replace(function, code=self._code(function, node))

    def inherited(self, function: yaml.Node, key: str) -> yaml.Node | None:
        """What a function says, or where it says nothing its provider; a list of its own replaces the provider's."""
        return get(function, key) or get(self.provider, key)

    def architecture(self, function: yaml.Node) -> str | None:
        """Where a function runs; Lambda's default (CreateFunction, Architectures) where nobody says it."""
        node = self.inherited(function, "architecture")
        return "x86_64" if node is None else self.one_text(node)

    def facts(self, name: str, function: yaml.Node) -> FunctionFacts:
        """What the service says of a function, as far as it does."""
        return FunctionFacts(name, self.one_text(self.inherited(function, "runtime")), self.architecture(function))

    def _code(self, function: Function, node: yaml.Node) -> Code:
        artifact = get(node, "package", "artifact") or get(self.service, "package", "artifact")
        place = self.place(artifact) if artifact is not None else function.place
        path = self.one_text(artifact)
        if path is not None:
            return Code(place, self.path.parent / path, built=True)
        name = function.logical_id
        why = "what the Serverless Framework packages is decided by its plugins and patterns"
        hint = f"run `serverless package` and name the zip with --code {name}=.serverless/{name}.zip"
        return Code(place, unknown=why, hint=hint)

    def _value(self, node: yaml.Node) -> Value:
        found = self.one_value(node)
        if found is None:
            return Value(None, self.place(node), "variables decide between several values")
        return Value(found.text, self.place(node), found.why)

    def layer_entries(self, layers: yaml.Node) -> Iterator[tuple[yaml.Node, list[SpannedString]]]:
        """A list's entries, each with its node and what it can be."""
        node, name = self.followed(layers)
        listed = node.value if isinstance(node, yaml.SequenceNode) and intrinsic(node) is None else [node or layers]
        for item in listed:
            values = [open_pseudo(value) for value in self.evaluate(item)]
            yield item, [value.through(name) for value in values] if name else values

    def _layers(self, layers: yaml.Node) -> Iterator[LayerReference]:
        for item, values in self.layer_entries(layers):
            call = intrinsic(item)
            name = str(call[1].value) if call is not None and call[0] == "Ref" else ""
            if name in self.layers:
                yield LayerReference(name, name, self.place(item), identity=name, resource=self.layers[name])
            else:
                yield layer_of(self.place(item), values, self.region)
