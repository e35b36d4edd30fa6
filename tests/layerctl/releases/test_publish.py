"""`layerctl publish`: many regions, once each, verified."""

from __future__ import annotations

import json
import random
import zipfile

import pytest

from tests.layerctl.releases.conftest import REGIONS, policy, versions, write_zip
from tests.support.fault_proxy import answer


def test_every_region_gets_the_content_once(aws, project, layerctl):
    """Each region has one version with digest, licence, runtimes and architectures, and the table names its ARN."""
    ran = layerctl("publish", project.artifact())
    assert ran.code == 0, ran.err
    for region in REGIONS:
        (version,) = versions(aws, region)
        assert version["Description"].startswith("1.0.0 sha256:")
        assert version["LicenseInfo"] == "MIT"
        assert set(version["CompatibleRuntimes"]) == {"python3.12", "python3.13"}
        assert set(version["CompatibleArchitectures"]) == {"x86_64", "arm64"}
        assert version["LayerVersionArn"] in ran.out


def test_the_second_run_skips_and_sends_three_requests_a_region(aws, project, layerctl):
    """Present content is said to be present; a region costs one list, one policy and one description."""
    artifact = project.artifact()
    first = layerctl("publish", artifact, "--json").data
    assert first["requests"] == {
        "lambda.ListLayerVersions": 6,  # before, and after: another publisher may have been at it
        "lambda.PublishLayerVersion": 3,
        "lambda.GetLayerVersion": 3,
        "ssm.GetParameter": 3,
        "ssm.PutParameter": 3,
    }
    second = layerctl("publish", artifact, "--json").data
    assert {one["status"] for one in second["regions"].values()} == {"present"}
    assert second["requests"] == {
        "lambda.ListLayerVersions": 3,
        "lambda.GetLayerVersionPolicy": 3,
        "lambda.GetLayerVersion": 3,
        "ssm.GetParameter": 3,
    }
    assert [len(versions(aws, region)) for region in REGIONS] == [1, 1, 1]


def test_the_requests_are_told_to_people_too(aws, project, layerctl):
    """The last line on standard error counts the requests by operation."""
    assert layerctl("publish", project.artifact()).err.splitlines()[-1] == (
        "18 requests to AWS: 3 lambda.GetLayerVersion, 6 lambda.ListLayerVersions, 3 lambda.PublishLayerVersion,"
        " 3 ssm.GetParameter, 3 ssm.PutParameter"
    )


def test_a_dry_run_changes_nothing(aws, project, layerctl):
    """The plan names what would be published and granted; AWS and the index stay as they are."""
    project.configure(accounts=("222222222222",))
    ran = layerctl("publish", project.artifact(), "--dry-run", "--index", project.index)
    assert ran.code == 0
    assert ran.out.count("would publish") == 3
    assert ran.out.count("would grant account 222222222222") == 3
    assert versions(aws) == []
    assert not project.index.exists()


def test_content_is_recognised_in_a_zip_made_by_another_tool(aws, project, layerctl):
    """A version that a stack made of the same files, in another order and compressed, is not published again."""
    artifact = project.artifact()
    other = project.root / "sam.zip"
    with zipfile.ZipFile(artifact) as archive:
        files = {name: archive.read(name).decode() for name in reversed(archive.namelist())}
    write_zip(other, files, compression=zipfile.ZIP_DEFLATED)
    client = aws.client("lambda")
    for content in (b"no zip at all", other.read_bytes()):
        client.publish_layer_version(
            LayerName="helpers",
            Content={"ZipFile": content},
            Description="from a stack",
            CompatibleRuntimes=["python3.12", "python3.13"],
            CompatibleArchitectures=["x86_64", "arm64"],
        )
    ran = layerctl("publish", artifact, "--region", "eu-central-1", "--json")
    assert ran.code == 0, ran.out
    assert ran.data["regions"]["eu-central-1"]["version"] == 2
    assert ran.data["regions"]["eu-central-1"]["status"] == "present"
    assert len(versions(aws)) == 2


def test_present_content_is_found_on_a_later_page(aws, project, layerctl):
    """With more versions than a page holds, the one that has the content is still found."""
    project.configure(regions=("eu-central-1",))
    artifact = project.artifact()
    layerctl("publish", artifact)
    client = aws.client("lambda")
    for number in range(55):
        description = f"2.{number}.0 sha256:{number:064x}"
        client.publish_layer_version(LayerName="helpers", Content={"ZipFile": b"x"}, Description=description)
    ran = layerctl("publish", artifact, "--json").data
    assert ran["regions"]["eu-central-1"]["version"] == 1
    assert ran["requests"]["lambda.ListLayerVersions"] == 2


def test_the_same_content_under_another_release_is_present_and_said(aws, project, layerctl):
    """A new version number alone is no new content: the layer version stays, the index has both names."""
    layerctl("publish", project.artifact("1.0.0"), "--index", project.index)
    ran = layerctl("publish", project.artifact("1.0.1"), "--index", project.index)
    assert ran.code == 0
    assert ran.out.count("published as 1.0.0") == 3
    assert len(versions(aws)) == 1
    releases = json.loads(project.index.read_text())["releases"]
    assert releases["1.0.0"]["regions"] == releases["1.0.1"]["regions"]
    assert layerctl("index", "check", "--no-mirror").code == 0


