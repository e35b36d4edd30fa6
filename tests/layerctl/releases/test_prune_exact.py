"""What prune sees of a region, puts together and deletes: each to the word, and in which order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from layerctl.aws.failures import Failure
from layerctl.releases.index.model import Published, Release, Yank
from layerctl.releases.policies.audience import PUBLIC, account
from layerctl.releases.prune.collect import RegionFacts, assemble, collect, mirrored, yanked_in
from layerctl.releases.prune.delete import delete
from layerctl.releases.prune.plan import IncompleteViewError, PruneDecision, VersionFacts
from layerctl.releases.usage.accounts import Accounts
from layerctl.releases.usage.functions import FunctionScan, FunctionUse
from layerctl.releases.usage.templates import TemplateScan, TemplateUse
from tests.layerctl.releases.conftest import DATE, OWNER, arn, index_of, put_versions

OTHER = "222222222222"
NOW = datetime(2026, 11, 26, tzinfo=UTC)


def test_what_a_region_tells(aws):
    """Each version with who may use it, and each parameter below the layer's name that names one, for what it is."""
    put_versions(aws, "1.0.0", "1.1.0", "1.2.0", regions=("eu-west-1",))
    client, ssm = aws.client("lambda", "eu-west-1"), aws.client("ssm", "eu-west-1")
    client.add_layer_version_permission(
        LayerName="helpers", VersionNumber=2, StatementId="x", Action="lambda:GetLayerVersion", Principal="*"
    )
    for name in ("/helpers/dev/yanked/1.0.0", "/helpers/prod/yanked/1.1.0", "/helpers/note/latest"):
        ssm.put_parameter(Name=name, Value="leaks", Type="String")
    for name, number in {
        "/helpers/dev/latest": 3,
        "/helpers/prod/latest": 3,
        "/helpers/a/b/latest": 2,
        "/helpers/dev/versions/1.0.0": 1,
        "/helpers/prod/versions/1.0.0": 1,
        "/helpers/dev/versions/1.1.0": 2,
        "/helpers/dev/other/1.2.0": 3,
        "/helpers/dev/versions/more/1.2.0": 3,
        "/others/dev/latest": 1,
    }.items():
        ssm.put_parameter(Name=name, Value=str(arn(number, "eu-west-1")), Type="String")
    asked = []

    def of(service, region):
        asked.append((service, region))
        return aws.client(service, region)

    facts = collect(SimpleNamespace(client=of), "eu-west-1", "helpers")
    one, two, three = (arn(number, "eu-west-1") for number in (1, 2, 3))
    assert asked == [("lambda", "eu-west-1"), ("ssm", "eu-west-1")]
    assert {(fact.arn, fact.audiences) for fact in facts.versions} == {
        (one, frozenset()),
        (two, frozenset({PUBLIC})),
        (three, frozenset()),
    }
    listed = client.list_layer_versions(LayerName="helpers")["LayerVersions"]
    dates = {item["LayerVersionArn"]: datetime.fromisoformat(item["CreatedDate"]) for item in listed}
    assert {str(fact.arn): fact.created for fact in facts.versions} == dates
    assert {key: sorted(names) for key, names in facts.latest.items()} == {
        two: ["parameter /helpers/a/b/latest"],
        three: ["parameter /helpers/dev/latest", "parameter /helpers/prod/latest"],
    }
    names = ["/helpers/dev/versions/1.0.0", "/helpers/dev/yanked/1.0.0", "/helpers/prod/versions/1.0.0"]
    assert {key: sorted(found) for key, found in facts.mirrored.items()} == {
        one: names,
        two: ["/helpers/dev/versions/1.1.0"],
    }
    assert facts.yanked == {one}


def test_parameters_on_a_later_page_are_seen(aws):
    """There are ten to a page; of none there is nothing."""
    ssm = aws.client("ssm", "eu-west-1")
    for number in range(1, 13):
        name = f"/helpers/s{number:02}/latest"
        ssm.put_parameter(Name=name, Value=str(arn(number, "eu-west-1")), Type="String")
    facts = collect(aws, "eu-west-1", "helpers")
    assert set(facts.latest) == {arn(number, "eu-west-1") for number in range(1, 13)}
    assert collect(aws, "us-east-1", "helpers") == RegionFacts([])


def test_what_an_index_says_is_yanked():
    """In each region where it is."""

    def release(version, yanked, *places):
        regions = {one.region: Published(one, "x", 1, DATE) for one in places}
        return Release(version, "", "", (), (), yanked, regions)

    bad = Yank("leaks", DATE)
    releases = [release("1", bad, arn(1), arn(4, "us-east-1")), release("2", None, arn(2)), release("3", bad, arn(3))]
    assert yanked_in(index_of(*releases)) == {arn(1), arn(4, "us-east-1"), arn(3)}


def test_the_parameters_of_all_regions_are_one_table():
    """A version is in one region only."""
    regions = {
        "eu-central-1": RegionFacts([], mirrored={arn(1): ["a", "b"], arn(2): ["c"]}),
        "us-east-1": RegionFacts([], mirrored={arn(1, "us-east-1"): ["d"]}),
    }
    assert mirrored(regions) == {arn(1): ["a", "b"], arn(2): ["c"], arn(1, "us-east-1"): ["d"]}


