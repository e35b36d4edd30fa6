"""The functions of a SAM or CloudFormation template.

Where `Fn::If` chooses, every combination of the conditions that a function's layers, code or runtime depend on is a
function of its own: what is checked must hold whatever the stage.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import yaml

from layerctl.check.model import Alias, Function, Layer, Place
from layerctl.core.partitions import partition_of
from layerctl.rules.shared import TEMPLATE_INVALID
from layerctl.templates.check_references import layer_of
from layerctl.templates.check_stacks import LayerResource
from layerctl.templates.cloudformation import is_template
from layerctl.templates.intrinsics import Expressions, intrinsic
from layerctl.templates.spans import SpannedString
from layerctl.templates.yaml import children, get, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from layerctl.templates.check_stacks import Stack
    from layerctl.templates.source import Source

__all__ = ["intrinsic_call", "is_template", "read_template"]

_FUNCTIONS = {"AWS::Serverless::Function": "CodeUri", "AWS::Lambda::Function": "Code"}
_LAYERS = {"AWS::Serverless::LayerVersion": "ContentUri", "AWS::Lambda::LayerVersion": "Content"}
# What decides how a function is judged; only conditions in these make variants of it.
_VARYING = ("Layers", "Runtime", "Architectures", "PackageType")
_MAX_CONDITIONS = 4


def read_template(
    stack: Stack, source: Source, root: yaml.Node, parameters: Mapping[str, str], region: str | None
) -> None:
    """Add the template's functions and layers to `stack`."""
    _Template(stack, source, root, parameters, region).read()


