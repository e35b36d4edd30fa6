"""What templates say, whatever their format: plain records, each value with its place."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["FunctionFacts"]


class FunctionFacts(NamedTuple):
    """What a template says of a function, as far as it says it literally.

    Attributes:
        name: logical id, key or resource name.
        runtime: a Lambda runtime identifier, or None where it is not literal.
        architecture: ``x86_64`` or ``arm64``, or None where it is not literal.
    """

    name: str
    runtime: str | None = None
    architecture: str | None = None
