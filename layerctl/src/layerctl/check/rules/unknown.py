"""What could not be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerctl.core.diagnostics import Severity
from layerctl.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.check.case import FunctionCase
    from layerctl.core.diagnostics import Finding

__all__ = ["CONTENT_UNKNOWN", "check_unknown"]

CONTENT_UNKNOWN = Rule(
    id="content-unknown",
    commands=("check",),
    summary="Everything that the function will see could be looked at.",
    looks_at="The content of each layer and of the code, the runtime and the architecture. What depends on the "
    "unknown is not guessed.",
    example="A layer that is pinned by ARN, with --offline and no copy on this machine.",
    fix="The finding says how to make it known: --layer, --code, --parameter, or a build.",
    severity=Severity.NOTE,
)


def check_unknown(case: FunctionCase) -> Iterator[Finding]:
    """Say what could not be looked at. A function without layers is Lambda's and its author's own affair."""
    function = case.function
    if function.is_image:
        return
    if function.code_unknown and function.layers:
        place = function.declared.code.place
        yield CONTENT_UNKNOWN.at(place, function.code_unknown, function.code_hint)
    for layer in function.layers:
        if layer.unknown and layer.content is None:
            message = f"the content of {layer.label} is not known: {layer.unknown}"
            yield CONTENT_UNKNOWN.at(layer.place, message, layer.hint)