class _Template(Expressions):
    def __init__(
        self, stack: Stack, source: Source, root: yaml.Node, parameters: Mapping[str, str], region: str | None
    ) -> None:
        given = {name: [SpannedString.literal(value, None)] for name, value in parameters.items()}
        if region:
            given["AWS::Region"] = [SpannedString.literal(region, None)]
            given["AWS::Partition"] = [SpannedString.literal(partition_of(region), None)]
        super().__init__(source.text, root, given)
        self.stack = stack
        self.source = source
        self.region = region
        self.resources = list(_resources(get(root, "Resources")))
        folder = stack.path.resolve().parent
        # `sam build` writes build.toml beside the folder with its results, whatever their names are.
        self.built = (folder.parent / "build.toml").is_file() or (folder.parent.name, folder.name) == (
            ".aws-sam",
            "build",
        )

    def read(self) -> None:
        section = get(self.root, "Resources")
        if not isinstance(section, yaml.MappingNode):
            where = self.place(section if section is not None else self.root)
            self.stack.problems.append(
                TEMPLATE_INVALID.at(where, "Resources is missing or no mapping", "mend the template")
            )
        for name, resource in self.resources:
            kind = scalar(get(resource, "Type"))
            if kind in _LAYERS:
                self.stack.layers[name.value] = self._layer_resource(name.value, resource, _LAYERS[kind])
        for name, resource in self.resources:
            kind = scalar(get(resource, "Type"))
            if kind in _FUNCTIONS:
                self._functions(name, resource, kind)

    def place(self, node: yaml.Node) -> Place:
        return Place(self.stack.path.as_posix(), *self.source.place(node.start_mark.index))

    # --- functions ----------------------------------------------------------------------------------------

    def _functions(self, name: yaml.Node, resource: yaml.Node, kind: str) -> None:
        shared = get(self.root, "Globals", "Function") if kind == "AWS::Serverless::Function" else None
        properties = get(resource, "Properties")
        if properties is not None and not isinstance(properties, yaml.MappingNode):
            self.stack.problems.append(
                TEMPLATE_INVALID.at(
                    self.place(properties),
                    f"{name.value}: Properties is no mapping",
                    "mend the template",
                )
            )
            return
        ignored = self._texts(get(resource, "IgnoreGlobals"))  # beside Type, not among the properties
        if "*" in ignored:
            shared = None
        elif ignored and isinstance(shared, yaml.MappingNode):
            kept = [(key, value) for key, value in shared.value if key.value not in ignored]
            shared = yaml.MappingNode(shared.tag, kept, shared.start_mark, shared.end_mark)
        nodes = [node for key in _VARYING for node in (get(shared, key), get(properties, key)) if node is not None]
        conditions = sorted({condition for node in nodes for condition in _conditions(node)})[:_MAX_CONDITIONS]
        for values in itertools.product((True, False), repeat=len(conditions)):
            self.chosen = dict(zip(conditions, values, strict=True))
            self.stack.functions.append(self._function(name, resource, kind, shared, properties))

    def _function(
        self, name: yaml.Node, resource: yaml.Node, kind: str, shared: yaml.Node | None, properties: yaml.Node | None
    ) -> Function:
        def own(key: str) -> yaml.Node | None:
            """The function's property, or that of Globals (SAM guide, "Globals section")."""
            return self.choose(get(properties, key) or get(shared, key))

        runtime = own("Runtime")
        architectures = own("Architectures")
        function = Function(
            name.value,
            self.place(name),
            runtime_name=self._one(runtime),
            runtime_place=self.place(runtime) if runtime is not None else None,
            # Lambda's default (CreateFunction, Architectures)
            architecture=self._one(architectures) if architectures is not None else "x86_64",
            is_image=self._one(own("PackageType")) == "Image" or own("ImageUri") is not None,
        )
        # Lists of Globals are joined with the function's own, Globals first.
        for layers in (get(shared, "Layers"), get(properties, "Layers")):
            function.layers += self._layers(self.choose(layers))
        self._code(function, resource, own(_FUNCTIONS[kind]), own("InlineCode"))
        if kind == "AWS::Serverless::Function" and (alias := own("AutoPublishAlias")) is not None:
            function.alias = Alias(
                self._one(alias) or "",
                self.place(alias),
                (self._one(own("AutoPublishAliasAllProperties")) or "").lower() == "true",
                own("AutoPublishCodeSha256") is not None,
            )
        return function

    def _code(self, function: Function, resource: yaml.Node, code: yaml.Node | None, inline: yaml.Node | None) -> None:
        function.code_place = self.place(code) if code is not None else function.place
        text = inline if inline is not None else get(code, "ZipFile")
        if text is not None:
            function.code_inline = "".join(span.text for span in self.evaluate(text)[0].spans)
            return
        asset = self._asset(resource)
        uri = asset or (self._one(code) if isinstance(code, yaml.ScalarNode) or intrinsic_call(code) else None)
        method = self._one(get(resource, "Metadata", "BuildMethod"))
        if uri is None or re.match(r"[a-z][a-z0-9+.-]+://", uri):
            function.code_unknown = (
                "the function's code is not a local path" if code is not None else "no code is named"
            )
            function.code_hint = f"name it with --code {function.name}=PATH"
        elif method is not None and not re.fullmatch(r"(python|nodejs|ruby|dotnet|java|provided)[\w.]*", method):
            function.code_unknown = f"{uri} is what BuildMethod {method} starts from, not what is deployed"
            function.code_hint = "run `sam build` and check .aws-sam/build/template.yaml"
        else:
            function.code_path = self.stack.path.parent / uri
        skip = (self._one(get(resource, "Metadata", "SkipBuild")) or "").lower() == "true"
        function.code_built = self.built or skip or asset is not None

    # --- layers -------------------------------------------------------------------------------------------

    def _layers(self, node: yaml.Node | None) -> Iterator[Layer]:
        if node is None:
            return
        if intrinsic_call(node) is None and isinstance(node, yaml.SequenceNode):
            for item in node.value:
                if (chosen := self.choose(item)) is not None:
                    yield self._layer(chosen)
            return
        # a whole list from a parameter, a mapping or Fn::Split
        text = self._one(node)
        for part in (text or "").split(",") if text is not None else [None]:
            yield self._of_values(
                node, [SpannedString.literal(part.strip(), None)] if part is not None else self.evaluate(node)
            )

    def _layer(self, node: yaml.Node) -> Layer:
        call = intrinsic(node)
        if call is not None and call[0] in {"Ref", "GetAtt"}:
            argument = call[1]
            items = argument.value if isinstance(argument, yaml.SequenceNode) else [argument]
            logical_id = str(items[0].value).partition(".")[0] if items else ""
            if logical_id in self.stack.layers:
                resource = next(resource for name, resource in self.resources if name.value == logical_id)
                publishes = (self._one(get(resource, "Properties", "PublishLambdaVersion")) or "").lower() == "true"
                return Layer(
                    logical_id, self.place(node), identity=logical_id, in_template=logical_id, visible=publishes
                )
        return self._of_values(node, self.evaluate(node))

    def _of_values(self, node: yaml.Node, values: list[SpannedString]) -> Layer:
        inside = range(node.start_mark.index, node.end_mark.index)
        return layer_of(self.place(node), values, self.region, inside)

    def _layer_resource(self, logical_id: str, resource: yaml.Node, key: str) -> LayerResource:
        properties = get(resource, "Properties")
        content = get(properties, key)
        asset = self._asset(resource)
        uri = asset or (self._one(content) if isinstance(content, yaml.ScalarNode) or intrinsic_call(content) else None)
        local = uri is not None and not re.match(r"[a-z][a-z0-9+.-]+://", uri)
        return LayerResource(
            logical_id,
            self._one(get(properties, "LayerName")) or logical_id,
            self.stack.path.parent / uri if uri is not None and local else None,
            built=self.built or get(resource, "Metadata", "BuildMethod") is None,
            runtimes=self._texts(get(properties, "CompatibleRuntimes")),
            architectures=self._texts(get(properties, "CompatibleArchitectures")),
        )

    def _asset(self, resource: yaml.Node) -> str | None:
        """Where the CDK put what it bundled (its "Asset metadata"), relative to the template in cdk.out."""
        return self._one(get(resource, "Metadata", "aws:asset:path"))

    # --- values -------------------------------------------------------------------------------------------

    def choose(self, node: yaml.Node | None) -> yaml.Node | None:
        """The branch of `Fn::If` that the chosen conditions give; None for `AWS::NoValue`."""
        for _ in range(20):
            call = intrinsic_call(node)
            if call is None:
                return node
            name, argument = call
            if name == "If" and isinstance(argument, yaml.SequenceNode) and len(argument.value) == 3:
                condition = argument.value[0].value
                node = argument.value[1 if self.chosen.get(condition, True) else 2]
            elif name == "Ref" and argument.value == "AWS::NoValue":
                return None
            else:
                return node
        return node

    def _one(self, node: yaml.Node | None) -> str | None:
        return self.one_text(self.choose(node))

    def _texts(self, node: yaml.Node | None) -> tuple[str, ...]:
        """A list of texts; empty where any of them is open."""
        texts = [value.text for value in self.evaluate(node)] if node is not None else []
        return tuple(text for text in texts if text) if None not in texts else ()

    chosen: dict[str, bool] = {}  # noqa: RUF012 (replaced, never changed)


def intrinsic_call(node: yaml.Node | None) -> tuple[str, yaml.Node] | None:
    """`intrinsic`, for a node that may not be there."""
    return intrinsic(node) if node is not None else None


def _resources(section: yaml.Node | None) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """Logical id (its node) and resource, those inside of `Fn::ForEach` included."""
    for name, resource in section.value if isinstance(section, yaml.MappingNode) else ():
        if not isinstance(name, yaml.ScalarNode):
            continue
        if name.value.startswith("Fn::ForEach") and isinstance(resource, yaml.SequenceNode):
            yield from _resources(resource.value[-1])
        else:
            yield name, resource


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
