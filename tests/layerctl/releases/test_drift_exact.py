"""Where index, mirror and region disagree, and what the mirror is made to say: each difference to the word."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from layerctl.core.diagnostics import Finding, Severity
from layerctl.releases.index.drift import check_mirror, check_region
from layerctl.releases.index.mirror import Mirror, Mirrored, delete_parameters, mirror_region, read_mirror, withdrawn
from layerctl.releases.index.model import Published, Release, Yank
from tests.layerctl.releases.conftest import DATE, OURS, REGIONS, THEIRS, ListedVersions, arn, index_of

REGION, FOLDER = REGIONS[0], "/helpers/prod/"


def release(version, number=None, *, yanked="", deleted=(), region=REGION):
    """A release that is one version in a region, or none; versions of it were deleted."""
    there = {region: Published(arn(number, region), f"sha {number}", 7, DATE)} if number else {}
    gone = {arn(one): DATE for one in deleted}
    yank = Yank(yanked, DATE) if yanked else None
    return Release(version, OURS, DATE, ("python3.12", "python3.13"), ("arm64",), yank, there, gone)


class Parameters:
    """SSM with parameters, two to a page; notes what is asked of it."""

    class exceptions:
        """What may be raised."""

        class ParameterAlreadyExists(Exception):
            """It is there."""

    def __init__(self, **held):
        self.held = {FOLDER + name.replace("__", "/").replace("_", "."): value for name, value in held.items()}
        self.asked = []
        self.late = {}  # what another run writes just before us

    def get_paginator(self, operation):
        """Return what lists."""
        assert operation == "get_parameters_by_path"
        return SimpleNamespace(paginate=self._list)

    def _list(self, **options):
        assert options == {"Path": "/helpers/prod", "Recursive": True}
        items = [{"Name": name, "Value": value} for name, value in self.held.items()]
        return [{"Parameters": items[:2]}, {"Parameters": items[2:]}]

    def put_parameter(self, **options):
        """Note it; refuse to write over what another run wrote."""
        self.asked.append(("put", options))
        if options["Name"] in self.late:
            raise self.exceptions.ParameterAlreadyExists

    def get_parameter(self, Name):
        """Return what another run wrote."""
        return {"Parameter": {"Value": self.late[Name]}}

    def delete_parameters(self, Names):
        """Note it."""
        self.asked.append(("delete", Names))


def test_a_mirror_is_read_by_its_kinds():
    """On every page; what is of no kind that we know is nobody's."""
    held = Parameters(versions__1_0_0="a", yanked__1_0_0="bad", latest="b", other__1_0_0="c", versions__1_1_0="d")
    mirror = read_mirror(held, "helpers", "prod")
    assert mirror == Mirror(FOLDER, {"1.0.0": "a", "1.1.0": "d"}, {"1.0.0": "bad"}, "b")
    assert (mirror.version_name("1"), mirror.yanked_name("1")) == (f"{FOLDER}versions/1", f"{FOLDER}yanked/1")
    assert read_mirror(Parameters(), "helpers", "prod") == Mirror(FOLDER, {}, {}, "")


WRITE, MEND = (f"{verb} it with `layerctl index mirror --stage prod`" for verb in ("write", "mend"))
UNKNOWN = "add it with `layerctl index write`, or delete the parameter"
GUESS = "find out which is right; delete a wrong parameter, then `layerctl index mirror`"
NAME, MARK, LATEST = f"{FOLDER}versions/1.0.0 in {REGION}", f"{FOLDER}yanked/1.0.0 in {REGION}", f"{FOLDER}latest"
ELSE = "and the index does not have that release there"


def found(rule, message, hint, severity=Severity.ERROR):
    """A difference."""
    return Finding(rule, "layers.json", message, hint, severity)


