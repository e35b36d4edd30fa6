"""The functions and layers of a SAM or CloudFormation template, with everything that the template alone decides.

Where `Fn::If` chooses and nobody says how, every combination of the conditions that a function's layers, code or
runtime depend on is a function of its own: what is checked must hold whatever the stage.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import yaml

from layerctl.templates.globals import merged_properties, merged_property
from layerctl.templates.intrinsics import intrinsic
from layerctl.templates.layers import layer_of
from layerctl.templates.model import (
    Alias,
    Code,
    Event,
    Fault,
    Function,
    FunctionFacts,
    LayerReference,
    LayerResource,
    Place,
    Value,
)
from layerctl.templates.resources import FUNCTIONS, LAYERS
from layerctl.templates.stack_values import StackValues
from layerctl.templates.yaml import children, get, pairs, scalar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from layerctl.templates.model import Data
    from layerctl.templates.source import Source
    from layerctl.templates.spans import SpannedString

__all__ = ["StackFunctions"]

# What decides how a function is judged; only conditions in these make variants of it.
_VARYING = ("Layers", "Runtime", "Architectures", "PackageType")
_MAX_CONDITIONS = 4


class DeclaredFunction(NamedTuple):
    """A function as the template declares it: once, whatever conditions decide.

    Attributes:
        own: its own properties, without those of `Globals`.
        ignored: its ``IgnoreGlobals``.
    """

    logical_id: str
    resource: yaml.Node
    kind: str
    own: Mapping[str, yaml.Node]
    ignored: Collection[str]


class LayerEntry(NamedTuple):
    """An entry of a function's list of layers.

    Attributes:
        node: the entry; the function that makes the list, where an intrinsic does.
        values: what it can be.
        shared: whether `Globals` holds it.
    """

    node: yaml.Node
    values: list[SpannedString]
    shared: bool = False


class StackFunctions(StackValues):
    """Reads the functions and layers of one template.

    Args:
        path, source, root, given: see `StackValues`.
        region: what `AWS::Region` stands for; None leaves it open.

    Attributes:
        resources: by logical id, those that loops make included.
    """

    def __init__(
        self,
        path: Path,
        source: Source,
        root: yaml.Node,
        given: Mapping[str, list[SpannedString]],
        region: str | None,
    ) -> None:
        super().__init__(path, source, root, given)
        self.region = region
        self.resources = dict(pairs(get(root, "Resources")))

    @cached_property
    def built(self) -> bool:
        """Whether the template is what a build wrote, so that its paths lead to what is deployed."""
        folder = self.path.resolve().parent
        # `sam build` writes build.toml beside the folder with its results, whatever their names are.
        return (folder.parent / "build.toml").is_file() or folder.parts[-2:] == (".aws-sam", "build")

    @cached_property
    def layers(self) -> dict[str, LayerResource]:
        """The layers that the template creates, by logical id."""
        return {
            name: self._layer_resource(name, resource, kind)
            for name, resource in self.resources.items()
            if (kind := scalar(get(resource, "Type"))) in LAYERS
        }

    def known_layer(self, logical_id: str) -> LayerResource | None:
        """The layer of that name, which the template creates, or one around it."""
        return self.layers.get(logical_id)

    def declared(self) -> Iterator[DeclaredFunction]:
        """The functions, those that loops make included."""
        for name, resource in self.resources.items():
            kind = scalar(get(resource, "Type"))
            if kind in FUNCTIONS:
                yield self.declare(name, resource, kind)

    def declare(self, logical_id: str, resource: yaml.Node, kind: str) -> DeclaredFunction:
        """A resource as a function."""
        ignored = get(resource, "IgnoreGlobals")
        own = dict(pairs(get(resource, "Properties")))
        return DeclaredFunction(logical_id, resource, kind, own, self.texts(ignored))

    def merged(self, function: DeclaredFunction, name: str) -> yaml.Node | None:
        """A property of a function, with `Globals`."""
        if name not in self._shared_functions:  # as mostly
            return function.own.get(name)
        return merged_property(self.root, function.kind, function.own, name, function.ignored)

    @cached_property
    def _shared_functions(self) -> dict[str, yaml.Node]:
        return dict(pairs(get(self.root, "Globals", "Function")))

    def layer_entries(self, function: DeclaredFunction) -> Iterator[LayerEntry]:
        """A function's list of layers, with `Globals`."""
        merged, own = self.merged(function, "Layers"), function.own.get("Layers")
        if merged is None:
            return
        theirs = () if merged is own else self._shared_nodes
        for node, values in self.items(merged):
            yield LayerEntry(node, values, own is None or id(node) in theirs)

    def shared_layers(self) -> Iterator[LayerEntry]:
        """The list of layers that `Globals` has for functions."""
        for node, values in self.items(get(self.root, "Globals", "Function", "Layers")):
            yield LayerEntry(node, values, shared=True)

    @cached_property
    def _shared_nodes(self) -> frozenset[int]:
        """The identities of the entries of `shared_layers`."""
        return frozenset(id(entry.node) for entry in self.shared_layers())

    def facts(self, function: DeclaredFunction) -> FunctionFacts:
        """What the template says of a function, as far as it does."""
        runtime, architectures = self.merged(function, "Runtime"), self.merged(function, "Architectures")
        return FunctionFacts(function.logical_id, self.one(runtime), self.architecture(architectures))

    def architecture(self, architectures: yaml.Node | None) -> str | None:
        """Where a function runs; Lambda's default (CreateFunction, Architectures) where it does not say."""
        chosen = self.choose(architectures)
        return "x86_64" if chosen is None else self.one_text(chosen)

    def functions(self, logical_id: str, key: yaml.Node, declared: DeclaredFunction) -> Iterator[Function]:
        """A function, once for each combination of the conditions that decide how it is judged.

        Args:
            logical_id: with the stacks around it.
            key: where it stands.
            declared: the function.
        """
        resource, kind = declared.resource, declared.kind
        empty = Function(logical_id, self.place(key), kind, logical_id, Code(self.place(key)))
        condition = scalar(get(resource, "Condition"))
        there = self.there(resource)
        if there is False:
            return
        own = get(resource, "Properties")
        properties = merged_properties(self.root, kind, resource, declared.ignored)
        if own is not None and not isinstance(own, yaml.MappingNode):
            fault = Fault(self.place(own), f"{logical_id}: Properties is no mapping", "mend the template")
            yield replace(empty, problem=fault)
            return
        if there is None and self.stand_in is not None:
            fault = Fault(empty.place, f"{logical_id}: {self.undecided(str(condition))}", "mend the template")
            yield replace(empty, problem=fault)
            return
        nodes = [node for name in _VARYING if (node := get(properties, name)) is not None]
        asked = {name for node in nodes for name in _conditions(node) if self.condition(name) is None}
        fixed = {condition: True} if there is None and condition is not None else {}
        asked = set() if self.stand_in is not None else asked - fixed.keys()
        names = sorted(asked)[:_MAX_CONDITIONS]
        try:
            for values in itertools.product((True, False), repeat=len(names)):
                self.choosing({**fixed, **dict(zip(names, values, strict=True))})
                if len(self.chosen) < 2 or self.consistent():
                    yield self._function(empty, declared, properties)
        finally:
            self.choosing({})

    def _function(self, empty: Function, declared: DeclaredFunction, properties: yaml.Node | None) -> Function:
        resource, kind = declared.resource, declared.kind

        def own(name: str) -> yaml.Node | None:
            return self.choose(get(properties, name))

        runtime, handler = own("Runtime"), own("Handler")
        variables = self.data(get(self.choose(get(properties, "Environment")), "Variables"))
        named = own("FunctionName")
        logical_id = empty.logical_id.rpartition("/")[2]
        return replace(
            empty,
            name=self.one_text(named) or logical_id,
            code=self._code(empty, resource, own(FUNCTIONS[kind]), own("InlineCode")),
            runtime=self.value(runtime) if runtime is not None else None,
            handler=self.value(handler) if handler is not None else None,
            architecture=self.architecture(get(properties, "Architectures")),
            is_image=self.one(own("PackageType")) == "Image" or own("ImageUri") is not None,
            layers=tuple(self._layer(entry) for entry in self.layer_entries(declared)),
            environment=self._environment(variables, empty.place),
            events=tuple(self._events(get(resource, "Properties", "Events"))) if "Serverless" in kind else (),
            alias=self._alias(properties) if "Serverless" in kind else None,
            properties=self.properties(properties),
        )

    def _environment(self, variables: Data | None, place: Place) -> dict[str, Value]:
        if variables is None:
            return {}
        if not isinstance(variables, dict):
            where = variables.place if isinstance(variables, Value) else place
            return {"Environment.Variables": Value(None, where, "Environment.Variables is no mapping")}
        texts = {}
        for name, value in variables.items():
            texts[name] = value if isinstance(value, Value) else Value(None, place, "it is not text")
        return texts

    def _events(self, section: yaml.Node | None) -> Iterator[Event]:
        for name, event in pairs(self.choose(section)):
            kind = scalar(get(event, "Type"))
            if kind is not None:
                yield Event(name, kind, self.place(event), self.properties(self.choose(get(event, "Properties"))))

    def _alias(self, properties: yaml.Node | None) -> Alias | None:
        alias = self.choose(get(properties, "AutoPublishAlias"))
        if alias is None:
            return None
        return Alias(
            self.one_text(alias) or "",
            self.place(alias),
            self.flag(get(properties, "AutoPublishAliasAllProperties")),
            self.choose(get(properties, "AutoPublishCodeSha256")) is not None,
        )

    def _code(self, function: Function, resource: yaml.Node, code: yaml.Node | None, inline: yaml.Node | None) -> Code:
        place = self.place(code) if code is not None else function.place
        text = inline if inline is not None else get(code, "ZipFile")
        if text is not None:
            value = self.evaluate(text)[0]
            return Code(place, inline="".join(span.text for span in value.spans), unknown=value.why)
        asset = self.asset(resource)
        uri = asset or (self.one(code) if isinstance(code, yaml.ScalarNode) or intrinsic(code) else None)
        path = self.local_path(uri)
        skip = self.flag(get(resource, "Metadata", "SkipBuild"))
        built = self.built or skip or asset is not None
        name_it = f"name it with --code {function.logical_id}=PATH"
        if code is None and asset is None:
            return Code(
                place,
                self.path.parent if "Serverless" in function.kind else None,
                unknown="no code is named",
                hint=name_it,
            )
        if path is None:
            why = "the function's code is not a local path: it lies in S3, or only a deployment knows where"
            return Code(place, unknown=why, hint=name_it)
        method = self.one(get(resource, "Metadata", "BuildMethod"))
        if method is not None and not re.fullmatch(r"(python|nodejs|ruby|dotnet|java|provided)[\w.]*", method):
            why = f"{uri} is what BuildMethod {method} starts from, not what is deployed"
            return Code(place, path, None, built, why, "run `sam build` and check .aws-sam/build/template.yaml")
        return Code(place, path, built=built)

    def _layer(self, entry: LayerEntry) -> LayerReference:
        node, values, _ = entry
        place = self.place(node)
        if len(values) == 1 and len(values[0].spans) == 1:
            (span,) = values[0].spans
            asked = span.text if span.hole else span.via or "" if span.guess else ""
            layer = self.known_layer(asked.partition(".")[0])
            if layer is not None:
                name = layer.logical_id
                return LayerReference(name, name, place, identity=name, resource=layer, visible=layer.publishes)
        inside = range(node.start_mark.index, node.end_mark.index)
        return layer_of(place, values, self.region, inside)

    def _layer_resource(self, logical_id: str, resource: yaml.Node, kind: str) -> LayerResource:
        properties = merged_properties(self.root, kind, resource)
        content = get(properties, LAYERS[kind])
        asset = self.asset(resource)
        uri = asset or (self.one(content) if isinstance(content, yaml.ScalarNode) or intrinsic(content) else None)
        return LayerResource(
            logical_id,
            self.one(get(properties, "LayerName")) or logical_id,
            self.local_path(uri),
            built=self.built or get(resource, "Metadata", "BuildMethod") is None,
            runtimes=self.texts(get(properties, "CompatibleRuntimes")),
            architectures=self.texts(get(properties, "CompatibleArchitectures")),
            publishes=self.flag(get(properties, "PublishLambdaVersion")),
        )


def _conditions(node: yaml.Node) -> Iterator[str]:
    """The conditions that `Fn::If` asks for at or below a node."""
    seen: set[int] = set()
    pending = [node]
    while pending:
        here = pending.pop()
        if id(here) in seen:
            continue
        seen.add(id(here))
        call = intrinsic(here)
        if call is not None and call[0] == "If" and isinstance(call[1], yaml.SequenceNode) and len(call[1].value) == 3:
            yield str(call[1].value[0].value)
        pending += children(here if call is None else call[1])
