"""Regions and the partitions that they are in (AWS General Reference, "Partitions"; botocore's `partitions.json`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["REGION", "by_partition", "is_region", "partition_of"]

# The pattern of a region's name: eu-central-1, us-gov-west-1, us-isob-east-1, eusc-de-east-1.
REGION = r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]+"

# What the names of a partition's regions begin with; all others are in ``aws``.
_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("us-iso-", "aws-iso"),
    ("eu-isoe-", "aws-iso-e"),
    ("eusc-", "aws-eusc"),
)


def is_region(text: object) -> bool:
    """Whether a value has the form of a region's name."""
    return isinstance(text, str) and re.fullmatch(REGION, text) is not None


def by_partition(regions: Iterable[str]) -> dict[str, list[str]]:
    """Partition to its regions, in the order given."""
    found: dict[str, list[str]] = {}
    for region in regions:
        found.setdefault(partition_of(region), []).append(region)
    return found


def partition_of(region: str) -> str:
    """The partition that a region is in."""
    return next((partition for prefix, partition in _PARTITIONS if region.startswith(prefix)), "aws")
