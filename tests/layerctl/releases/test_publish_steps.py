"""What publishing sends and says, step by step: once, present, the bucket, latest; each to the word."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from layerctl.artifact import ArtifactError
from layerctl.core.errors import LayerctlError
from layerctl.releases.publish import once as once_module
from layerctl.releases.publish.latest import held_by, is_newer, latest_name, move_latest
from layerctl.releases.publish.once import Once, publish_once, same_content
from layerctl.releases.publish.payload import Payload
from layerctl.releases.publish.present import present_version
from layerctl.releases.publish.s3 import put_zip
from layerctl.releases.versions import LayerVersion
from tests.layerctl.releases.conftest import OURS, THEIRS, ListedVersions, arn

SHA = base64.b64encode(bytes(range(32))).decode()


def refused(code, status=400, operation="PublishLayerVersion"):
    """An error as AWS answers it."""
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, operation)


THROTTLED, BROKEN = refused("TooManyRequestsException", 429), refused("ServiceException", 500)
CUT = ReadTimeoutError(endpoint_url="x")


def payload(path=None, **other):
    """What is published."""
    facts = {"layer": "helpers", "release": "1.0.0", "content_digest": OURS, "code_sha256": SHA, "size": 3}
    about = {"runtimes": ("python3.13",), "architectures": ("arm64", "x86_64"), "licence": "MIT"}
    return Payload(path=path, **(facts | about | other))


def published(listed, *outcomes):
    """Publish; return what it came to, the steps in their order (pauses among them), and the bounds of pauses.

    An outcome is an error, or the number of the version that is made.
    """
    client, left, bounds = ListedVersions(listed), list(outcomes), []
    content = {"ZipFile": b"zip"}

    def publish(**options):
        client.asked.append(("publish", options))
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return {"LayerVersionArn": str(arn(outcome))}

    single = SimpleNamespace(publish_layer_version=publish)  # the other client, which repeats requests, cannot publish
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(once_module.random, "uniform", lambda low, high: bounds.append((low, high)) or high)
        try:
            came = publish_once(
                client, single, payload(), content, sleep=lambda seconds: client.asked.append(("wait", seconds))
            )
        except Exception as error:
            came = error
    for asked in client.asked:
        assert asked[0] != "list" or asked[1] == "helpers"
        assert asked[0] != "publish" or asked[1] == {
            "LayerName": "helpers",
            "Description": f"1.0.0 {OURS}",
            "Content": content,
            "CompatibleRuntimes": ["python3.13"],
            "CompatibleArchitectures": ["arm64", "x86_64"],
            "LicenseInfo": "MIT",
        }
    return came, [asked[0] for asked in client.asked], bounds


def test_a_publication_is_sent_once():
    """With all that is known of it; then the list is read, for another publisher may have been faster."""
    assert published({1: f"1.0.0 {OURS}"}, 1) == (Once(arn(1), published=True), ["publish", "list"], [])
    assert published({}, 1) == (Once(arn(1), published=True), ["publish", "list"], [])


def test_what_was_throttled_is_sent_again_with_longer_pauses():
    """Six times at most; the pause is anything up to a bound that doubles. Nothing is looked up: nothing was done."""
    pauses = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16)]
    came, steps, bounds = published({}, *[THROTTLED] * 5, 1)
    assert came == Once(arn(1), published=True)
    assert (steps, bounds) == ([*["publish", "wait"] * 5, "publish", "list"], pauses)
    came, steps, bounds = published({}, *[THROTTLED] * 6)
    assert came is THROTTLED
    assert (steps, bounds) == ([*["publish", "wait"] * 5, "publish"], pauses)


@pytest.mark.parametrize("error", [BROKEN, CUT])
def test_what_may_have_been_done_is_looked_up_before_it_is_sent_again(error):
    """After a pause: found, it is taken and counts as ours; not found, it is sent again."""
    found = {2: f"1.0.0 {OURS}", 1: f"1.0.0 {THEIRS}"}
    assert published(found, error) == (
        Once(arn(2), published=True),
        ["publish", "wait", "list", "list"],
        [(0, 1)],
    )
    came, steps, _ = published({1: f"1.0.0 {THEIRS}"}, error, 2)
    assert came == Once(arn(2), published=True)
    assert steps == ["publish", "wait", "list", "publish", "list"]
    assert published({}, *[error] * 6)[0] is error


@pytest.mark.parametrize("error", [refused("AccessDeniedException", 403), EndpointConnectionError(endpoint_url="x")])
def test_what_would_fail_again_is_not_sent_again(error):
    """A refusal, and an endpoint that is not there."""
    came, steps, _ = published({1: f"1.0.0 {OURS}"}, error)
    assert came is error
    assert steps == ["publish"]


def test_publishers_agree_on_the_lowest_number():
    """Who made it says nothing; who did not says so; either names the rest."""
    both = dict.fromkeys((3, 12, 2), f"1.0.0 {OURS}")
    rest = tuple(f"version {number} is a duplicate, which nobody needs" for number in (3, 12))
    assert published(both, 2)[0] == Once(arn(2), published=True, notes=rest)
    faster = ("another publisher was faster", *rest)
    assert published(both, 12)[0] == Once(arn(2), published=False, notes=faster)
    assert published(both, BROKEN)[0] == Once(arn(2), published=True, notes=rest)


def test_who_has_the_content_is_known_by_the_description():
    """The lowest number first, whatever the order of the list."""
    listed = {10: f"2 {OURS}", 1: f"1 {THEIRS}", 3: "other", 9: f"{OURS}"}
    assert [version.number for version in same_content(ListedVersions(listed), payload())] == [9, 10]


def version(number, text=""):
    """A version as it is listed."""
    return LayerVersion(arn(number), datetime(2026, 11, 26, tzinfo=UTC), text)


def present(listed, digests):
    """Return the number of the version that has our content, and which were downloaded; the fifth was deleted."""
    client = ListedVersions({version.number: version.description for version in listed if version.number != 5})
    downloaded = []

    def digest(stored):
        downloaded.append(stored.code_sha256)
        found = digests[stored.code_sha256]
        if found is None:
            raise ArtifactError("no zip")
        return found

    found = present_version(client, iter(listed), OURS, SimpleNamespace(digest=digest))
    assert all(name == "helpers" for _, name, _ in client.asked)
    return found and found.number, downloaded


def test_content_is_found_by_its_description_or_else_by_what_is_in_it():
    """Of several that are described the lowest; others are downloaded, the newest first, until one has it."""
    described = [version(9, "a stack's"), version(7, f"1 {OURS}"), version(2, f"1 {OURS}"), version(3, f"1 {OURS}")]
    assert present(described, {}) == (2, [])
    others = [version(9, f"1 {THEIRS}"), version(8), version(6, "a stack's"), version(5), version(4), version(3)]
    digests = {"sha 8": THEIRS, "sha 6": None, "sha 4": OURS, "sha 3": OURS}
    assert present(others, digests) == (4, ["sha 8", "sha 6", "sha 4"])
    assert present(others[:4], digests) == (None, ["sha 8", "sha 6"])
    assert present([], {}) == (None, [])


class Bucket:
    """S3 with one object's length, or an error; notes what is put."""

    class exceptions:
        """What may be raised."""

        ClientError = ClientError

        class NoSuchBucket(ClientError):
            """There is no such bucket."""

    def __init__(self, head, error=None):
        self.head, self.error = head, error
        self.asked, self.put = [], []

    def head_object(self, **options):
        """Answer, or fail."""
        self.asked.append(options)
        if isinstance(self.head, str):
            raise refused(self.head, 404, "HeadObject")
        return {"ContentLength": self.head}

    def put_object(self, *, Body, **options):
        """Note it, or fail."""
        if self.error:
            raise self.error
        self.put.append(options | {"Body": Body.read()})


