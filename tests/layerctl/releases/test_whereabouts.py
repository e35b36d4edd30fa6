"""`layerctl releases`: what is where, and what was not looked at."""

from __future__ import annotations

import pytest

from layerctl.releases.whereabouts import missing_regions, whereabouts
from tests.layerctl.releases.conftest import REGIONS, put_versions
from tests.layerctl.releases.test_index_exact import index_of, release
from tests.layerctl.releases.test_usage import layer_arn
from tests.support.fault_proxy import answer

FIRST = REGIONS[0]


def states(ran, release):
    """Region to state and version number of one release."""
    found = {}
    for one in ran.data["releases"]:
        if one["release"] == release:
            found.setdefault(one["region"], []).append((one["state"], one["version"]))
    return found


@pytest.fixture
def released(project, layerctl):
    """1.0.0 everywhere, yanked; 1.1.0 everywhere but in the last region; all of it in the index."""
    put_versions(project.aws, "1.0.0")
    put_versions(project.aws, "1.1.0", regions=REGIONS[:2])
    assert layerctl("index", "write").code == 0
    assert layerctl("index", "yank", "1.0.0", "--reason", "leaks memory").code == 0
    return project


def test_each_release_in_each_region(released, layerctl):
    """With ARN, number, digest and state, newest first; the region that a release misses is named."""
    released.aws.client("ssm", FIRST).put_parameter(Name="/helpers/dev/latest", Value=layer_arn(2), Type="String")
    ran = layerctl("releases", "--format", "json", "--stage", "dev")
    assert ran.code == 0
    assert states(ran, "1.1.0") == {
        FIRST: [("there", 2)], REGIONS[1]: [("there", 2)], REGIONS[2]: [("missing", None)]
    }  # fmt: skip
    assert states(ran, "1.0.0") == {region: [("yanked", 1)] for region in REGIONS}
    assert [one["release"] for one in ran.data["releases"]] == ["1.1.0"] * 3 + ["1.0.0"] * 3
    assert ran.data["missing"] == {"1.1.0": [REGIONS[2]]}
    assert ran.data["latest"] == {FIRST: layer_arn(2), REGIONS[1]: None, REGIONS[2]: None}
    first = ran.data["releases"][0]
    assert first["arn"] == layer_arn(2)
    assert first["content_digest"].startswith("sha256:")
    text = layerctl("releases", "--stage", "dev").out
    assert f"1.1.0 is not in {REGIONS[2]}" in text
    assert "there (latest)" in text
    assert "leaks memory" in text


def test_a_deleted_version_is_told_from_one_that_is_gone(released, layerctl):
    """Deleted: the index says so. Gone: only the region does. What is in no index, or no release, is listed too."""
    for region in REGIONS[:2]:
        released.aws.client("lambda", region).delete_layer_version(LayerName="helpers", VersionNumber=2)
    assert states(layerctl("releases", "--json"), "1.1.0")[FIRST] == [("gone", 2)]
    assert layerctl("index", "write", "--forget-deleted", "--region", FIRST).code == 0
    put_versions(released.aws, "1.2.0", regions=REGIONS[1:2])
    released.aws.client("lambda", FIRST).publish_layer_version(LayerName="helpers", Content={"ZipFile": b"x"})
    ran = layerctl("releases", "--json")
    assert states(ran, "1.1.0") == {
        FIRST: [("deleted", 2)], REGIONS[1]: [("gone", 2)], REGIONS[2]: [("missing", None)]
    }  # fmt: skip
    remarks = {(one["release"], one["region"]): one["remark"] for one in ran.data["releases"]}
    assert remarks["1.2.0", REGIONS[1]] == "not in the index"
    assert remarks[None, FIRST] == "names no release"
    assert ran.data["missing"] == {"1.2.0": [FIRST, REGIONS[2]], "1.1.0": [REGIONS[1], REGIONS[2]]}


@pytest.mark.parametrize(
    ("regions", "deleted", "seen"),
    [((FIRST,), (), ["gone", "missing"]), ((), (FIRST,), ["deleted", "missing"]), ((), (), ["missing", "missing"])],
)
def test_a_yanked_release_is_missed_nowhere(regions, deleted, seen):
    """Not where it was never published either, though no region has it any more; one that is not yanked is."""
    for yanked in ("leaks", ""):
        index = index_of(release("1.0.0", *regions, yanked=yanked, deleted=deleted))
        rows = whereabouts(index, {FIRST: [], REGIONS[1]: []}, REGIONS[:2], offline=False)
        assert [one.state for one in rows] == seen
        wanted = [one.region for one in rows if one.state != "deleted"]
        assert missing_regions(rows, index) == ({} if yanked else {"1.0.0": wanted})


def test_a_region_that_fails_is_named_and_nothing_is_said_of_it(proxy, released, layerctl):
    """Its releases are `not looked at`, never `missing`; exit code 2, and the list says that it is not complete."""
    proxy.add("ListLayerVersions", answer(403, "AccessDeniedException", "no"), region=REGIONS[2])
    ran = layerctl("releases", "--json")
    assert ran.code == 2
    assert states(ran, "1.1.0")[REGIONS[2]] == [("not looked at", None)]
    assert states(ran, "1.0.0")[REGIONS[2]] == [("not looked at", 1)]
    assert ran.data["missing"] == {}
    assert list(ran.data["failures"]) == [REGIONS[2]]


def test_from_the_index_alone_and_from_the_regions_alone(proxy, released, layerctl):
    """Offline nothing is asked; without an index the regions tell, and that yanks are not known is said."""
    asked = len(proxy.log)
    ran = layerctl("releases", "--offline", "--json")
    assert (ran.code, ran.data["requests"], len(proxy.log)) == (0, {}, asked)
    assert states(ran, "1.1.0")[REGIONS[2]] == [("missing", None)]
    assert "no region was asked" in layerctl("releases", "--offline").err
    released.index.unlink()
    ran = layerctl("releases")
    assert ran.code == 0
    assert "what was yanked or deleted is not known" in ran.err
    assert f"1.1.0 is not in {REGIONS[2]}" in ran.out
    assert "yanked" not in ran.out


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("--release", "9.9.9"), "there is: 1.1.0, 1.0.0"),
        (("--offline", "--stage", "dev"), "--offline asks no region"),
        (("--layer", "others", "--index", "layers.json"), "is the index of 'helpers'"),
        (("--offline", "--layer", "others"), "there is no index to read"),
    ],
)
def test_what_cannot_be_listed_is_said(released, layerctl, argv, says):
    """Exit code 2, with what to do."""
    ran = layerctl("releases", *argv)
    assert ran.code == 2
    assert says in ran.err


def test_one_release(released, layerctl):
    """--release leaves the others out, of the missing ones too."""
    ran = layerctl("releases", "--release", "1.0.0", "--json")
    assert {one["release"] for one in ran.data["releases"]} == {"1.0.0"}
    assert ran.data["missing"] == {}