def test_publishing_what_was_yanked_warns(aws, project, layerctl):
    """A yanked release may be completed in a region, but not unnoticed."""
    layerctl("publish", project.artifact(), "--index", project.index)
    layerctl("index", "yank", "1.0.0", "--reason", "leaks memory")
    ran = layerctl("publish", project.artifact(), "--index", project.index)
    assert ran.code == 0
    assert "warning: 1.0.0 was yanked: leaks memory" in ran.err


def test_a_description_that_lies_is_found_out(aws, project, layerctl):
    """A version that names our digest and holds something else makes exit code 1, not a silent skip."""
    artifact = project.artifact()
    digest = layerctl("publish", artifact, "--region", "us-east-1", "--json").data["content_digest"]
    liar = project.artifact("9.9.9", content="evil = True\n")
    aws.client("lambda").publish_layer_version(
        LayerName="helpers", Content={"ZipFile": liar.read_bytes()}, Description=f"1.0.0 {digest}"
    )
    ran = layerctl("publish", artifact, "--region", "eu-central-1", "--index", project.index)
    assert ran.code == 1
    assert "but its content is sha256:" in ran.out
    assert "its runtimes are not given, not python3.12, python3.13" in ran.out
    assert not project.index.exists(), "what is wrong is not indexed"


def test_permissions_are_those_of_layer_toml_and_repaired(aws, project, layerctl):
    """A new version is shared as configured; a grant that was lost comes back without a new version."""
    project.configure(accounts=("222222222222",), organizations=("o-abcdefghij",))
    artifact = project.artifact()
    assert layerctl("publish", artifact).code == 0
    assert {one["Sid"] for one in policy(aws, 1)} == {
        "layerctl-account-222222222222",
        "layerctl-organization-o-abcdefghij",
    }
    aws.client("lambda").remove_layer_version_permission(
        LayerName="helpers", VersionNumber=1, StatementId="layerctl-account-222222222222"
    )
    ran = layerctl("publish", artifact)
    assert ran.code == 0
    assert "grant account 222222222222" in ran.out
    assert len(policy(aws, 1)) == 2
    assert len(versions(aws)) == 1


AUDIENCES = {
    "nobody": {},
    "an account": {"accounts": ("222222222222",)},
    "an organisation": {"organizations": ("o-abcdefghij",)},
    "accounts and organisations": {"accounts": ("222222222222", "333333333333"), "organizations": ("o-abcdefghij",)},
    "the public": {"public": True},
    "the public and an account": {"public": True, "accounts": ("222222222222",)},
    "the owner": {"accounts": ("123456789012",)},
}


@pytest.mark.parametrize("earlier", AUDIENCES)
@pytest.mark.parametrize("now", AUDIENCES)
def test_whoever_it_is_shared_with_publishing_again_changes_nothing(aws, project, layerctl, now, earlier):
    """Every audience is granted once, verified and indexed; so it is where the version was shared otherwise before."""
    project.configure(regions=("eu-central-1",), **AUDIENCES[earlier])
    assert layerctl("publish", project.artifact("0.9.0", "x = 0\n")).code == 0
    assert layerctl("publish", project.artifact()).code == 0
    before = policy(aws, 1)
    project.configure(regions=("eu-central-1",), **AUDIENCES[now])
    for _ in range(2):
        ran = layerctl("publish", project.artifact(), "--index", project.index, "--json")
        assert ran.code == 0, ran.out
        assert ran.data["regions"]["eu-central-1"]["problems"] == []
    notes = ran.data["regions"]["eu-central-1"]["notes"]
    assert not any(note.startswith("grant") for note in notes)
    assert set(json.loads(project.index.read_text())["releases"]) == {"1.0.0"}
    assert policy(aws, 1) == before, "the earlier release keeps its grants"
    wide = layerctl("permissions", "--json").data["findings"]
    said = {one["message"].split(" may use")[0] for one in wide if one["path"].endswith(":2") and "wide" in one["rule"]}
    assert {note.removesuffix(" may use it too") for note in notes} == said, "what is wider than layer.toml is said"


def test_a_release_that_the_index_has_with_other_content_is_refused_before_anything_is_done(aws, project, layerctl):
    """Released means unchangeable: the same version with other content is published nowhere."""
    assert layerctl("publish", project.artifact(), "--index", project.index).code == 0
    before = project.index.read_bytes()
    ran = layerctl("publish", project.artifact(content="x = 2\n"), "--index", project.index)
    assert ran.code == 2
    assert "raise the version" in ran.err
    assert [len(versions(aws, region)) for region in REGIONS] == [1, 1, 1]
    assert project.index.read_bytes() == before


