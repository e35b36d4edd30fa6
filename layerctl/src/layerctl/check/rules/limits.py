"""Lambda's limits: how many layers, which layers together, how many bytes, and how many in the middle of an update."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerctl.check.model import Issue
from layerctl.core.diagnostics import Severity
from layerctl.core.runtimes import MAX_LAYERS, MAX_UNZIPPED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.check.model import Content, Function, Layer

__all__ = ["check_limits"]


def check_limits(function: Function) -> Iterator[Issue]:
    """Everything that Lambda refuses whatever the content is, and the sizes.

    Source: AWS Lambda developer guide, "Lambda quotas"; CreateFunction and UpdateFunctionConfiguration refuse two
    versions of one layer. For the update see `_during_update`.
    """
    if function.is_image and function.layers:
        yield Issue(
            "layers-on-image",
            function.layers[0].place,
            "the function is a container image, and Lambda attaches no layers to images",
            "copy the layer's content into the image, or package the function as a zip",
        )
        return
    for layer in function.layers:
        if layer.invalid:
            yield Issue("layer-arn-invalid", layer.place, layer.invalid, "name a version, as in ...:layer:NAME:VERSION")
    yield from _duplicates(function)
    if len(function.layers) > MAX_LAYERS:
        yield Issue(
            "layers-too-many",
            function.layers[MAX_LAYERS].place,
            f"{len(function.layers)} layers, and Lambda allows {MAX_LAYERS}",
            "merge layers, or move one into the function's code",
        )
    yield from _sizes(function)


def _duplicates(function: Function) -> Iterator[Issue]:
    first: dict[str, Layer] = {}
    contents: dict[str, Layer] = {}
    for layer in function.layers:
        if layer.identity is not None:
            earlier = first.setdefault(layer.identity, layer)
            if earlier is not layer:
                what = "is there twice" if earlier.version == layer.version else f"is there as {earlier.name} already"
                yield Issue("layer-duplicate", layer.place, f"{layer.label} {what}", "keep one of the two")
                continue
        if len(function.layers) > 1 and layer.content is not None and layer.content.entries:
            earlier = contents.setdefault(layer.content.digest, layer)
            if earlier is not layer:
                yield Issue(
                    "layer-duplicate",
                    layer.place,
                    f"{layer.label} has the same content as {earlier.label}",
                    "keep one of the two",
                    Severity.WARNING,
                )


def _sizes(function: Function) -> Iterator[Issue]:
    layers = sum(content.size for _, content in function.known_layers)
    code = function.code.size if function.code is not None else 0
    # Where the function fits or not depends on what is known only: an unknown part can but add to it.
    if layers + code > MAX_UNZIPPED:
        yield Issue(
            "size-limit",
            function.code_place or function.place,
            f"{_sum(code, function.known_layers)} unzipped, and Lambda allows {MAX_UNZIPPED:,}",
            f"make it {layers + code - MAX_UNZIPPED:,} bytes smaller; `layerctl inspect --html` shows what is large",
        )
    elif function.deployed is not None and function.deployed.size + layers > MAX_UNZIPPED:
        yield _during_update(function, function.deployed.size, layers)


def _during_update(function: Function, deployed: int, layers: int) -> Issue:
    """CloudFormation changes the configuration, layers included, before the code (aws-sam-cli #3784)."""
    return Issue(
        "size-limit-update",
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
