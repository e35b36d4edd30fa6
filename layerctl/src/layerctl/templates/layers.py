"""An entry of a list of layers: which layer version it is, as far as a template tells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from layerctl.core.arn import LAYER_VERSION_ARN, LayerVersionArn
from layerctl.templates.model import LayerReference
from layerctl.templates.spans import SpannedString, composed_arns

if TYPE_CHECKING:
    from layerctl.templates.model import Place
    from layerctl.templates.spans import ComposedArn

__all__ = ["layer_of"]


def layer_of(
    place: Place, values: list[SpannedString], region: str | None, inside: range | None = None
) -> LayerReference:
    """Make sense of the values that an entry of a list of layers can have.

    Args:
        place: where the entry stands.
        values: its values; several where a mapping by region decides.
        region: the region that is checked for, if it is known.
        inside: the entry's own span; a version number outside of it is not visible to SAM's versioning.
    """
    arns = [arn for value in values for arn in composed_arns(value)]
    if region is not None:
        arns = [arn for arn in arns if arn.region in {None, region}] or arns
    if not arns:
        return _no_arn(place, values)
    first = arns[0]
    name = first.name if first.version is None else f"{first.name}:{first.version}"
    whole = LAYER_VERSION_ARN.fullmatch(first.written)
    return LayerReference(
        first.written,
        name,
        place,
        arn=LayerVersionArn.parse(first.written) if whole and len({arn.written for arn in arns}) == 1 else None,
        identity=_identity(first),
        version=first.version,
        layer_name=first.name,
        visible=first.start is not None and not first.origin and (inside is None or first.start in inside),
    )


def _identity(arn: ComposedArn) -> str:
    # All layers of a function are in its own partition and region, written out or not.
    return f"{arn.account or '?'}:{arn.name}"


def _no_arn(place: Place, values: list[SpannedString]) -> LayerReference:
    value = values[0] if values else SpannedString.unknown("nothing")
    shown = value.shown
    # dynamic references, the Serverless Framework's variables, and what Fn::Split would still take apart
    open_parts = any(mark in shown for mark in ("{{", "${", ","))
    literal = all(known.text is not None for known in values) and not open_parts
    invalid = ""
    if literal:
        what = (
            "a layer, but not a version of it" if re.fullmatch(r"arn:[^:]+:lambda:[^:]+:\d+:layer:[^:]+", shown) else ""
        )
        invalid = f"{shown!r} is {what or 'not the ARN of a layer version'}"
    return LayerReference(
        shown, shown, place, identity=shown if literal else None, visible=False, invalid=invalid,
        unknown="" if literal else "only the deployment knows which layer version it is",
        hint=f"name its content with --layer '{shown}=PATH', or pin a literal ARN",
    )  # fmt: skip
