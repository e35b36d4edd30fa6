"""`layerctl index`: writing the file, its mirror, and how drift is found."""

from __future__ import annotations

import json

import jsonschema
import pytest

from layerctl.releases.index.model import LayerIndex, schema
from tests.layerctl.releases.conftest import REGIONS, versions
from tests.layerctl.releases.test_index_file import ARN, DATE, entry, text
from tests.support.fault_proxy import answer


@pytest.fixture
def released(project, layerctl):
    """Two releases in three regions, indexed."""
    for release in ("1.0.0", "1.1.0"):
        artifact = project.artifact(release, f"x = {release!r}\n")
        assert layerctl("publish", artifact, "--index", project.index).code == 0
    return project


def test_what_is_written_is_valid_and_complete(aws, released):
    """The file validates against its schema and has ARN, digest, CodeSha256, size, runtimes and date per region."""
    data = json.loads(released.index.read_text())
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(data, schema())
    release = data["releases"]["1.1.0"]
    for region in REGIONS:
        client = aws.client("lambda", region)
        stored = client.get_layer_version(LayerName="helpers", VersionNumber=2)
        there = release["regions"][region]
        assert there["arn"] == stored["LayerVersionArn"]
        assert (there["code_sha256"], there["size"]) == (stored["Content"]["CodeSha256"], stored["Content"]["CodeSize"])
    assert release["runtimes"] == ["python3.12", "python3.13"]
    assert release["yanked"] is None


def test_a_lost_index_is_written_again_from_the_regions(released, layerctl):
    """The index follows from the regions: written anew it is the same, and written twice nothing is asked again."""
    before = released.index.read_text()
    released.index.unlink()
    first = layerctl("index", "write", "--json")
    assert first.code == 0
    assert released.index.read_text() == before
    assert first.data["requests"] == {"lambda.ListLayerVersions": 3, "lambda.GetLayerVersion": 6}
    second = layerctl("index", "write", "--json").data
    assert second["requests"] == {"lambda.ListLayerVersions": 3}
    assert second["changes"] == []


def test_a_dry_run_writes_no_file(released, layerctl):
    """--dry-run says what would be added."""
    released.index.unlink()
    ran = layerctl("index", "write", "--dry-run")
    assert ran.code == 0
    assert ran.out.count("added") == 6
    assert not released.index.exists()


def test_a_release_with_two_contents_is_refused(project, layerctl):
    """Which of two contents a release is can't be guessed: both versions are named, nothing is written."""
    layerctl("publish", project.artifact())
    layerctl("publish", project.artifact(content="x = 2\n"))
    ran = layerctl("index", "write")
    assert ran.code == 2
    assert "release 1.0.0 has two contents: versions 1 and 2 in us-east-1" in ran.err


def test_releases_that_differ_between_regions_are_refused(project, layerctl):
    """One release is one content everywhere, or it is not indexed."""
    layerctl("publish", project.artifact(), "--region", "eu-west-1")
    layerctl("publish", project.artifact(content="x = 2\n"), "--region", "us-east-1")
    ran = layerctl("index", "write")
    assert ran.code == 2
    assert "a release never changes" in ran.err
    assert not project.index.exists()


def test_what_cannot_be_indexed_is_refused_before_it_is_published(aws, project, layerctl):
    """A version that the index can't hold is found first; versions with other descriptions are left out."""
    ran = layerctl("publish", project.artifact(), "--release", "1.0.0+local", "--index", project.index)
    assert ran.code == 2
    assert "'1.0.0+local' can't be indexed" in ran.err
    assert versions(aws) == []
    assert layerctl("publish", project.artifact(), "--release", "1.0.0+local").code == 0
    written = layerctl("index", "write")
    assert written.code == 0
    assert LayerIndex.load(project.index).releases == {}
    assert layerctl("index", "check").code == 0


def test_a_broken_or_foreign_index_is_found_before_anything_is_done(aws, project, layerctl):
    """An index that is no JSON, or another layer's, stops publishing and pruning at once."""
    for broken in ("{", text().replace("helpers", "other")):
        project.index.write_text(broken)
        for argv in (("publish", project.artifact()), ("prune", "--apply")):
            ran = layerctl(*argv, "--index", project.index)
            assert ran.code == 2
            assert "layers.json" in ran.err
    assert versions(aws) == []