MIRRORS = {
    "the same": (release("1.0.0", 1), {"versions__1_0_0": str(arn(1))}, []),
    "missing": (
        release("1.0.0", 1),
        {},
        [found("ssm-missing", f"{FOLDER}versions/1.0.0 is missing in {REGION}", WRITE, Severity.WARNING)],
    ),
    "not there": (release("1.0.0", 1, region="us-east-1"), {}, []),
    "deleted": (
        release("1.0.0", 2, deleted=[1]),
        {"versions__1_0_0": str(arn(1))},
        [found("ssm-stale", f"{NAME} is {arn(1)}, which was deleted", MEND)],
    ),
    "another": (
        release("1.0.0", 1),
        {"versions__1_0_0": "x"},
        [found("ssm-differs", f"{NAME} is x, the index has {arn(1)}", GUESS)],
    ),
    "elsewhere": (
        release("1.0.0", 1, region="us-east-1"),
        {"versions__1_0_0": "x"},
        [found("ssm-unknown", f"{NAME} is x, {ELSE}", UNKNOWN)],
    ),
    "unknown ones": (
        release("1.0.0", 1),
        {"versions__3_0_0": "z", "versions__1_0_0": str(arn(1)), "versions__2_0_0": "y"},
        [
            found("ssm-unknown", f"{FOLDER}versions/{one} in {REGION} is {value}, {ELSE}", UNKNOWN)
            for one, value in (("2.0.0", "y"), ("3.0.0", "z"))
        ],
    ),
    "yanked": (release("1.0.0", 1, yanked="bad"), {"versions__1_0_0": str(arn(1)), "yanked__1_0_0": "bad"}, []),
    "not marked": (
        release("1.0.0", 1, yanked="bad"),
        {"versions__1_0_0": str(arn(1))},
        [found("ssm-yank", f"{MARK} is missing, the index says bad", MEND)],
    ),
    "marked": (
        release("1.0.0", 1),
        {"versions__1_0_0": str(arn(1)), "yanked__1_0_0": "odd"},
        [found("ssm-yank", f"{MARK} is odd, the index says that it is not yanked", MEND)],
    ),
    "marked otherwise": (
        release("1.0.0", 1, yanked="bad"),
        {"versions__1_0_0": str(arn(1)), "yanked__1_0_0": "odd"},
        [found("ssm-yank", f"{MARK} is odd, the index says bad", MEND)],
    ),
    "yanked elsewhere": (release("1.0.0", 1, yanked="bad", region="us-east-1"), {}, []),
}


@pytest.mark.parametrize("kind", MIRRORS)
def test_a_mirror_that_differs(kind):
    """Each way has its own rule, words and remedy; what another release has is looked at all the same."""
    one, held, findings = MIRRORS[kind]
    other = release("0.9.0", 9)
    index = index_of(one, other)
    parameters = Parameters(**held, versions__0_9_0=str(arn(9)))
    assert check_mirror(parameters, index, REGION, "prod", "layers.json") == findings
    lacking = check_mirror(Parameters(**held), index, REGION, "prod", "layers.json")
    missing = f"{FOLDER}versions/0.9.0 is missing in {REGION}"
    assert [one for one in lacking if one not in findings] == [found("ssm-missing", missing, WRITE, Severity.WARNING)]


@pytest.mark.parametrize(("latest", "why"), [(1, "yanked"), (2, ""), (7, "deleted"), (8, "")])
def test_what_nobody_should_take(latest, why):
    """The latest is not to name what was yanked or deleted, where there is something else to name."""
    bad, good = release("1.0.0", 1, yanked="bad"), release("1.1.0", 2, deleted=[7])
    mirror = Mirror(FOLDER, latest=str(arn(latest)))
    assert withdrawn(mirror, index_of(bad, good), REGION) == why
    held = {"versions__1_0_0": str(arn(1)), "yanked__1_0_0": "bad", "versions__1_1_0": str(arn(2))}
    parameters = Parameters(**held, latest=str(arn(latest)))
    said = f"{LATEST} in {REGION} is {arn(latest)}, which was {why}"
    expected = [found("ssm-yank", said, MEND)] if why else []
    assert check_mirror(parameters, index_of(bad, good), REGION, "prod", "layers.json") == expected
    steps = mirror_region(parameters, index_of(bad, good), REGION, "prod", dry_run=True)
    moved = [Mirrored(LATEST, str(arn(2)), "would write", str(arn(latest)))] if why else []
    assert [step for step in steps if step.name == LATEST] == moved
    only = Parameters(versions__1_0_0=str(arn(1)), yanked__1_0_0="bad", latest=str(arn(1)))
    assert check_mirror(only, index_of(bad), REGION, "prod", "layers.json") == []


def test_a_mirror_is_made_what_the_index_says():
    """Versions and marks are written and deleted; what nothing explains is refused; the same is left alone."""
    index = index_of(
        *(release("1.0.0", 1), release("1.1.0", 2, deleted=[7]), release("1.2.0", deleted=[8]), release("1.3.0", 4)),
        *(release("1.4.0", 5, yanked="bad"), release("1.5.0", 6), release("1.6.0")),
        release("1.7.0", 10, yanked="old"),
    )
    held = {"1_0_0": arn(1), "1_1_0": arn(7), "1_2_0": arn(8), "1_3_0": "odd", "1_6_0": "kept", "1_7_0": arn(10)}
    marks = {"yanked__1_5_0": "old", "yanked__1_7_0": "old"}
    parameters = Parameters(**{f"versions__{name}": str(value) for name, value in held.items()}, **marks)
    expected = [
        Mirrored(f"{FOLDER}versions/1.0.0", str(arn(1)), "same", str(arn(1))),
        Mirrored(f"{FOLDER}versions/1.1.0", str(arn(2)), "written", str(arn(7))),
        Mirrored(f"{FOLDER}versions/1.2.0", "", "deleted", str(arn(8))),
        Mirrored(f"{FOLDER}versions/1.3.0", str(arn(4)), "refused", "odd"),
        Mirrored(f"{FOLDER}versions/1.4.0", str(arn(5)), "written", ""),
        Mirrored(f"{FOLDER}yanked/1.4.0", "bad", "written", ""),
        Mirrored(f"{FOLDER}versions/1.5.0", str(arn(6)), "written", ""),
        Mirrored(f"{FOLDER}yanked/1.5.0", "", "deleted", "old"),
        Mirrored(f"{FOLDER}versions/1.7.0", str(arn(10)), "same", str(arn(10))),
        Mirrored(f"{FOLDER}yanked/1.7.0", "old", "same", "old"),
    ]
    planned = {"written": "would write", "deleted": "would delete"}
    dry = [Mirrored(one.name, one.value, planned.get(one.status, one.status), one.held) for one in expected]
    assert mirror_region(parameters, index, REGION, "prod", dry_run=True) == dry
    assert parameters.asked == []
    assert mirror_region(parameters, index, REGION, "prod") == expected
    text = {"Type": "String", "Description": "Follows the index; written by layerctl"}
    assert parameters.asked == [
        ("put", {"Name": one.name, "Value": one.value, **text, "Overwrite": bool(one.held)})
        if one.status == "written"
        else ("delete", [one.name])
        for one in expected
        if one.status in {"written", "deleted"}
    ]


