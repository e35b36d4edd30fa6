"""What publishing does and says in one region, to the word: found, published, shared, verified, named the latest."""

from __future__ import annotations

import dataclasses
import threading
from types import SimpleNamespace

import pytest

from layerctl.core.errors import LayerctlError
from layerctl.releases import versions as versions_module
from layerctl.releases.policies.audience import PUBLIC, account, organization
from layerctl.releases.publish import region as region_module
from layerctl.releases.publish.once import Once
from layerctl.releases.publish.payload import Payload
from layerctl.releases.publish.region import RegionPublisher
from layerctl.releases.versions import StoredContent, get_version
from tests.layerctl.releases.conftest import arn, policy, versions

REGION = "eu-west-1"
ANN, ORG = account("222222222222"), organization("o-abcdefghij")


class Clients:
    """The local AWS's clients, and which were asked for."""

    def __init__(self, aws):
        self._aws = aws
        self.asked = []

    def client(self, service, region, *, retry=True):
        """Return a client that is made once for all tests."""
        self.asked.append((service, region, retry))
        return self._aws.client(service, region)

    def account(self, regions):
        """Return whose they are."""
        assert regions == [REGION]
        return self._aws.account


@pytest.fixture
def payload(project):
    """A zip for Python 3.13 on arm64."""
    read = Payload.read(project.artifact(), None, layer="helpers")
    return dataclasses.replace(read, runtimes=("python3.13",), architectures=("arm64",), licence="MIT")


@pytest.fixture
def made(aws, payload):
    """Publish, otherwise than usual where that is said, and return what it came to."""

    def run(*audiences, **options):
        what = dataclasses.replace(payload, **options.pop("payload", {}))
        publisher = RegionPublisher(Clients(aws), what, frozenset(audiences), **options)
        return publisher(REGION)

    return run


def put(aws, payload, description, content=None, **options):
    """Make a version as somebody else would, and return its number."""
    answer = aws.client("lambda", REGION).publish_layer_version(
        LayerName="helpers",
        Description=description,
        Content={"ZipFile": payload.path.read_bytes() if content is None else content},
        **{"CompatibleRuntimes": ["python3.13"], "CompatibleArchitectures": ["arm64"], **options},
    )
    return answer["Version"]


def told(outcome):
    """The status, the version's number, what should be known and what is wrong."""
    number = outcome.version.number if outcome.version else None
    return outcome.status, number, outcome.notes, outcome.problems


def latest(aws):
    """What the stage's parameter says."""
    client = aws.client("ssm", REGION)
    try:
        return client.get_parameter(Name="/helpers/prod/latest")["Parameter"]["Value"]
    except client.exceptions.ParameterNotFound:
        return None


def test_a_first_publication_and_the_next(aws, payload, made):
    """What was done is said, once; the version is as it is listed, with what Lambda stores; then nothing is left."""
    first = made(ANN, ORG, stage="prod")
    moved = "moved /helpers/prod/latest to version 1"
    granted = ("grant account 222222222222", "grant organization o-abcdefghij")
    assert told(first) == ("published", 1, (*granted, moved), ())
    assert (first.code_sha256, first.size) == (payload.code_sha256, payload.size)
    listed, _ = get_version(aws.client("lambda", REGION), arn(1, REGION))
    assert (first.version, listed.description) == (listed, payload.description)
    assert {one["Sid"] for one in policy(aws, 1, REGION)} == {ANN.statement_id, ORG.statement_id}
    assert latest(aws) == str(arn(1, REGION))
    assert told(made(ANN, ORG, stage="prod")) == ("present", 1, (), ())
    assert told(made(ANN)) == ("present", 1, ("organization o-abcdefghij may use it too",), ())
    assert told(made(PUBLIC)) == ("present", 1, ("grant public",), ())
    assert len(versions(aws, REGION)) == 1


def test_a_dry_run_says_what_would_be_done(aws, made):
    """Of a version that is not there, and of one that lacks something; nothing is done, and nothing is wrong."""
    empty = made(ANN, ORG, stage="prod", dry_run=True)
    would = ("would grant account 222222222222", "would grant organization o-abcdefghij")
    assert told(empty) == ("would publish", None, would, ())
    assert (empty.code_sha256, empty.size, versions(aws, REGION)) == ("", 0, [])
    made()
    there = made(ANN, stage="prod", dry_run=True)
    would = ("would grant account 222222222222", "would move /helpers/prod/latest to version 1")
    assert told(there) == ("present", 1, would, ())
    assert (policy(aws, 1, REGION), latest(aws)) == ([], None)


def test_what_is_odd_about_names_and_contents_is_said(aws, payload, made):
    """Other content of the same name; the same content of another name, of none, and several times."""
    put(aws, payload, f"1.0.0 sha256:{'0' * 64}", b"other")
    put(aws, payload, f"1.0.0 sha256:{'1' * 64}", b"another")
    put(aws, payload, f"2.0.0 sha256:{'2' * 64}", b"a third")
    other = "1.0.0 is also the name of other content (version 2, 1)"
    assert told(made()) == ("published", 4, (other,), ())
    put(aws, payload, f"0.9.0 {payload.content_digest}")
    assert told(made(payload={"release": "1.0.1"})) == (
        *("present", 4),
        ("version 5 has the same content", "published as 1.0.0"),
        (),
    )
    assert told(made()) == ("present", 4, ("version 5 has the same content",), ())


