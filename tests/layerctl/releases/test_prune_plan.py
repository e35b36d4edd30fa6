"""What prune plans, for any world: a property of the pure plan, before any AWS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from layerctl.core.arn import LayerVersionArn
from layerctl.core.errors import LayerctlError
from layerctl.releases.policies.audience import PUBLIC, Audience, Kind
from layerctl.releases.prune.collect import RegionFacts, assemble
from layerctl.releases.prune.plan import IncompleteViewError, Inventory, Policy, VersionFacts, plan_prune
from layerctl.releases.usage.accounts import Accounts
from layerctl.releases.usage.functions import FunctionScan, FunctionUse
from layerctl.releases.usage.templates import TemplateScan, TemplateUse

NOW = datetime(2026, 11, 23, tzinfo=UTC)
OWNER = "111111111111"
OTHERS = ("222222222222", "333333333333")
REGIONS = ("eu-central-1", "us-east-1")
ORGANIZATION = Audience(Kind.ORGANIZATION, "o-abcdefghij")
ODD = Audience(Kind.OTHER, "* under a condition")


def arn(number, region=REGIONS[0]):
    """A version of the layer."""
    return LayerVersionArn("aws", region, OWNER, "helpers", number)


_audiences = st.frozensets(
    st.sampled_from([Audience(Kind.ACCOUNT, one) for one in OTHERS] + [ORGANIZATION, PUBLIC, ODD]), max_size=3
)


@st.composite
def scenes(draw):
    """Versions in regions, functions of several accounts with versions and aliases, and templates with pins."""
    facts = []
    for region in draw(st.lists(st.sampled_from(REGIONS), unique=True)):
        for number in draw(st.lists(st.integers(1, 9), unique=True, max_size=6)):
            age = timedelta(days=draw(st.integers(0, 400)))
            facts.append(VersionFacts(arn(number, region), NOW - age, draw(_audiences)))
    functions = [
        FunctionUse(arn(number, region), account, region, f"f{index}", qualifier, ("live",) if qualifier == "1" else ())
        for index, (number, region, account, qualifier) in enumerate(
            draw(
                st.lists(
                    st.tuples(
                        st.integers(1, 9),
                        st.sampled_from(REGIONS),
                        st.sampled_from((OWNER, *OTHERS)),
                        st.sampled_from(["$LATEST", "1", "2"]),
                    ),
                    max_size=8,
                )
            )
        )
    ]
    pins = [
        TemplateUse(f"t.yaml:{index}", number, region, account)
        for index, (number, region, account) in enumerate(
            draw(
                st.lists(
                    st.tuples(
                        st.none() | st.integers(1, 9),
                        st.none() | st.sampled_from(REGIONS),
                        st.sampled_from([None, OWNER, "999999999999"]),
                    ),
                    max_size=3,
                )
            )
        )
    ]
    scanned = draw(st.sets(st.sampled_from([(one, region) for one in (OWNER, *OTHERS) for region in REGIONS])))
    if draw(st.booleans()):
        scanned = {(one, region) for one in (OWNER, *OTHERS) for region in REGIONS}
    return facts, functions, pins, scanned


_policies = st.builds(
    Policy,
    keep=st.integers(1, 4),
    older_than=st.none() | st.integers(0, 300).map(lambda days: timedelta(days=days)),
    assume_unused=st.booleans(),
)


def inventory_of(facts, functions, pins, scanned, *, problems=(), yanked=()):
    """What layerctl would see of a scene: functions in accounts that it scanned, and what it knows it did not see."""
    scan = FunctionScan(
        uses=[one for one in functions if (one.account, one.region) in scanned],
        scanned=set(scanned),
        problems=list(problems),
    )
    regions = {
        region: RegionFacts([one for one in facts if one.arn.region == region])
        for region in {one.arn.region for one in facts}
    }
    return assemble(regions, {}, Accounts({"aws": OWNER}, []), scan, TemplateScan(pins), yanked=yanked)


def may_use(use, facts):
    """Whether the account of a function may use the version: it owns it, or the version is shared with it."""
    audiences = {one.arn: one.audiences for one in facts}.get(use.layer, frozenset())
    return use.account == OWNER or any(one.kind is not Kind.ACCOUNT or one.id == use.account for one in audiences)


@settings(max_examples=250)
@given(scenes(), _policies)
def test_nothing_in_use_is_ever_planned(scene, policy):
    """Whatever exists and whatever was seen: no version that anyone known can use and does use is in the plan."""
    facts, functions, pins, scanned = scene
    functions = [one for one in functions if may_use(one, facts)]
    try:
        decisions = plan_prune(inventory_of(facts, functions, pins, scanned), policy, now=NOW)
    except IncompleteViewError:
        return
    planned = {one.arn for one in decisions if one.delete}
    by_arn = {one.arn: one for one in facts}
    assert {one.arn for one in decisions} == set(by_arn)
    for one in functions:
        open_to = {audience.kind for audience in by_arn[one.layer].audiences} if one.layer in by_arn else set()
        unseen = (one.account, one.region) not in scanned
        if not (unseen and policy.assume_unused and open_to - {Kind.ACCOUNT}):  # the risk that --assume-unused takes
            assert one.layer not in planned
    for pin in pins:
        assert not any(pin.may_be(one.account, one.region, one.version) for one in planned)
    for region in REGIONS:
        numbers = sorted(one.arn.version for one in facts if one.arn.region == region)
        for number in numbers[-policy.keep :]:
            assert arn(number, region) not in planned
    for one in planned:
        assert policy.older_than is None or NOW - by_arn[one].created >= policy.older_than
        assert policy.assume_unused or all(who.kind is Kind.ACCOUNT for who in by_arn[one].audiences)


@settings(max_examples=200)
@given(scenes(), _policies, st.data())
def test_an_incomplete_scan_is_a_refusal(scene, policy, data):
    """Take away one account in one region that could use a version, or report one problem: nothing is planned."""
    facts, functions, pins, _ = scene
    assume(facts)
    whole = {(one, region) for one in (OWNER, *OTHERS) for region in REGIONS}
    plan_prune(inventory_of(facts, functions, pins, whole), policy, now=NOW)
    needed = {
        (account, one.arn.region)
        for one in facts
        for account in (OWNER, *(who.id for who in one.audiences if who.kind is Kind.ACCOUNT))
    }
    missing = data.draw(st.sampled_from(sorted(needed)))
    with pytest.raises(IncompleteViewError, match=missing[0]):
        plan_prune(inventory_of(facts, functions, pins, whole - {missing}), policy, now=NOW)
    with pytest.raises(IncompleteViewError, match="us-east-1 is throttled"):
        plan_prune(inventory_of(facts, functions, pins, whole, problems=["us-east-1 is throttled"]), policy, now=NOW)


@settings(max_examples=100)
@given(scenes(), _policies)
def test_what_is_not_needed_is_planned(scene, policy):
    """The plan is not empty out of caution: unused, old, beyond --keep and shared with scanned accounts is planned."""
    facts, functions, pins, _ = scene
    whole = frozenset((one, region) for one in (OWNER, *OTHERS) for region in REGIONS)
    decisions = plan_prune(inventory_of(facts, functions, pins, whole), policy, now=NOW)
    used = {one.layer for one in functions}
    for fact in facts:
        newer = [one for one in facts if one.arn.region == fact.arn.region and one.arn.version > fact.arn.version]
        expected = (
            len(newer) >= policy.keep
            and fact.arn not in used
            and not any(pin.may_be(OWNER, fact.arn.region, fact.arn.version) for pin in pins)
            and (policy.older_than is None or NOW - fact.created >= policy.older_than)
            and (policy.assume_unused or all(who.kind is Kind.ACCOUNT for who in fact.audiences))
        )
        assert [one.delete for one in decisions if one.arn == fact.arn] == [expected]


def test_keeping_none_is_refused():
    """A policy that would delete the newest version is an error, not a plan."""
    with pytest.raises(LayerctlError, match="would delete the newest"):
        plan_prune(Inventory(()), Policy(keep=0), now=NOW)


def test_every_decision_has_a_reason():
    """Each version says why it stays or goes."""
    facts = (
        VersionFacts(arn(1), NOW - timedelta(days=200)),
        VersionFacts(arn(2), NOW - timedelta(days=200), frozenset({PUBLIC, ORGANIZATION})),
        VersionFacts(arn(3), NOW - timedelta(days=200)),
        VersionFacts(arn(4), NOW - timedelta(days=10)),
        VersionFacts(arn(5), NOW - timedelta(days=5)),
        VersionFacts(arn(6), NOW),
    )
    uses = {arn(3): ("todos:1", "users:2")}
    inventory = Inventory(facts, uses, scanned=frozenset({(OWNER, REGIONS[0])}))
    reasons = [one.reason for one in plan_prune(inventory, Policy(2, timedelta(days=90)), now=NOW)]
    assert reasons == [
        "not used by anyone",
        "shared with organization o-abcdefghij, public, whose use nobody can see (--assume-unused)",
        "used by todos:1 and 1 more",
        "published 2026-11-13, younger than 90 days",
        "one of the 2 newest",
        "the newest",
    ]


@settings(max_examples=200)
@given(scenes(), _policies, st.sets(st.integers(1, 9)))
def test_a_yanked_version_is_never_kept_in_place_of_a_good_one(scene, policy, bad):
    """The newest good versions of each region stay, however many yanked ones are newer; used ones stay."""
    facts, functions, pins, _ = scene
    whole = frozenset((one, region) for one in (OWNER, *OTHERS) for region in REGIONS)
    yanked = {one.arn for one in facts if one.arn.version in bad}
    functions = [one for one in functions if may_use(one, facts)]
    decisions = plan_prune(inventory_of(facts, functions, pins, whole, yanked=yanked), policy, now=NOW)
    planned = {one.arn for one in decisions if one.delete}
    assert not planned & {one.layer for one in functions}
    for region in {one.arn.region for one in facts}:
        good = sorted(one.arn for one in facts if one.arn.region == region and one.arn not in yanked)
        assert not planned & set(good[-policy.keep :])
        assert {one.arn for one in facts if one.arn.region == region} - planned, "a region never loses all versions"
