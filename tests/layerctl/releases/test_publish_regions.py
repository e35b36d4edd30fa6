"""`layerctl publish`: which regions, what one that fails costs the others, and how long many take."""

from __future__ import annotations

import json
import os
import time

import boto3
import pytest

from tests.layerctl.releases.conftest import REGIONS, versions
from tests.support.fault_proxy import answer


def test_all_regions_are_those_that_the_account_has_enabled(aws, project, layerctl):
    """--all-regions asks AWS, and excludes naming some."""
    enabled = {one["RegionName"] for one in aws.client("ec2").describe_regions()["Regions"]}
    ran = layerctl("permissions", "--all-regions", "--json")
    assert ran.code == 0
    assert ran.data["requests"] == {"ec2.DescribeRegions": 1, "lambda.ListLayerVersions": len(enabled)}
    assert layerctl("permissions", "--all-regions", "--region", "us-east-1").code == 2
    assert "helpers has no version in" in layerctl("permissions").err
    assert "is no layer name" in layerctl("permissions", "--layer", "a b").err


def test_differing_version_numbers_are_said(aws, project, layerctl):
    """Where a region counts differently, a line says which number is where."""
    layerctl("publish", project.artifact("0.9.0", "x = 0\n"), "--region", "eu-west-1")
    ran = layerctl("publish", project.artifact())
    assert ran.code == 0
    assert "version numbers differ: 1 in eu-central-1, us-east-1; 2 in eu-west-1" in ran.err
    assert ran.out.count("numbered 2, elsewhere 1") == 1
    assert layerctl("publish", project.artifact(), "--json").data["version_numbers_differ"] is True


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            answer(
                403,
                "AccessDeniedException",
                "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: lambda:PublishLayerVersion on"
                " resource: arn:aws:lambda:eu-west-1:123456789012:layer:helpers",
            ),
            "not allowed to lambda:PublishLayerVersion on arn:aws:lambda:eu-west-1:123456789012:layer:helpers",
        ),
        (
            answer(403, "UnrecognizedClientException", "The security token included in the request is invalid."),
            "enable the region for this account",
        ),
        (answer(400, "CodeStorageExceededException", "Code storage limit exceeded."), "quota reached in eu-west-1"),
        (answer(403, "ExpiredTokenException", "The security token is expired"), "the credentials have expired"),
    ],
)
def test_a_region_that_fails_says_why_and_the_others_go_on(proxy, project, layerctl, fault, said):
    """One region's missing right, missing opt-in, quota or login is that region's line; repeated, the run completes."""
    proxy.add("PublishLayerVersion", fault, region="eu-west-1")
    ran = layerctl("publish", project.artifact(), "--index", project.index)
    assert ran.code == 2
    assert said in ran.err
    assert "FAILED" in ran.out
    assert [len(versions(project.aws, region)) for region in REGIONS] == [1, 0, 1]
    assert layerctl("publish", project.artifact(), "--index", project.index).code == 0
    assert [len(versions(project.aws, region)) for region in REGIONS] == [1, 1, 1]
    regions = json.loads(project.index.read_text())["releases"]["1.0.0"]["regions"]
    assert set(regions) == set(REGIONS)


def test_an_unknown_region_is_named_with_a_guess(aws, project, layerctl):
    """A typo in a region's name fails that region only, and says what was probably meant."""
    ran = layerctl("publish", project.artifact(), "--region", "eu-centrall-1", "--region", "us-east-1")
    assert ran.code == 2
    assert "did you mean eu-central-1?" in ran.err
    assert len(versions(aws, "us-east-1")) == 1


def test_regions_come_from_a_file(aws, project, layerctl, tmp_path):
    """A file names regions one a line, with comments, or as a JSON list."""
    (tmp_path / "lines").write_text("# Europe\neu-north-1  # Stockholm\n\neu-west-3\n")
    (tmp_path / "list.json").write_text('["eu-north-1", "sa-east-1"]')
    assert layerctl("publish", project.artifact(), "--regions", "lines").code == 0
    assert layerctl("publish", project.artifact(), "--regions", "list.json").code == 0
    assert [len(versions(aws, one)) for one in ("eu-north-1", "eu-west-3", "sa-east-1", "us-east-1")] == [1, 1, 1, 0]


@pytest.mark.parametrize(
    ("text", "said"), [("Frankfurt\n", "not a region"), ("", "no region"), ("[1]", "not a region")]
)
def test_a_bad_regions_file_is_refused(project, layerctl, text, said):
    """A regions file with something else in it names the file and the offending value."""
    (project.root / "regions").write_text(text)
    ran = layerctl("publish", project.artifact(), "--regions", "regions")
    assert ran.code == 2
    assert ran.err.startswith("error: regions")
    assert said in ran.err


@pytest.mark.slow
def test_thirty_regions_take_less_than_a_minute(aws, project, layerctl):
    """Thirty regions are published, verified and indexed within the limit, eight requests each."""
    regions = boto3.session.Session().get_available_regions("lambda")[:30]
    assert len(regions) == 30
    project.configure(regions=tuple(regions), accounts=("222222222222",))
    began = time.monotonic()
    ran = layerctl("publish", project.artifact(), "--index", project.index, "--json")
    assert time.monotonic() - began < 60
    assert ran.code == 0, ran.out
    assert {one["status"] for one in ran.data["regions"].values()} == {"published"}
    assert sum(ran.data["requests"].values()) == 30 * 8
    assert len(json.loads(project.index.read_text())["releases"]["1.0.0"]["regions"]) == 30
    assert os.environ["AWS_ENDPOINT_URL"] == aws.endpoint
