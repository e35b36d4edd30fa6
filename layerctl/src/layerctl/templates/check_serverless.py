"""The functions of a serverless.yml (Serverless Framework, "serverless.yml reference").

Values are worked out as `layerctl.templates.serverless` does it: as far as the file decides them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from layerctl.check.model import Function, Layer, Place
from layerctl.templates.check_cloudformation import intrinsic_call
from layerctl.templates.check_references import layer_of
from layerctl.templates.check_stacks import LayerResource
from layerctl.templates.serverless import ServiceExpressions, open_pseudo
from layerctl.templates.yaml import get, pairs, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.templates.check_stacks import Stack
    from layerctl.templates.source import Source

__all__ = ["is_service", "read_service"]


def is_service(root: yaml.Node) -> bool:
    """Whether a document is a Serverless Framework service."""
    keys = {key for key, _ in pairs(root)}
    return "provider" in keys and bool({"service", "functions"} & keys)


def read_service(stack: Stack, source: Source, root: yaml.Node, region: str | None) -> None:
    """Add the service's functions and layers to `stack`."""
    service = _Service(stack, source, root, region)
    for name, node in pairs(get(root, "layers")):
        path = service.one_text(get(node, "path"))
        artifact = service.one_text(get(node, "package", "artifact"))
        at = artifact or path
        # "the Ref name is the layer's name in TitleCase, with LambdaLayer at the end"
        logical_id = f"{name[:1].upper()}{name[1:].replace('-', 'Dash').replace('_', 'Underscore')}LambdaLayer"
        stack.layers[logical_id] = LayerResource(
            logical_id,
            service.one_text(get(node, "name")) or name,
            stack.path.parent / at if at else None,
            built=True,
            runtimes=service.texts(get(node, "compatibleRuntimes")),
            architectures=service.texts(get(node, "compatibleArchitectures")),
        )
    functions = get(root, "functions")
    for document in functions.value if isinstance(functions, yaml.SequenceNode) else [functions]:
        for key, node in document.value if isinstance(document, yaml.MappingNode) else ():
            stack.functions.append(service.function(key, node))


class _Service(ServiceExpressions):
    def __init__(self, stack: Stack, source: Source, root: yaml.Node, region: str | None) -> None:
        super().__init__(source.text, root)
        self.service = root
        self.stack = stack
        self.source = source
        self.region = region or self.one_text(get(root, "provider", "region"))

    def place(self, node: yaml.Node) -> Place:
        return Place(self.stack.path.as_posix(), *self.source.place(node.start_mark.index))

    def function(self, key: yaml.Node, node: yaml.Node) -> Function:
        """One function; what it does not say itself the provider says."""
        provider = get(self.service, "provider")
        runtime = get(node, "runtime") or get(provider, "runtime")
        architecture = get(node, "architecture") or get(provider, "architecture")
        function = Function(
            key.value,
            self.place(key),
            runtime_name=self.one_text(runtime),
            runtime_place=self.place(runtime) if runtime is not None else None,
            architecture=self.one_text(architecture) if architecture is not None else "x86_64",
            is_image=get(node, "image") is not None,
        )
        # the function's own list replaces the provider's
        layers = get(node, "layers") or get(provider, "layers")
        if layers is not None:
            function.layers += self._layers(layers)
        artifact = get(node, "package", "artifact") or get(self.service, "package", "artifact")
        function.code_place = self.place(artifact) if artifact is not None else function.place
        path = self.one_text(artifact)
        if path is not None:
            function.code_path = self.stack.path.parent / path
            function.code_built = True
        elif not function.is_image:
            function.code_unknown = "what the Serverless Framework packages is decided by its plugins and patterns"
            function.code_hint = (
                f"run `serverless package` and name the zip with --code {key.value}=.serverless/{key.value}.zip"
            )
        return function

    def _layers(self, node: yaml.Node) -> Iterator[Layer]:
        if not isinstance(node, yaml.SequenceNode):
            node = self._behind(node) or node
        for item in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            call = intrinsic_call(item)
            name = str(call[1].value) if call is not None and call[0] == "Ref" else None
            if name is not None and name in self.stack.layers:
                yield Layer(name, self.place(item), identity=name, in_template=name)
            else:
                yield layer_of(self.place(item), [open_pseudo(value) for value in self.evaluate(item)], self.region)

    def _behind(self, node: yaml.Node) -> yaml.Node | None:
        """The node that a whole-value ``${self:…}`` stands for."""
        text = scalar(node) or ""
        match = re.fullmatch(r"\$\{self:([\w.-]+)\}", text.strip())
        return get(self.service, *match[1].split(".")) if match else None

    def texts(self, node: yaml.Node | None) -> tuple[str, ...]:
        """A list of texts; empty where any of them is open."""
        texts = [value.text for value in self.evaluate(node)] if node is not None else []
        return tuple(text for text in texts if text) if None not in texts else ()