def test_all_that_is_known_is_said_in_the_order_of_the_steps(aws, payload, made, monkeypatch):
    """What is there, what was done to it, who may use it too, what it is called; a dry run says what would be done."""
    for _ in range(2):
        put(aws, payload, payload.description)
    aws.client("lambda", REGION).add_layer_version_permission(
        LayerName="helpers", VersionNumber=1, StatementId="x", Action="lambda:GetLayerVersion", Principal="333333333333"
    )
    there = ("version 2 has the same content", "published as 1.0.0")
    steps = (
        "grant account 222222222222",
        "account 333333333333 may use it too",
        "moved /helpers/prod/latest to version 1",
    )
    would = ("would grant account 222222222222", steps[1], "would move /helpers/prod/latest to version 1")
    again = {"payload": {"release": "1.0.1"}, "stage": "prod"}
    assert told(made(ANN, **again, dry_run=True)) == ("present", 1, (*there, *would), ())
    assert told(made(ANN, **again)) == ("present", 1, (*there, *steps), ())
    other = "1.0.0 is also the name of other content (version 3)"
    put(aws, payload, f"1.0.0 sha256:{'0' * 64}", b"other")
    for number in (1, 2):
        aws.client("lambda", REGION).delete_layer_version(LayerName="helpers", VersionNumber=number)
    assert told(made(ANN, stage="prod", dry_run=True)) == (*("would publish", None), (other, would[0]), ())
    real = region_module.publish_once
    duplicate = ("version 9 is a duplicate",)
    monkeypatch.setattr(
        region_module, "publish_once", lambda *given: dataclasses.replace(real(*given), notes=duplicate)
    )
    last = "moved /helpers/prod/latest to version 4"
    assert told(made(ANN, stage="prod")) == ("published", 4, (other, *duplicate, steps[0], last), ())


@pytest.mark.parametrize(("release", "moves"), [("2.0.0", False), ("0.9.0", True), ("", False)])
def test_a_newer_release_stays_the_latest(aws, payload, made, release, moves):
    """By the releases of both; where the other has none, by the number, as it was made later."""
    made()
    number = put(aws, payload, f"{release} sha256:{'0' * 64}".strip(), b"other")
    ssm = aws.client("ssm", REGION)
    ssm.put_parameter(Name="/helpers/prod/latest", Value=str(arn(number, REGION)), Type="String")
    stays = f"/helpers/prod/latest stays at version 2{f' ({release})' if release else ''}"
    expected = "moved /helpers/prod/latest to version 1" if moves else stays
    assert told(made(stage="prod")) == ("present", 1, (expected,), ())
    assert latest(aws) == str(arn(1 if moves else 2, REGION))


def test_what_another_tool_made_is_known_by_its_content(aws, payload, made):
    """And that is said; a description with the digest and no release says nothing more."""
    put(aws, payload, "a stack's")
    assert told(made()) == ("present", 1, ("made by another tool; known by its content",), ())
    put(aws, payload, payload.content_digest)
    assert told(made()) == ("present", 2, (), ())


def test_our_own_zip_is_not_downloaded(aws, payload, made, monkeypatch):
    """What is in it is known, where Lambda stores it byte for byte."""
    monkeypatch.setattr(versions_module, "_download_digest", lambda stored: pytest.fail("downloaded"))
    assert made().status == "published"
    assert made().status == "present"
    aws.client("lambda", REGION).delete_layer_version(LayerName="helpers", VersionNumber=1)
    put(aws, payload, "a stack's")
    assert made().status == "present"


def test_what_is_wrong_with_a_version_is_said(aws, payload, made):
    """Its content, its size, its runtimes and architectures; it is shared, but not called the latest."""
    described = {"CompatibleRuntimes": ["python3.12", "python3.13"], "CompatibleArchitectures": []}
    put(aws, payload, payload.description, b"no zip", **described)
    with pytest.raises(LayerctlError):
        made()
    aws.client("lambda", REGION).delete_layer_version(LayerName="helpers", VersionNumber=1)
    put(aws, payload, payload.description, **described)
    wrong = made(ANN, stage="prod", payload={"size": 7, "architectures": ("arm64", "x86_64")})
    assert told(wrong) == (
        *("present", 2),
        ("grant account 222222222222",),
        (
            f"its size is {payload.size}, not 7",
            "its runtimes are python3.12, python3.13, not python3.13",
            "its architectures are not given, not arm64, x86_64",
        ),
    )
    assert latest(aws) is None
    assert made(payload={"runtimes": ("python3.13", "python3.12"), "architectures": ()}).problems == ()


