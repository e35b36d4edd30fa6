"""Layer version ARNs.

Syntax: AWS Lambda API reference, `LayerVersionArn`:
``arn:PARTITION:lambda:REGION:ACCOUNT:layer:NAME:VERSION``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from layerctl.core.errors import LayerctlError
from layerctl.core.partitions import REGION

__all__ = ["LAYER_VERSION_ARN", "LayerVersionArn"]

LAYER_VERSION_ARN = re.compile(
    rf"arn:(?P<partition>aws[a-zA-Z-]*):lambda:(?P<region>{REGION}):(?P<account>\d{{12}})"
    r":layer:(?P<name>[a-zA-Z0-9-_]{1,140}):(?P<version>[0-9]{1,19})"  # a Long
)


@dataclass(frozen=True, slots=True, order=True)
class LayerVersionArn:
    """One published version of a layer."""

    partition: str
    region: str
    account: str
    name: str
    version: int

    @classmethod
    def parse(cls, text: str) -> LayerVersionArn:
        """Parse a literal ARN.

        Raises:
            LayerctlError: `text` is not a layer version ARN.
        """
        match = LAYER_VERSION_ARN.fullmatch(text)
        if match is None:
            raise LayerctlError(
                f"{text!r} is not a layer version ARN",
                hint="expected arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION",
            )
        return cls(match["partition"], match["region"], match["account"], match["name"], int(match["version"]))

    @property
    def layer_arn(self) -> str:
        """The ARN of the layer, without the version."""
        return f"arn:{self.partition}:lambda:{self.region}:{self.account}:layer:{self.name}"

    def with_version(self, version: int) -> LayerVersionArn:
        """The same layer at another version."""
        return replace(self, version=version)

    def __str__(self) -> str:
        return f"{self.layer_arn}:{self.version}"
