"""What a stack is told, to the word: which version it has, what stays the latest, and whose the parameter is."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from layerctl.artifact import open_artifact
from layerctl.core.errors import LayerctlError
from layerctl.releases import versions as versions_module
from layerctl.releases.index.model import Published, Release, Yank
from layerctl.releases.publish.payload import Payload
from layerctl.releases.publish.stack import StackParameters, has_parameter, require_built, stack_parameters
from tests.layerctl.releases.conftest import DATE, OURS, THEIRS, ListedVersions, arn, index_of, write_zip
from tests.layerctl.releases.test_publish_steps import Parameters, payload, version


def test_the_names_are_those_of_the_template():
    """What is not there is empty."""
    assert StackParameters(version(1), version(2), "what", owns_latest=True).values() == {
        "ExistingVersionArn": str(arn(1)),
        "LatestVersionArn": str(arn(2)),
        "LatestOwner": "stack",
        "VersionDescription": "what",
    }
    assert StackParameters(None, None, "what", owns_latest=False).values() == {
        "ExistingVersionArn": "",
        "LatestVersionArn": "",
        "LatestOwner": "publisher",
        "VersionDescription": "what",
    }


def test_a_folder_of_other_content_is_refused(tmp_path):
    """With both digests; one of the same content is fine."""
    for name, text in (("same", "x = 1\n"), ("other", "x = 2\n")):
        (tmp_path / name / "python").mkdir(parents=True)
        (tmp_path / name / "python" / "helpers.py").write_text(text)
    write_zip(tmp_path / "helpers-1.0.0.zip", {"python/helpers.py": "x = 1\n"})
    read = Payload.read(tmp_path / "helpers-1.0.0.zip", None)
    require_built(read, tmp_path / "same")
    with open_artifact(tmp_path / "other") as artifact:
        digest = artifact.content_digest()
    with pytest.raises(LayerctlError) as caught:
        require_built(read, tmp_path / "other")
    assert caught.value.what == f"{tmp_path / 'other'} is {digest}, and {read.path} is {read.content_digest}"
    assert caught.value.hint == "build both again from the same sources, with the same interpreters"


def index(**yanked):
    """An index of two releases, one version each; some are yanked."""
    releases = []
    for number, release in enumerate(("1.0.0", "1.1.0"), start=1):
        there = Published(arn(number), "x", 1, DATE)
        withdrawn = Yank("leaks", DATE) if release in yanked.get("releases", ()) else None
        releases.append(Release(release, THEIRS, "", (), (), withdrawn, {there.arn.region: there}))
    return index_of(*releases)


LISTED = {1: f"1.0.0 {OURS}", 2: f"1.1.0 {THEIRS}", 3: THEIRS}  # the third names no release, as a stack's


def told(held, release="1.0.0", *, listed=None, digest=OURS, released=True, known=None, **options):
    """Return the numbers of what exists and of what stays the latest, and whose the parameter is."""
    client = ListedVersions(LISTED if listed is None else listed)
    parameters = Parameters(held and str(arn(held)))
    what = payload(release=release, content_digest=digest)
    found = stack_parameters(client, parameters, what, "prod", released=released, index=known, **options)
    assert client.asked[0] == ("list", "helpers")
    assert found.description == (f"{release} {digest}" if released else digest)
    existing, latest = (one and one.number for one in (found.existing, found.latest))
    return existing, latest, found.owns_latest


@pytest.mark.parametrize(
    ("held", "options", "expected"),
    [
        (None, {}, (1, None, True)),
        (1, {}, (1, None, True)),
        (2, {}, (1, 2, True)),
        (3, {}, (1, 3, True)),
        (9, {}, (1, None, True)),
        (2, {"release": "1.2.0"}, (1, None, True)),
        (2, {"release": "1.0.1", "digest": f"sha256:{'c' * 64}", "listed": {2: f"1.1.0 {THEIRS}"}}, (None, 2, True)),
        (3, {"digest": f"sha256:{'c' * 64}", "listed": {3: f"odd {THEIRS}"}}, (None, None, True)),
    ],
    ids=["none", "itself", "newer release", "later number", "gone", "older", "newer than what is new", "by number"],
)
def test_what_stays_the_latest(held, options, expected):
    """A newer release; where one has none, by the number, and what is not published yet has the highest."""
    assert told(held, **options) == expected


def test_what_was_yanked_neither_stays_nor_is_gone_to():
    """By the index; without one nothing was. Of work in progress it is not asked whether its release was."""
    assert told(2, known=index()) == (1, 2, True)
    assert told(2, known=index(releases=["1.1.0"])) == (1, None, True)
    new = {"release": "1.1.0", "digest": THEIRS}
    assert told(1, **new, known=index()) == (2, None, True)
    assert told(1, **new, known=index(releases=["1.1.0"])) == (2, 1, True)
    assert told(1, **new, known=index(releases=["1.0.0", "1.1.0"])) == (2, None, True)
    assert told(1, **new, known=index(releases=["1.1.0"]), released=False) == (2, None, True)
    assert told(1, "3.0.0", digest=THEIRS, known=index()) == (2, None, True)


def test_of_work_in_progress_the_last_deployed_counts():
    """Work of the same release, or of none, does not stay; a newer release does."""
    work = {"digest": f"sha256:{'c' * 64}", "released": False}
    assert told(3, **work) == (None, None, True)
    assert told(3, digest=OURS, released=False) == (1, None, True)
    assert told(1, "1.0.0", **work) == (None, None, True)
    assert told(2, "1.0.0", **work) == (None, 2, True)
    assert told(1, "1.1.0", **work) == (None, None, True)
    same = {"listed": {1: f"1.0.0 {OURS}", 2: f"1.0.0 {THEIRS}"}, "digest": OURS}
    assert told(2, **same) == (1, 2, True)
    assert told(2, **same, released=False) == (1, None, True)


def test_whose_the_parameter_is():
    """The stack's, unless a publisher made it before the stack had it."""
    assert [told(None, owned=owned)[2] for owned in (True, False)] == [True, True]
    assert [told(1, owned=owned)[2] for owned in (True, False)] == [True, False]