@pytest.mark.parametrize(("head", "puts"), [(3, False), (2, True), (4, True), ("404", True), ("403", True)])
def test_a_zip_is_put_unless_it_is_there(tmp_path, head, puts):
    """Known by its key, which names the content, and its size; a missing object may look like a forbidden one."""
    (tmp_path / "layer.zip").write_bytes(b"zip")
    client = Bucket(head)
    key = put_zip(client, payload(tmp_path / "layer.zip"), "ours", "layers", owner="123456789012")
    assert key == f"layers/helpers/{bytes(range(32)).hex()}.zip"
    place = {"Bucket": "ours", "Key": key, "ExpectedBucketOwner": "123456789012"}
    assert client.asked == [place]
    content = {"Body": b"zip", "ContentType": "application/zip", "ChecksumSHA256": SHA}
    assert client.put == ([place | content] if puts else [])


@pytest.mark.parametrize(
    ("prefix", "key"),
    [("", "helpers/"), ("/", "helpers/"), ("a/b", "a/b/helpers/"), ("/a/b/", "a/b/helpers/"), ("X/", "X/helpers/")],
)
def test_a_prefix_has_no_slash_too_many(tmp_path, prefix, key):
    """At either end; without one there is none."""
    assert put_zip(Bucket(3), payload(tmp_path), "ours", prefix, owner="1").startswith(key)


