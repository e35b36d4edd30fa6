"""Where the structure of a file puts a layer version ARN."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from layerctl.templates.model import FunctionFacts
    from layerctl.templates.spans import ComposedArn

__all__ = ["Use"]


class Use(NamedTuple):
    """A layer version ARN and who uses it.

    Attributes:
        arn: the ARN and where it stands.
        at: the offset of the expression, for ARNs that stand nowhere as such.
        functions: who gets the layer.
        via: ``Globals``, or what else lies between.
        expected_region: the region that the place is meant for.
    """

    arn: ComposedArn
    at: int
    functions: tuple[FunctionFacts, ...] = ()
    via: str | None = None
    expected_region: str | None = None