def test_our_own_zip_is_not_downloaded(monkeypatch):
    """What another tool made of it is known by what Lambda stores."""

    def downloaded(stored):
        return THEIRS if stored.code_sha256 != "sha 3" else pytest.fail("downloaded")

    monkeypatch.setattr(versions_module, "_download_digest", downloaded)
    client = ListedVersions({4: "a stack's", 3: "a stack's"})
    found = stack_parameters(client, Parameters(), payload(code_sha256="sha 3"), "prod", released=True)
    assert found.existing is not None
    assert found.existing.number == 3


def cloudformation(*pages, error=None):
    """A client with a stack's resources by pages, or an error."""

    def paginate(**options):
        assert options == {"StackName": "helpers"}
        if error:
            raise ClientError({"Error": {"Code": error}}, "ListStackResources")
        return [{"StackResourceSummaries": [{"LogicalResourceId": name} for name in page]} for page in pages]

    def get_paginator(operation):
        assert operation == "list_stack_resources"
        return SimpleNamespace(paginate=paginate)

    return SimpleNamespace(get_paginator=get_paginator, exceptions=SimpleNamespace(ClientError=ClientError))


def test_whether_a_stack_has_the_parameter():
    """On any page of its resources; where there is no stack it has not; any other error is told."""
    assert has_parameter(cloudformation(["Layer"], ["Other", "LatestVersion"]), "helpers")
    assert not has_parameter(cloudformation(["Layer", "latestversion"], []), "helpers")
    assert has_parameter(cloudformation(error="ValidationError"), "helpers") is False
    with pytest.raises(ClientError, match="AccessDenied"):
        has_parameter(cloudformation(error="AccessDenied"), "helpers")