def test_a_bucket_that_is_not_there_is_named(tmp_path):
    """With what to do; any other error is told as it is."""
    (tmp_path / "layer.zip").write_bytes(b"zip")
    missing = Bucket("404", Bucket.exceptions.NoSuchBucket({"Error": {"Code": "NoSuchBucket"}}, "PutObject"))
    with pytest.raises(LayerctlError) as caught:
        put_zip(missing, payload(tmp_path / "layer.zip"), "ours", "layers", owner="1")
    assert (caught.value.what, caught.value.hint) == (
        "the bucket ours does not exist",
        "create it in the layer's region",
    )
    for client in (Bucket("SlowDown"), Bucket("404", refused("SlowDown"))):
        with pytest.raises(ClientError, match="SlowDown"):
            put_zip(client, payload(tmp_path / "layer.zip"), "ours", "layers", owner="1")
        assert client.put == []


class Parameters:
    """SSM with one parameter, or none."""

    class exceptions:
        """What may be raised."""

        class ParameterNotFound(Exception):
            """There is none."""

    def __init__(self, value=None):
        self.value = value
        self.put = []

    def get_parameter(self, Name):
        """Answer, or say that there is none."""
        assert Name == "/helpers/prod/latest"
        if self.value is None:
            raise self.exceptions.ParameterNotFound
        return {"Parameter": {"Value": self.value}}

    def put_parameter(self, **options):
        """Note it."""
        self.put.append(options)


def test_a_parameter_is_named_by_layer_and_stage():
    """What it names is read; nothing where there is none."""
    name = latest_name("helpers", "prod")
    assert name == "/helpers/prod/latest"
    assert (held_by(Parameters(), name), held_by(Parameters("x"), name)) == ("", "x")


NAME = "/helpers/prod/latest"


@pytest.mark.parametrize(
    ("held", "release", "said", "moves"),
    [
        (None, "1.1.0", f"moved {NAME} to version 3", True),
        (3, "1.1.0", "", False),
        (1, "1.1.0", f"moved {NAME} to version 3", True),
        (2, "1.1.0", f"{NAME} stays at version 2 (1.2.0)", False),
        (4, "1.1.0", f"{NAME} stays at version 4", False),
        (9, "1.1.0", f"moved {NAME} to version 3", True),
    ],
    ids=["none", "mine", "older", "newer", "a later one of a stack", "gone"],
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_latest_moves_unless_what_it_names_is_newer(held, release, said, moves, dry_run):
    """And says so; a dry run says what would be done."""
    listed = [version(1, f"1.0.0 {THEIRS}"), version(2, f"1.2.0 {THEIRS}"), version(4)]
    client = Parameters(held and str(arn(held)))
    told = move_latest(client, NAME, version(3), release, iter(listed), dry_run=dry_run)
    assert told == (said.replace("moved", "would move") if dry_run else said)
    value = str(arn(3))
    wanted = {"Name": NAME, "Value": value, "Type": "String", "Overwrite": True}
    assert client.put == ([wanted] if moves and not dry_run else [])


@pytest.mark.parametrize(
    ("current", "number", "release", "newer"),
    [
        *((version(2, f"1.10.0 {OURS}"), number, "1.9.0", True) for number in (1, 3, None)),
        *((version(2, f"1.9.0 {OURS}"), number, "1.10.0", False) for number in (1, 3, None)),
        *((version(2, f"1.0.0 {OURS}"), number, "1.1.0rc1", True) for number in (1, 3, None)),
        *((version(2, f"1.1.0rc1 {OURS}"), number, "1.0.0", False) for number in (1, 3, None)),
        *((version(2, f"1.1.0rc1 {OURS}"), number, "1.1.0rc2", False) for number in (1, 3, None)),
        *((version(2, f"1.0.0 {OURS}"), number, "1.0", newer) for number, newer in ((1, True), (2, False), (3, False))),
        (version(2, f"1.0.0 {OURS}"), None, "1.0.0", False),
        *((version(2), number, "1.0.0", newer) for number, newer in ((1, True), (2, False), (3, False), (None, False))),
        *((version(2, f"odd {OURS}"), number, "1.0.0", newer) for number, newer in ((1, True), (3, False))),
        (version(2, f"{'9' * 150} {OURS}"), 3, "9" * 5000, False),
    ],
)
def test_which_of_two_versions_is_newer(current, number, release, newer):
    """By the release, a final one before any that is not; of one release, and where one has none, by the number."""
    assert is_newer(current, number, release) is newer