def test_what_was_seen_is_put_together():
    """Every use of a version with who it is, functions first; every gap, wherever it was found."""
    facts = [VersionFacts(arn(number), NOW - timedelta(days=number), frozenset({account(OTHER)})) for number in (1, 2)]
    there = VersionFacts(arn(1, "us-east-1"), NOW)
    regions = {
        "eu-central-1": RegionFacts(facts, {arn(1): ["parameter /a"], arn(7): ["parameter /b"]}, yanked={arn(2)}),
        "us-east-1": RegionFacts([there], latest={arn(1): ["parameter /c"]}, yanked={there.arn}),
    }
    uses = [
        FunctionUse(arn(1), OTHER, "eu-central-1", "todos", "3"),
        FunctionUse(arn(1), OWNER, "eu-central-1", "todos", "$LATEST"),
        FunctionUse(arn(9), OWNER, "eu-central-1", "old", "1"),
    ]
    scan = FunctionScan(uses=uses, scanned={(OWNER, "eu-central-1")}, problems=["functions"])
    pins = TemplateScan(
        [TemplateUse("t.yaml:1", 1, None, None), TemplateUse("t.yaml:2", None, "us-east-1", OWNER)], ["templates"]
    )
    failures = {"eu-west-1": Failure("denied", "not allowed", "ask"), "eu-west-3": Failure("aws", "odd")}
    accounts = Accounts({"aws": OWNER}, [], ["a role"])
    inventory = assemble(regions, failures, accounts, scan, pins, yanked=[arn(5)])
    assert inventory.versions == (*facts, there)
    assert inventory.uses == {
        arn(1): (
            f"todos:3 ({OTHER})",
            f"todos:$LATEST ({OWNER})",
            *("parameter /a", "parameter /c", "t.yaml:1"),
        ),
        arn(7): ("parameter /b",),
        arn(9): (f"old:1 ({OWNER})",),
        there.arn: ("t.yaml:1", "t.yaml:2"),
    }
    assert inventory.yanked == frozenset({arn(2), there.arn, arn(5)})
    assert inventory.scanned == frozenset({(OWNER, "eu-central-1")})
    assert inventory.problems == (
        *("eu-west-1: not allowed; ask", "eu-west-3: odd"),
        *("a role", "functions", "templates"),
    )
    nothing = assemble({}, {}, Accounts({}, []), FunctionScan(), TemplateScan())
    assert (nothing.versions, nothing.uses, nothing.yanked, nothing.problems) == ((), {}, frozenset(), ())


@pytest.mark.parametrize(
    ("pin", "pinned"),
    [
        (TemplateUse("t", 1, "eu-central-1", OWNER), [arn(1)]),
        (TemplateUse("t", None, "eu-central-1", OWNER), [arn(1), arn(2)]),
        (TemplateUse("t", 1, None, OWNER), [arn(1), arn(1, "us-east-1")]),
        (TemplateUse("t", 1, "eu-central-1", None), [arn(1)]),
        (TemplateUse("t", 1, "eu-central-1", OTHER), []),
        (TemplateUse("t", 3, None, None), []),
        (TemplateUse("t", None, "eu-west-1", None), []),
    ],
)
def test_a_pin_counts_for_each_version_that_it_can_mean(pin, pinned):
    """By number, region and account; what it leaves open may be any."""
    versions = [VersionFacts(one, NOW) for one in (arn(1), arn(2), arn(1, "us-east-1"))]
    inventory = assemble(
        {"x": RegionFacts(versions)}, {}, Accounts({"aws": OWNER}, []), FunctionScan(), TemplateScan([pin])
    )
    assert inventory.uses == dict.fromkeys(pinned, ("t",))


class Clients:
    """Clients that note what is deleted, and fail at some version."""

    def __init__(self, fails=None):
        self.fails = fails
        self.steps = []

    def client(self, service, region):
        """Return a client of a region."""

        def delete_parameters(Names):
            self.steps.append((service, region, Names))

        def delete_layer_version(LayerName, VersionNumber):
            if (region, VersionNumber) == self.fails:
                raise KeyError("odd")
            self.steps.append((service, region, LayerName, VersionNumber))

        return SimpleNamespace(delete_parameters=delete_parameters, delete_layer_version=delete_layer_version)


def test_what_is_planned_is_deleted_and_nothing_else():
    """In the order of the plan; its parameters first, and each is told at once."""
    names = {arn(1): ["/a", "/b"], arn(2): ["/c"], arn(3): []}
    plan = [(1, True), (2, False), (3, True), (4, True)]
    decisions = [PruneDecision(arn(number), gone, "why") for number, gone in plan]
    clients, done = Clients(), []
    assert delete(clients, decisions, names, done=lambda one: done.append((one, len(clients.steps)))) == {}
    assert clients.steps == [
        ("ssm", "eu-central-1", ["/a", "/b"]),
        *(("lambda", "eu-central-1", "helpers", number) for number in (1, 3, 4)),
    ]
    assert done == [(arn(1), 2), (arn(3), 3), (arn(4), 4)]


def test_what_fails_ends_its_region_only():
    """What was deleted before is told, what comes behind stays, and why is returned."""
    regions = ("eu-west-1", "us-east-1")
    decisions = [PruneDecision(arn(number, region), True, "") for region in regions for number in (1, 2, 3)]
    clients, done = Clients(fails=("eu-west-1", 2)), []
    failures = delete(clients, decisions, {}, done=done.append)
    assert list(failures) == ["eu-west-1"], failures
    assert "odd" in str(failures["eu-west-1"])
    assert set(done) == {arn(1, "eu-west-1"), *(arn(number, "us-east-1") for number in (1, 2, 3))}
    assert [step for step in clients.steps if step[1] == "eu-west-1"] == [("lambda", "eu-west-1", "helpers", 1)]
    assert delete(clients, [], {}, done=done.append) == {}


def test_gaps_are_all_told_to_programs():
    """The first one in words, with the number of the others."""
    for gaps, said in ((["a"], "a;"), (["a", "b"], "a (and 1 more);"), (["a", "b", "c"], "a (and 2 more);")):
        error = IncompleteViewError(gaps)
        assert error.gaps == gaps
        assert str(error).startswith(f"nothing is planned, because the view is incomplete: {said} ")