@pytest.mark.parametrize(("wrote", "status"), [(str(arn(1)), "same"), ("odd", "refused")])
def test_another_run_may_write_just_before(wrote, status):
    """The same is fine, and anything else is not written over."""
    parameters = Parameters()
    name = f"{FOLDER}versions/1.0.0"
    parameters.late = {name: wrote}
    steps = mirror_region(parameters, index_of(release("1.0.0", 1)), REGION, "prod")
    assert steps == [Mirrored(name, str(arn(1)), status, wrote)]


def test_parameters_are_deleted_by_tens():
    """As many as a request takes."""
    parameters = Parameters()
    names = [f"/{number}" for number in range(21)]
    delete_parameters(parameters, iter(names))
    assert parameters.asked == [("delete", names[:10]), ("delete", names[10:20]), ("delete", names[20:])]


RIGHT = "the region is right: restore the file, or delete the entry and run `layerctl index write`"


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"CodeSha256": "y="}, "CodeSha256 of {} is sha 1 here, y= in the region"),
        ({"CodeSize": 4}, "size of {} is 7 here, 4 in the region"),
        ({"CreatedDate": "2026-02-01T00:00:00Z"}, f"date of {{}} is {DATE} here, 2026-02-01T00:00:00Z in the region"),
        (
            {"CompatibleRuntimes": ["python3.14", "python3.13"]},
            "runtimes of {} is python3.12, python3.13 here, python3.13, python3.14 in the region",
        ),
        ({"CompatibleArchitectures": []}, "architectures of {} is arm64 here,  in the region"),
        ({"Description": f"1.0.0 {THEIRS}"}, f"content digest of {{}} is {OURS} here, {THEIRS} in the region"),
        ({"Description": "a stack's"}, None),
        ({}, None),
    ],
)
def test_a_version_that_is_not_as_the_index_says(other, said):
    """Each part by its name; of a version that does not say its digest that is not compared."""
    client = ListedVersions({1: f"1.0.0 {OURS}"}, **other)
    expected = [found("index-content", f"1.0.0: {said.format(arn(1))}", RIGHT)] if said else []
    assert check_region(client, index_of(release("1.0.0", 1)), REGION, "layers.json") == expected


@pytest.mark.parametrize(
    ("listed", "rule", "said", "hint"),
    [
        (
            {},
            *("index-gone", f"1.0.0: {arn(5)} does not exist in {REGION} any more"),
            "take it out with `layerctl index write --forget-deleted`",
        ),
        (
            {5: f"1.0.0 {OURS}", 6: f"1.0.0 {THEIRS}"},
            *("release-reused", f"{arn(6)} calls itself 1.0.0, which is other content in the index"),
            "publish it under a version of its own, and delete this one",
        ),
        (
            {5: f"1.0.0 {OURS}", 6: f"2.0.0 {THEIRS}"},
            *("index-missing", f"2.0.0 is {arn(6)}, and the index does not say so"),
            "add it with `layerctl index write`",
        ),
        (
            {5: f"1.0.0 {OURS}", 4: f"1.0.0 {OURS}"},
            *("index-missing", f"1.0.0 is {arn(4)}, and the index does not say so"),
            "add it with `layerctl index write`",
        ),
        ({5: f"1.0.0 {OURS}", 6: f"1.0.0 {OURS}", 7: "a stack's", 8: f"odd {THEIRS}"}, "", "", ""),
    ],
    ids=["gone", "reused", "missing", "lower", "a duplicate, others'"],
)
def test_a_region_that_differs(listed, rule, said, hint):
    """By its list; a duplicate of a higher number is nobody's, and so is what names no release."""
    index = index_of(release("0.9.0", 3, region="us-east-1"), release("1.0.0", 5))
    expected = [found(rule, said, hint)] if rule else []
    assert check_region(ListedVersions(listed), index, REGION, "layers.json") == expected