def test_without_an_index_a_reused_release_is_noted(aws, project, layerctl):
    """While developing, the same version with other content makes a new layer version, and the table says so."""
    layerctl("publish", project.artifact())
    ran = layerctl("publish", project.artifact(content="x = 2\n"))
    assert ran.code == 0
    assert ran.out.count("1.0.0 is also the name of other content (version 1)") == 3


def test_a_large_zip_goes_through_a_bucket_in_each_region(aws, project, layerctl):
    """A zip of more than 50 MB is refused without a bucket, and published through one, uploaded once."""
    project.configure(regions=("eu-central-1",))
    artifact = project.root / "helpers-2.0.0.zip"
    write_zip(artifact, {"python/data.py": ""})
    with zipfile.ZipFile(artifact, "a") as archive:
        archive.writestr("python/blob.bin", random.Random(7).randbytes(52_500_000))
    refused = layerctl("publish", artifact)
    assert refused.code == 2
    assert "--s3-bucket" in refused.err
    missing = layerctl("publish", artifact, "--s3-bucket", "artifacts-{region}")
    assert missing.code == 2
    assert "artifacts-eu-central-1 does not exist" in missing.err
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="artifacts-eu-central-1", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    ran = layerctl("publish", artifact, "--s3-bucket", "artifacts-{region}", "--json")
    assert ran.code == 0, ran.out
    assert ran.data["requests"]["s3.PutObject"] == 1
    assert ran.data["regions"]["eu-central-1"]["size"] == artifact.stat().st_size
    (stored,) = s3.list_objects_v2(Bucket="artifacts-eu-central-1")["Contents"]
    assert stored["Key"].startswith("layers/helpers/")


@pytest.mark.parametrize("name", ["missing-1.0.0.zip", "text-1.0.0.zip", "folder", "helpers.zip"])
def test_a_bad_artifact_is_one_line(aws, project, layerctl, name):
    """A missing file, something that is no zip, a folder, and a zip without a version are told apart, in one line."""
    (project.root / "text-1.0.0.zip").write_text("not a zip")
    (project.root / "folder").mkdir()
    project.artifact().rename(project.root / "helpers.zip")
    ran = layerctl("publish", name)
    assert ran.code == 2
    assert ran.err.startswith("error: ")
    assert len(ran.err.splitlines()) == 1
    assert versions(aws) == []


@pytest.mark.parametrize("release", ["1.0-final", "latest", "1.0.0 ", "v", "1..0", "1.0+a b"])
def test_a_release_that_is_no_version_is_refused_before_anything_happens(aws, project, layerctl, release):
    """What PEP 440 does not know could never be put in order: nothing is published."""
    ran = layerctl("publish", project.artifact(), "--release", release, "--index", project.index)
    assert ran.code == 2
    assert "PEP 440" in ran.err or "can't be indexed" in ran.err
    assert versions(aws) == []


def test_an_artifact_that_is_not_what_its_manifest_says_is_refused(aws, project, layerctl):
    """A zip that was exchanged after the build is not published."""
    artifact = project.artifact()
    artifact.with_name("helpers-1.0.0.manifest.json").write_text(
        json.dumps({"version": "1.0.0", "content_digest": "sha256:" + "0" * 64})
    )
    ran = layerctl("publish", artifact)
    assert ran.code == 2
    assert "not what its manifest says" in ran.err
    assert versions(aws) == []


def test_no_credentials_is_one_line_per_region(aws, project, layerctl, monkeypatch):
    """Without credentials every region says how to log in; there is no traceback."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    ran = layerctl("publish", project.artifact())
    assert ran.code == 2
    assert ran.err.count("aws configure") == 3
    assert "Traceback" not in ran.err


def test_the_profile_of_the_user_is_used(aws, project, layerctl, monkeypatch, tmp_path):
    """Credentials come from botocore's own chain: here a profile in a shared credentials file."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    (tmp_path / "credentials").write_text("[release]\naws_access_key_id = key\naws_secret_access_key = CANARY\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    wrong = layerctl("publish", project.artifact())
    assert wrong.code == 2
    assert "nobody" in wrong.err
    monkeypatch.setenv("AWS_PROFILE", "release")
    assert layerctl("publish", project.artifact()).code == 0


def test_no_credential_is_printed(proxy, aws, project, layerctl, monkeypatch):
    """Neither the session token that AWS quotes in a signature error, nor a pre-signed address, reaches the output."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIACANARYCANARY1234")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-CANARY")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token-CANARY")
    quoted = (
        "The request signature we calculated does not match. The Canonical String should have been 'POST /\n"
        "x-amz-security-token:token-CANARY' with key ASIACANARYCANARY1234"
    )
    proxy.add("ListLayerVersions", answer(403, "InvalidSignatureException", quoted), region="eu-west-1")
    odd = f"odd: https://x/?X-Amz-Security-Token=token-CANARY&X-Amz-Credential=ASIACANARYCANARY1234/x {quoted}"
    proxy.add("ListLayerVersions", answer(400, "InvalidParameterValueException", odd), region="us-east-1")
    for options in ([], ["--json"]):
        ran = layerctl("publish", project.artifact(), *options)
        assert "CANARY" not in ran.out + ran.err