def test_content_that_is_not_as_described_is_one_problem(aws, payload, made, project):
    """Its size is another one then, which says nothing."""
    liar = project.artifact("9.9.9", "evil = True\n").read_bytes()
    put(aws, payload, payload.description, liar)
    digest = Payload.read(project.root / "helpers-9.9.9.zip", None).content_digest
    (problem,) = made().problems
    assert problem == f"its description names {payload.content_digest}, but its content is {digest}"


def test_another_zip_of_the_same_content_may_have_another_size(aws, payload, made):
    """Only of our own zip the size is held against what Lambda stores."""
    put(aws, payload, payload.description)
    assert made(payload={"size": 7, "code_sha256": "another"}).problems == ()


def test_a_grant_that_is_not_there_afterwards_is_a_problem(aws, made, monkeypatch):
    """What AWS says afterwards counts, and not that it took the request."""
    monkeypatch.setattr(region_module, "apply", lambda client, changes: None)
    lacking = ("it is not shared with account 222222222222", "it is not shared with organization o-abcdefghij")
    outcome = made(ANN, ORG, stage="prod")
    assert outcome.problems == lacking
    assert latest(aws) is None


def test_who_was_slower_takes_the_others_version(aws, payload, made, monkeypatch):
    """With the grants that it has: one is not granted again."""
    put(aws, payload, payload.description)
    made(ANN)
    slower = Once(arn(1, REGION), published=False, notes=("slower",))
    monkeypatch.setattr(region_module, "list_versions", lambda client, layer: ())  # it was not there yet
    monkeypatch.setattr(region_module, "publish_once", lambda *given: slower)
    assert told(made(ANN)) == ("present", 1, ("slower",), ())


def test_a_version_that_was_made_is_not_asked_for_grants(aws, made, monkeypatch):
    """It has none: without an audience its policy is never read."""
    monkeypatch.setattr(region_module, "read_grants", lambda *given: pytest.fail("read"))
    assert made().status == "published"


def test_a_large_zip_needs_a_bucket(aws, payload):
    """Else it is refused before anything is asked."""
    large = dataclasses.replace(payload, size=60_000_000)
    with pytest.raises(LayerctlError) as caught:
        RegionPublisher(Clients(aws), large, frozenset())
    assert (caught.value.what, caught.value.hint) == (
        f"{payload.path} has 60,000,000 bytes, more than Lambda takes directly (50 MB)",
        "name a bucket in each region with --s3-bucket 'artifacts-{region}'",
    )


def test_how_a_zip_is_sent(aws, payload, monkeypatch):
    """Itself, or, where it is large, by a bucket of the region and the caller; by a client that sends it once."""
    sent = []
    monkeypatch.setattr(region_module, "publish_once", lambda *given: sent.append(given))
    buckets = []
    monkeypatch.setattr(region_module, "put_zip", lambda *given, owner: buckets.append((*given, owner)) or "key")
    own, aws_lambda = SimpleNamespace(), aws.client("lambda", REGION)
    clients = Clients(aws)
    small = RegionPublisher(clients, payload, frozenset(), bucket="unused")
    small._publish(own, REGION)
    assert sent == [(own, aws_lambda, payload, {"ZipFile": payload.path.read_bytes()})]
    assert (clients.asked, buckets) == ([("lambda", REGION, False)], [])
    large = dataclasses.replace(payload, size=60_000_000)
    for options, prefix in (({}, "layers"), ({"prefix": "mine"}, "mine")):
        clients = Clients(aws)
        publisher = RegionPublisher(clients, large, frozenset(), bucket="our-{region}-{region}", **options)
        publisher._publish(own, REGION)
        bucket = f"our-{REGION}-{REGION}"
        assert sent[-1] == (own, aws_lambda, large, {"S3Bucket": bucket, "S3Key": "key"})
        assert buckets[-1] == (aws.client("s3", REGION), large, bucket, prefix, aws.account)
        assert clients.asked == [("lambda", REGION, False), ("s3", REGION, True)]


@pytest.mark.parametrize(
    ("size", "together"), [(2**20, 64), (2**26, 1), (2**27, 1), (2**25, 2), (2**25 + 1, 1), (1, 2**26), (0, 2**26)]
)
def test_zips_in_memory_have_a_bound(aws, payload, size, together):
    """Four copies of each that is sent directly stay within 256 MB together; one is sent in any case."""
    publisher = RegionPublisher(Clients(aws), dataclasses.replace(payload, size=size), frozenset(), bucket="b")
    assert publisher._memory._value == together
    assert isinstance(publisher._memory, threading.BoundedSemaphore)


def test_a_zip_counts_while_it_is_sent(aws, payload, monkeypatch):
    """And no longer."""
    publisher = RegionPublisher(Clients(aws), payload, frozenset())
    before = publisher._memory._value
    during = []
    monkeypatch.setattr(region_module, "publish_once", lambda *given: during.append(publisher._memory._value))
    publisher._publish(SimpleNamespace(), REGION)
    assert (during, publisher._memory._value) == ([before - 1], before)


def test_a_stored_zip_does_not_show_where_it_lies():
    """Its address lets anyone in."""
    assert repr(StoredContent("sha", 3, "https://x/?X-Amz-Signature=y")) == "StoredContent(sha, 3 bytes)"
