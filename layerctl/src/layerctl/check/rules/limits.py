"""Lambda's limits: how many layers, which layers together, how many bytes, and how many in the middle of an update."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerctl.core.diagnostics import Severity
from layerctl.core.runtimes import MAX_LAYERS, MAX_UNZIPPED
from layerctl.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.check.case import FunctionCase
    from layerctl.check.model import CheckedFunction, Content, Layer
    from layerctl.core.diagnostics import Finding

__all__ = ["check_limits"]

LAYERS_TOO_MANY = Rule(
    id="layers-too-many",
    commands=("check",),
    summary="A function has 5 layers at most.",
    looks_at="The function's list of layers (Lambda quotas).",
    example="Six layers.",
    fix="Merge layers, or move one into the function's code.",
)
LAYER_DUPLICATE = Rule(
    id="layer-duplicate",
    commands=("check",),
    summary="No layer is there twice.",
    looks_at="The ARNs of a function's layers, and the content digests of those that are known. Two names with one "
    "content are a warning.",
    example="Versions 4 and 5 of one layer.",
    fix="Keep one of the two.",
)
LAYER_ARN_INVALID = Rule(
    id="layer-arn-invalid",
    commands=("check",),
    summary="What names a layer is the ARN of a layer version.",
    looks_at="Literal entries of a function's list of layers.",
    example="An ARN without its version.",
    fix="Name a version, as in `...:layer:NAME:VERSION`.",
)
LAYERS_ON_IMAGE = Rule(
    id="layers-on-image",
    commands=("check",),
    summary="A function that is a container image has no layers.",
    looks_at="PackageType and layers of the function.",
    example="`PackageType: Image` with `Layers`.",
    fix="Copy the layer's content into the image, or package the function as a zip.",
)
SIZE_LIMIT = Rule(
    id="size-limit",
    commands=("check",),
    summary="Code and layers are within Lambda's limit.",
    looks_at="The unpacked sizes of what is known: 262,144,000 bytes together.",
    example="200 MB of code with a layer of 63 MB.",
    fix="Leave something out; `layerctl inspect --html` shows what is large.",
)
SIZE_LIMIT_UPDATE = Rule(
    id="size-limit-update",
    commands=("check",),
    summary="The deployed code fits with the new layers too.",
    looks_at="With --deployed or --stack: CloudFormation attaches the new layers before it replaces the code.",
    example="A release that moves 150 MB from the code into a layer.",
    fix="Deploy twice: first the smaller code, then the layers.",
)


def check_limits(case: FunctionCase) -> Iterator[Finding]:
    """Everything that Lambda refuses whatever the content is, and the sizes.

    Source: AWS Lambda developer guide, "Lambda quotas"; CreateFunction and UpdateFunctionConfiguration refuse two
    versions of one layer. For the update see `_during_update`.
    """
    function = case.function
    if function.is_image and not function.layers:
        return
    if function.is_image:
        yield LAYERS_ON_IMAGE.at(
            function.layers[0].place,
            "the function is a container image, and Lambda attaches no layers to images",
            "copy the layer's content into the image, or package the function as a zip",
        )
        return
    for layer in function.layers:
        if layer.declared.invalid:
            yield LAYER_ARN_INVALID.at(
                layer.place, layer.declared.invalid, "name a version, as in ...:layer:NAME:VERSION"
            )
    yield from _duplicates(function)
    if len(function.layers) > MAX_LAYERS:
        yield LAYERS_TOO_MANY.at(
            function.layers[MAX_LAYERS].place,
            f"{len(function.layers)} layers, and Lambda allows {MAX_LAYERS}",
            "merge layers, or move one into the function's code",
        )
    yield from _sizes(function)


def _duplicates(function: CheckedFunction) -> Iterator[Finding]:
    first: dict[str, Layer] = {}
    contents: dict[str, Layer] = {}
    for layer in function.layers:
        if layer.declared.identity is not None:
            earlier = first.setdefault(layer.declared.identity, layer)
            if earlier is not layer:
                what = (
                    "is there twice"
                    if earlier.declared.version == layer.declared.version
                    else f"is there as {earlier.name} already"
                )
                yield LAYER_DUPLICATE.at(layer.place, f"{layer.label} {what}", "keep one of the two")
                continue
        if len(function.layers) > 1 and layer.content is not None and layer.content.entries:
            earlier = contents.setdefault(layer.content.digest, layer)
            if earlier is not layer:
                yield LAYER_DUPLICATE.at(
                    layer.place,
                    f"{layer.label} has the same content as {earlier.label}",
                    "keep one of the two",
                    Severity.WARNING,
                )


def _sizes(function: CheckedFunction) -> Iterator[Finding]:
    layers = sum(content.size for _, content in function.known_layers)
    code = function.code.size if function.code is not None else 0
    # Where the function fits or not depends on what is known only: an unknown part can but add to it.
    if layers + code > MAX_UNZIPPED:
        yield SIZE_LIMIT.at(
            function.declared.code.place,
            f"{_sum(code, function.known_layers)} unzipped, and Lambda allows {MAX_UNZIPPED:,}",
            f"make it {layers + code - MAX_UNZIPPED:,} bytes smaller; `layerctl inspect --html` shows what is large",
        )
    elif function.deployed is not None and function.deployed.size + layers > MAX_UNZIPPED:
        yield _during_update(function, function.deployed.size, layers)


def _during_update(function: CheckedFunction, deployed: int, layers: int) -> Finding:
    """CloudFormation changes the configuration, layers included, before the code (aws-sam-cli #3784)."""
    return SIZE_LIMIT_UPDATE.at(
        function.layers[-1].place if function.layers else function.place,
        f"during the update the deployed code ({deployed:,} bytes) meets the new layers ({layers:,} bytes): "
        f"{deployed + layers:,} bytes unzipped, and Lambda allows {MAX_UNZIPPED:,}, though both ends fit",
        "deploy twice: first the smaller code, then the layers",
    )


def _sum(code: int, layers: list[tuple[Layer, Content]]) -> str:
    parts = [f"code {code:,}"] if code else []
    parts += [f"{layer.name} {content.size:,}" for layer, content in layers]
    total = code + sum(content.size for _, content in layers)
    return f"{' + '.join(parts)} = {total:,} bytes"