def test_a_failed_region_is_left_for_the_next_run(proxy, released, layerctl):
    """What the other regions have is written; exit 2 says that one is missing."""
    released.index.unlink()
    proxy.add("ListLayerVersions", answer(403, "AccessDeniedException", "no"), region="eu-west-1")
    assert layerctl("index", "write").code == 2
    index = LayerIndex.load(released.index)
    assert set(index.releases["1.0.0"].regions) == {"eu-central-1", "us-east-1"}
    assert layerctl("index", "write").code == 0
    assert set(LayerIndex.load(released.index).releases["1.0.0"].regions) == set(REGIONS)


def test_the_mirror_is_written_once_and_never_changed(aws, released, layerctl):
    """The same value is left alone, another one is refused and stays."""
    first = layerctl("index", "mirror", "--stage", "prod", "--json")
    assert first.code == 0
    assert {one["status"] for one in first.data["parameters"]} == {"written"}
    ssm = aws.client("ssm")
    assert ssm.get_parameter(Name="/helpers/prod/versions/1.1.0")["Parameter"]["Value"].endswith(":helpers:2")
    again = layerctl("index", "mirror", "--stage", "prod", "--json")
    assert {one["status"] for one in again.data["parameters"]} == {"same"}
    assert again.data["requests"] == {"ssm.GetParametersByPath": 3}
    ssm.put_parameter(Name="/helpers/prod/versions/1.0.0", Value="other", Type="String", Overwrite=True)
    refused = layerctl("index", "mirror", "--stage", "prod")
    assert refused.code == 2
    assert "refused" in refused.out
    assert ssm.get_parameter(Name="/helpers/prod/versions/1.0.0")["Parameter"]["Value"] == "other"


def test_a_parameter_that_another_run_writes_first_is_compared(proxy, released, layerctl):
    """Losing the race for a parameter is fine when it holds the same, and refused when not."""
    ssm = released.aws.client("ssm")

    def faster(value):
        def fault(call):
            ssm.put_parameter(Name="/helpers/dev/versions/1.0.0", Value=value, Type="String", Overwrite=True)
            return call.forward()

        return fault

    for value, code in ((str(ARN), 0), ("other", 2)):
        proxy.add("PutParameter", faster(value), region="eu-central-1")
        assert layerctl("index", "mirror", "--region", "eu-central-1").code == code
        ssm.delete_parameter(Name="/helpers/dev/versions/1.0.0")


def test_a_mirror_of_many_releases_is_read_by_pages(aws, project, layerctl):
    """Twenty-five releases are read ten a request, and found the same."""
    releases = {
        f"1.{minor}.0": entry(
            regions={
                "eu-central-1": {
                    "arn": str(ARN.with_version(minor + 1)),
                    "code_sha256": "x=",
                    "size": 3,
                    "date": DATE,
                }
            }
        )
        for minor in range(25)
    }
    project.index.write_text(text(**releases))
    layerctl("index", "mirror", "--region", "eu-central-1")
    again = layerctl("index", "mirror", "--region", "eu-central-1", "--json").data
    assert {one["status"] for one in again["parameters"]} == {"same"}
    assert again["requests"] == {"ssm.GetParametersByPath": 3}


def test_no_drift_is_exit_0(released, layerctl):
    """Index, mirror and regions that agree are said to."""
    layerctl("index", "mirror")
    ran = layerctl("index", "check")
    assert ran.code == 0
    assert "nothing found" in ran.err


def rules(ran):
    """The rules and regions of findings."""
    return [one["rule"] for one in ran.data["findings"]]


@pytest.mark.parametrize("what", ["size", "code_sha256", "runtimes", "date", "content_digest", "architectures"])
def test_a_changed_entry_is_found(released, layerctl, what):
    """A size, CodeSha256, runtime, date or digest that is not the region's is named, with both values."""
    layerctl("index", "mirror")
    data = json.loads(released.index.read_text())
    release = data["releases"]["1.0.0"]
    if what in ("size", "code_sha256", "date"):
        wrong = {"size": 1, "code_sha256": "AAAA", "date": DATE}[what]
        release["regions"]["us-east-1"][what] = wrong
    else:
        wrong = {"runtimes": ["python3.99"], "content_digest": "sha256:" + "0" * 64, "architectures": ["arm64"]}[what]
        release[what] = wrong
    released.index.write_text(json.dumps(data))
    ran = layerctl("index", "check", "--json")
    assert ran.code == 1
    assert "index-content" in rules(ran)
    shown = wrong[0] if isinstance(wrong, list) else str(wrong)
    assert all(shown in one["message"] for one in ran.data["findings"] if one["rule"] == "index-content")


