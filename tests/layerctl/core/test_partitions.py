"""Regions and partitions: every one that botocore knows, and the ARNs in them."""

from __future__ import annotations

import botocore.session
import pytest

from layerctl.config import layer_schema
from layerctl.core.arn import LayerVersionArn
from layerctl.core.partitions import is_region, partition_of
from layerctl.releases.index.model import LayerIndex, Published, Release

_SESSION = botocore.session.Session()
REGIONS = sorted(
    {
        (region, partition)
        for partition in _SESSION.get_available_partitions()
        for service in ("lambda", "ec2")
        for region in _SESSION.get_available_regions(service, partition)
    }
    | {("us-isof-south-1", "aws-iso-f"), ("eu-isoe-west-1", "aws-iso-e"), ("eusc-de-east-1", "aws-eusc")}
)


@pytest.mark.parametrize(("region", "partition"), REGIONS)
def test_every_region_parses_and_has_its_partition(region, partition):
    """Names of all partitions are regions, in ARNs and in the index, and their partition is botocore's."""
    assert is_region(region)
    assert partition_of(region) == partition
    arn = LayerVersionArn.parse(f"arn:{partition}:lambda:{region}:123456789012:layer:helpers:7")
    assert (arn.partition, arn.region, arn.version) == (partition, region, 7)
    there = Published(arn, "x", 1, "2026-01-31T12:00:00Z")
    release = Release("1.0.0", "sha256:" + "0" * 64, there.date, (), (), regions={region: there})
    text = LayerIndex("helpers", {"1.0.0": release}).dumps()
    assert LayerIndex.parse(text).releases["1.0.0"].regions[region].arn == arn


def test_every_partition_may_have_a_profile():
    """layer.toml's [publish.profiles] takes every partition of botocore's."""
    known = layer_schema()["properties"]["publish"]["properties"]["profiles"]["propertyNames"]["enum"]
    assert set(known) == {partition for _, partition in REGIONS}


@pytest.mark.parametrize(
    "text", ["Frankfurt", "eu_central_1", "", "eu-central", "EU-CENTRAL-1", "europe-west-1", None, 3]
)
def test_what_is_no_region(text):
    """Other texts and values are no regions."""
    assert not is_region(text)
