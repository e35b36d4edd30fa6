"""Reads SAM and CloudFormation templates: their functions with everything that the template alone decides.

Where `Fn::If` chooses and nobody says how, every combination of the conditions that a function's layers, code or
runtime depend on is a function of its own: what is checked must hold whatever the stage.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import yaml

from layerctl.templates.documents import read_document
from layerctl.templates.expressions import Expressions
from layerctl.templates.globals import UNSUPPORTED, merged_properties
from layerctl.templates.intrinsics import intrinsic
from layerctl.templates.layers import layer_of
from layerctl.templates.loops import expand_loops
from layerctl.templates.model import Alias, Code, Event, Fault, Function, LayerReference, LayerResource, Place, Value
from layerctl.templates.model import Resource as PlainResource
from layerctl.templates.resources import FUNCTIONS, LAYERS, NESTED, is_template
from layerctl.templates.spans import SpannedString
from layerctl.templates.stand_ins import StandIns, pseudo_parameters
from layerctl.templates.yaml import children, get, pairs, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from layerctl.templates.model import Data, Template
    from layerctl.templates.source import Source

__all__ = ["StackReader"]

# What leads to functions.
_OTHERS = frozenset({"AWS::Serverless::Api", "AWS::Serverless::HttpApi", "AWS::Lambda::Url", "AWS::Lambda::Alias"})
# The APIs that SAM adds by itself for events that name none.
_IMPLICIT = {"ServerlessHttpApi": "AWS::Serverless::HttpApi", "ServerlessRestApi": "AWS::Serverless::Api"}
# What decides how a function is judged; only conditions in these make variants of it.
_VARYING = ("Layers", "Runtime", "Architectures", "PackageType")
# Read into fields of their own, or nobody's business here.
_APART = frozenset({"Layers", "Environment", "Events", "Code", "CodeUri", "InlineCode", "Policies", "DefinitionBody"})
_MAX_CONDITIONS = 4
_MAX_DEPTH = 100
_MAX_STACKS = 6
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]+://")


class StackReader(Expressions):
    """Reads one template.

    Args:
        path: the template; local paths in it are found from its folder.
        source, root: what was parsed.
        given: parameters that somebody sets.
        region: what `AWS::Region` stands for; None leaves it open.
        stand_ins: whether what only a deployment knows is stood in for.
        known_layers: layers of the templates around this one, by logical id.
        around: the templates that this one is nested in.
    """

    def __init__(
        self,
        path: Path,
        source: Source,
        root: yaml.Node,
        *,
        given: Mapping[str, list[SpannedString]],
        region: str | None = None,
        stand_ins: bool = False,
        known_layers: Mapping[str, LayerResource] | None = None,
        around: tuple[Path, ...] = (),
    ) -> None:
        pseudo = pseudo_parameters(region, stand_in=stand_ins)
        fixed = {name: [SpannedString.literal(value, None)] for name, value in pseudo.items()}
        super().__init__(source.text, root, {**fixed, **given})
        self.path = path
        self._around = (*around, path)
        self.source = source
        self.region = region
        self.open_loops: list[tuple[yaml.Node, str]] = []
        if "Fn::ForEach" in source.text:
            self.root, self.open_loops = expand_loops(self)
            self._conditions = dict(pairs(get(self.root, "Conditions")))
        self.resources = dict(pairs(get(self.root, "Resources")))
        if stand_ins:
            self.stand_in = StandIns(self.resources, self._parameters, self.one_text, region)
            self.forget()
        folder = path.resolve().parent
        # `sam build` writes build.toml beside the folder with its results, whatever their names are.
        self.built = (folder.parent / "build.toml").is_file() or folder.parts[-2:] == (".aws-sam", "build")
        self.layers = {
            name: self._layer_resource(name, resource, kind)
            for name, resource in self.resources.items()
            if (kind := scalar(get(resource, "Type"))) in LAYERS
        }
        self.known_layers = {**(known_layers or {}), **self.layers}
        self._nested: dict[str, StackReader | Fault | None] = {}

    def read(self, template: Template, prefix: str = "") -> None:
        """Add what the template says to `template`; `prefix` goes before its logical ids."""
        section = get(self.root, "Resources")
        if not isinstance(section, yaml.MappingNode):
            where = self.place(section if section is not None else self.root)
            template.problems.append(Fault(where, "Resources is missing or no mapping", "mend the template"))
            return
        for key, _ in pairs(get(self.root, "Globals", "Function")):
            if key in UNSUPPORTED:
                where = self.place(get(self.root, "Globals", "Function", key) or self.root)
                template.problems.append(Fault(where, f"Globals cannot have {key}", "move it to the functions"))
        for node, why in self.open_loops:
            template.unread.append(Fault(self.place(node), f"{why}: what it makes is not known", "give --parameter"))
        template.layers |= {prefix + name: layer for name, layer in self.layers.items()}
        template.parameters |= frozenset() if prefix else frozenset(self._parameters)
        for name, kind in _IMPLICIT.items():
            shared = get(self.root, "Globals", kind.rpartition("::")[2])
            place = self.place(shared if shared is not None else section)
            template.resources[prefix + name] = PlainResource(name, kind, place, self._properties(shared))
        keys = {key.value: key for key, _ in section.value}
        for name, resource in self.resources.items():
            kind = scalar(get(resource, "Type")) or ""
            if kind in FUNCTIONS:
                functions = self._functions(prefix + name, keys.get(name, resource), resource, kind)
                template.functions += functions
            elif kind in _OTHERS and self._there(resource) is not False:
                properties = self._properties(merged_properties(self.root, kind, resource))
                template.resources[prefix + name] = PlainResource(name, kind, self.place(resource), properties)
            elif kind in NESTED and self._there(resource) is not False:
                nested = self.nested(name)
                if isinstance(nested, StackReader):
                    nested.read(template, f"{prefix}{name}/")
                elif nested is not None:
                    template.unread.append(nested)

    def place(self, node: yaml.Node) -> Place:
        """Where a node stands."""
        return Place(self.path.as_posix(), *self.source.place(node.start_mark.index))

    # --- nested stacks ------------------------------------------------------------------------------------

    def nested(self, name: str) -> StackReader | Fault | None:
        """The reader of a nested stack's template, or why it is not read; None while it is being read."""
        if name not in self._nested:
            self._nested[name] = None  # what asks for its outputs meanwhile gets nothing
            self._nested[name] = self._read_nested(name, self.resources[name])
        return self._nested[name]

    def _read_nested(self, name: str, resource: yaml.Node) -> StackReader | Fault:
        location = get(resource, "Properties", NESTED[scalar(get(resource, "Type")) or ""])
        place = self.place(location if location is not None else resource)
        path = self._path(self._asset(resource) or (self._one(location) if scalar(location) is not None else None))
        hint = "check that template by itself"
        if path is None or not path.is_file():
            return Fault(place, f"the template of {name} is not on this machine, and was not read", hint)
        if len(self._around) > _MAX_STACKS or path in self._around:
            return Fault(place, f"the template of {name} leads back to itself, and was not read", hint)
        document = read_document(path)
        if isinstance(document, Fault):
            return document
        source, tree = document
        root = next((root for root in tree.documents if is_template(root)), None)
        if root is None:
            return Fault(place, f"the template of {name} is none of SAM or CloudFormation: it was not read", hint)
        given = {
            key: self._from_here(self.evaluate(node)) for key, node in pairs(get(resource, "Properties", "Parameters"))
        }
        return StackReader(
            path,
            source,
            root,
            given=given,
            region=self.region,
            stand_ins=self.stand_in is not None,
            known_layers=self.known_layers,
            around=self._around,
        )

    def _from_here(self, values: list[SpannedString]) -> list[SpannedString]:
        """Values for another template: their characters stand in this one."""
        here = self.path.as_posix()
        return [
            replace(value, spans=tuple(span._replace(origin=span.origin or here) for span in value.spans))
            for value in values
        ]

    def ask(self, function: str, what: str) -> list[SpannedString]:
        """What only a deployment knows, and an output of a nested stack that is on this machine."""
        name, _, output = what.partition(".Outputs.")
        if output and scalar(get(self.resources.get(name), "Type")) in NESTED:
            nested = self.nested(name)
            node = get(nested.root, "Outputs", output, "Value") if isinstance(nested, StackReader) else None
            if isinstance(nested, StackReader) and node is not None:
                return nested._from_here(nested.evaluate(node))
        return super().ask(function, what)

    # --- values -------------------------------------------------------------------------------------------

    def value(self, node: yaml.Node) -> Value:
        """A node's value as text."""
        found = self.one_value(node)
        if found is None:
            return Value(None, self.place(node), "conditions or regions decide between several values")
        return Value(found.text, self.place(node), found.why, found.guesses)

    def data(self, node: yaml.Node | None, depth: int = 0) -> Data | None:
        """A node with everything below it; None for `AWS::NoValue`, and for nothing."""
        node = self.choose(node)
        if node is None:
            return None
        if depth > _MAX_DEPTH:
            return Value(None, self.place(node), "it is nested too deep, or an alias contains itself")
        call = intrinsic(node)
        if call is not None or node.tag.startswith("!"):
            listed = self.items(node) if call is not None and call[0] in {"Split", "GetAZs", "FindInMap", "Ref"} else []
            if len(listed) > 1 and call is not None and (call[0] != "Ref" or self._is_list(call[1])):
                return [self._as_value(node, values) for _, values in listed]
            return self.value(node)
        if isinstance(node, yaml.MappingNode):
            entries = ((key, self.data(item, depth + 1)) for key, item in pairs(node))
            return {key: item for key, item in entries if item is not None}
        if isinstance(node, yaml.SequenceNode):
            items = (self.data(item, depth + 1) for item in node.value)
            return [item for item in items if item is not None]
        return self.value(node)

    def _as_value(self, node: yaml.Node, values: list[SpannedString]) -> Value:
        return Value(values[0].text, self.place(node), values[0].why, values[0].guesses)

    def _is_list(self, name: yaml.Node) -> bool:
        kind = scalar(get(self._parameters.get(str(name.value)), "Type")) or ""
        return "List" in kind

    def _properties(self, node: yaml.Node | None) -> dict[str, Data]:
        return {key: data for key, item in pairs(node) if key not in _APART and (data := self.data(item)) is not None}

    def _one(self, node: yaml.Node | None) -> str | None:
        return self.one_text(self.choose(node))

    def _path(self, text: str | None) -> Path | None:
        """A local path, from the template's folder."""
        return self.path.parent / text if text and not _REMOTE.match(text) else None

    # --- functions ----------------------------------------------------------------------------------------

    def _there(self, resource: yaml.Node) -> bool | None:
        """Whether a resource's `Condition` holds; None where that is not decided."""
        condition = scalar(get(resource, "Condition"))
        return True if condition is None else self.condition(condition)

    def _functions(self, logical_id: str, key: yaml.Node, resource: yaml.Node, kind: str) -> Iterator[Function]:
        empty = Function(logical_id, self.place(key), kind, logical_id, Code(self.place(key)))
        condition = scalar(get(resource, "Condition"))
        there = self._there(resource)
        if there is False:
            return
        own = get(resource, "Properties")
        properties = merged_properties(self.root, kind, resource, self.texts(get(resource, "IgnoreGlobals")))
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
                    yield self._function(empty, resource, kind, properties)
        finally:
            self.choosing({})

    def _function(self, empty: Function, resource: yaml.Node, kind: str, properties: yaml.Node | None) -> Function:
        def own(name: str) -> yaml.Node | None:
            return self.choose(get(properties, name))

        runtime, handler, architectures = own("Runtime"), own("Handler"), own("Architectures")
        variables = self.data(get(self.choose(get(properties, "Environment")), "Variables"))
        named = own("FunctionName")
        logical_id = empty.logical_id.rpartition("/")[2]
        return replace(
            empty,
            name=self.one_text(named) or logical_id,
            code=self._code(empty, resource, own(FUNCTIONS[kind]), own("InlineCode")),
            runtime=self.value(runtime) if runtime is not None else None,
            handler=self.value(handler) if handler is not None else None,
            # Lambda's default (CreateFunction, Architectures)
            architecture=self._one(architectures) if architectures is not None else "x86_64",
            is_image=self._one(own("PackageType")) == "Image" or own("ImageUri") is not None,
            layers=tuple(self._layer(item, values) for item, values in self.items(get(properties, "Layers"))),
            environment=self._environment(variables, empty.place),
            events=tuple(self._events(get(resource, "Properties", "Events"))) if "Serverless" in kind else (),
            alias=self._alias(properties) if "Serverless" in kind else None,
            properties=self._properties(properties),
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
                yield Event(name, kind, self.place(event), self._properties(self.choose(get(event, "Properties"))))

    def _alias(self, properties: yaml.Node | None) -> Alias | None:
        alias = self.choose(get(properties, "AutoPublishAlias"))
        if alias is None:
            return None
        return Alias(
            self.one_text(alias) or "",
            self.place(alias),
            (self._one(get(properties, "AutoPublishAliasAllProperties")) or "").lower() == "true",
            self.choose(get(properties, "AutoPublishCodeSha256")) is not None,
        )

    def _code(self, function: Function, resource: yaml.Node, code: yaml.Node | None, inline: yaml.Node | None) -> Code:
        place = self.place(code) if code is not None else function.place
        text = inline if inline is not None else get(code, "ZipFile")
        if text is not None:
            value = self.evaluate(text)[0]
            return Code(place, inline="".join(span.text for span in value.spans), unknown=value.why)
        asset = self._asset(resource)
        uri = asset or (self._one(code) if isinstance(code, yaml.ScalarNode) or intrinsic(code) else None)
        path = self._path(uri)
        skip = (self._one(get(resource, "Metadata", "SkipBuild")) or "").lower() == "true"
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
        method = self._one(get(resource, "Metadata", "BuildMethod"))
        if method is not None and not re.fullmatch(r"(python|nodejs|ruby|dotnet|java|provided)[\w.]*", method):
            why = f"{uri} is what BuildMethod {method} starts from, not what is deployed"
            return Code(place, path, None, built, why, "run `sam build` and check .aws-sam/build/template.yaml")
        return Code(place, path, built=built)

    # --- layers -------------------------------------------------------------------------------------------

    def _layer(self, node: yaml.Node, values: list[SpannedString]) -> LayerReference:
        place = self.place(node)
        if len(values) == 1 and len(values[0].spans) == 1:
            (span,) = values[0].spans
            asked = span.text if span.hole else span.via or "" if span.guess else ""
            layer = self.known_layers.get(asked.partition(".")[0])
            if layer is not None:
                name = layer.logical_id
                return LayerReference(name, name, place, identity=name, resource=layer, visible=layer.publishes)
        inside = range(node.start_mark.index, node.end_mark.index)
        return layer_of(place, values, self.region, inside)

    def _layer_resource(self, logical_id: str, resource: yaml.Node, kind: str) -> LayerResource:
        properties = merged_properties(self.root, kind, resource)
        content = get(properties, LAYERS[kind])
        asset = self._asset(resource)
        uri = asset or (self._one(content) if isinstance(content, yaml.ScalarNode) or intrinsic(content) else None)
        return LayerResource(
            logical_id,
            self._one(get(properties, "LayerName")) or logical_id,
            self._path(uri),
            built=self.built or get(resource, "Metadata", "BuildMethod") is None,
            runtimes=self.texts(get(properties, "CompatibleRuntimes")),
            architectures=self.texts(get(properties, "CompatibleArchitectures")),
            publishes=(self._one(get(properties, "PublishLambdaVersion")) or "").lower() == "true",
        )

    def _asset(self, resource: yaml.Node) -> str | None:
        """Where the CDK put what it bundled (its "Asset metadata"), relative to the template in cdk.out."""
        return self._one(get(resource, "Metadata", "aws:asset:path"))


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