def test_each_drift_has_a_name(aws, released, layerctl):
    """A deleted version, an unlisted one, a missing, a changed and an unknown parameter are told apart."""
    layerctl("index", "mirror")
    aws.client("lambda").delete_layer_version(LayerName="helpers", VersionNumber=1)
    layerctl("publish", released.artifact("1.2.0", "x = 3\n"), "--region", "eu-west-1")
    ssm = aws.client("ssm", "us-east-1")
    ssm.delete_parameter(Name="/helpers/dev/versions/1.0.0")
    ssm.put_parameter(Name="/helpers/dev/versions/1.1.0", Value="other", Type="String", Overwrite=True)
    ssm.put_parameter(Name="/helpers/dev/versions/0.1.0", Value="old", Type="String")
    ran = layerctl("index", "check", "--json")
    assert ran.code == 1
    assert sorted(rules(ran)) == ["index-gone", "index-missing", "ssm-differs", "ssm-missing", "ssm-unknown"]
    assert {one["rule"] for one in layerctl("index", "check", "--no-mirror", "--json").data["findings"]} == {
        "index-gone",
        "index-missing",
    }
    assert json.loads(layerctl("index", "check", "--format", "sarif").out)["version"] == "2.1.0"


def test_deleted_versions_are_forgotten_when_told(aws, released, layerctl):
    """A version that is gone stays in the index, and is named, until --forget-deleted."""
    for region in REGIONS:
        aws.client("lambda", region).delete_layer_version(LayerName="helpers", VersionNumber=1)
    kept = layerctl("index", "write")
    assert kept.out.count("gone") == 3
    assert "1.0.0" in LayerIndex.load(released.index).releases
    assert layerctl("index", "write", "--forget-deleted").code == 0
    index = LayerIndex.load(released.index)
    assert (index.releases["1.0.0"].regions, len(index.releases["1.0.0"].deleted)) == ({}, 3)
    assert layerctl("index", "check", "--no-mirror").code == 0


def test_a_reused_release_is_drift(released, layerctl):
    """A version that calls itself by a release of other content is named."""
    layerctl("publish", released.artifact(content="x = 9\n"), "--region", "eu-west-1")
    ran = layerctl("index", "check", "--no-mirror", "--json")
    assert (ran.code, rules(ran)) == (1, ["release-reused"])
    assert layerctl("index", "write").code == 0, "the index knows which content is meant"


def test_yanking_marks_and_deletes_nothing(aws, released, layerctl):
    """A yanked release stays in the regions and in the index, with a reason and a date; publishing keeps the mark."""
    ran = layerctl("index", "yank", "1.0.0", "--reason", "leaks\nmemory")
    assert ran.code == 0
    release = LayerIndex.load(released.index).releases["1.0.0"]
    assert release.yanked is not None
    assert release.yanked.reason == "leaks memory"
    assert len(versions(aws)) == 2
    layerctl("publish", released.artifact("1.0.0", "x = '1.0.0'\n"), "--index", released.index)
    assert LayerIndex.load(released.index).releases["1.0.0"].yanked == release.yanked
    newest = LayerIndex.load(released.index).newest("eu-central-1")
    assert newest is not None
    assert newest.version == "1.1.0"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["yank", "9.0.0", "--reason", "x"], "no release '9.0.0'; it has: 1.0.0, 1.1.0"),
        (["yank", "1.0.0", "--reason", "  "], "--reason is empty"),
        (["yank", "1.0.0"], "Missing option '--reason'"),
        (["yank", "1.0.0", "--reason", "x", "--index", "none.json"], "none.json does not exist"),
        (["check", "--layer", "other"], "is the index of 'helpers', not of 'other'"),
        (["write", "--layer", "other"], "is the index of 'helpers', not of 'other'"),
    ],
)
def test_wrong_usage_is_one_line(released, layerctl, argv, said):
    """What is wrong is said, and the file stays as it was."""
    before = released.index.read_bytes()
    ran = layerctl("index", *argv)
    assert ran.code == 2
    assert said in ran.err
    assert released.index.read_bytes() == before
