"""Whom a policy lets in, which steps change it, and what is pruned: each to the word."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from layerctl.aws.failures import UnexpectedAnswerError
from layerctl.core.arn import LayerVersionArn
from layerctl.core.errors import LayerctlError
from layerctl.releases.policies.audience import (
    PUBLIC,
    Audience,
    Kind,
    account,
    audiences_of,
    configured,
    organization,
)
from layerctl.releases.policies.grants import Grant, SharingStep, apply, missing, plan_changes, read_grants, too_wide
from layerctl.releases.prune.plan import IncompleteViewError, Inventory, Policy, VersionFacts, plan_prune

if TYPE_CHECKING:
    from layerctl.config import LayerConfig

OWNER, ANN, BOB = "123456789012", account("222222222222"), account("333333333333")
ORG = organization("o-abcdefghij")
ARN = LayerVersionArn("aws", "eu-central-1", OWNER, "helpers", 1)


def test_an_audience_says_what_it_is() -> None:
    """For people, as the id of a statement, and as what Lambda is asked for."""
    told = [(str(one), one.statement_id, one.parameters) for one in (ANN, ORG, PUBLIC)]
    assert told == [
        ("account 222222222222", "layerctl-account-222222222222", {"Principal": "222222222222"}),
        (
            *("organization o-abcdefghij", "layerctl-organization-o-abcdefghij"),
            {"Principal": "*", "OrganizationId": "o-abcdefghij"},
        ),
        ("public", "layerctl-public", {"Principal": "*"}),
    ]
    with pytest.raises(LayerctlError, match=r"^other x cannot be granted") as caught:
        _ = Audience(Kind.OTHER, "x").parameters
    assert caught.value.hint == "share with accounts, organisations or the public"


@pytest.mark.parametrize("text", ["1" * 11, "1" * 13, "", "22222222222x", " 222222222222", "222222222222\n"])
def test_what_is_no_account(text: str) -> None:
    """Twelve digits are."""
    with pytest.raises(LayerctlError) as caught:
        account(text)
    assert str(caught.value).startswith(f"{text!r} is not an account id")
    assert caught.value.hint == "expected twelve digits, as text: leading zeros count"


@pytest.mark.parametrize("text", ["o-123456789", "o-" + "a" * 33, "o-ABCDEFGHIJ", "abcdefghij", "ou-abcdefghij", ""])
def test_what_is_no_organisation(text: str) -> None:
    """`o-` and 10 to 32 letters or digits are."""
    with pytest.raises(LayerctlError) as caught:
        organization(text)
    assert str(caught.value).startswith(f"{text!r} is not an organisation id")
    assert caught.value.hint == "expected o- and 10 to 32 letters or digits"
    assert organization("o-" + "a" * 32).kind == Kind.ORGANIZATION


def test_what_layer_toml_wants() -> None:
    """Its accounts and organisations, and everyone where it says so; nobody without one."""
    assert configured(None) == frozenset()

    def config(**sharing: Any) -> LayerConfig:
        return cast("LayerConfig", SimpleNamespace(**{"accounts": (), "organizations": (), "public": False, **sharing}))

    assert configured(config(accounts=("222222222222",), organizations=("o-abcdefghij",))) == {ANN, ORG}
    assert configured(config(public=True)) == {PUBLIC}
    assert configured(config()) == frozenset()


@pytest.mark.parametrize(
    ("statement", "audiences"),
    [
        ({"Principal": "*"}, set()),
        ({"Effect": "Allow"}, set()),
        ({"Effect": "Allow", "Principal": [{"AWS": "222222222222"}, "*"]}, {ANN, PUBLIC}),
        (
            {"Effect": "Allow", "Principal": {"AWS": "222222222222", "Service": "x.amazonaws.com"}},
            {ANN, "x.amazonaws.com"},
        ),
        ({"Effect": "Allow", "Principal": 222222222222}, {ANN}),
        ({"Effect": "Allow", "Principal": "arn:aws-us-gov:iam::222222222222:root"}, {ANN}),
        ({"Effect": "Allow", "Principal": "arn:aws:iam::222222222222:root2"}, {"arn:aws:iam::222222222222:root2"}),
        ({"Effect": "Allow", "Principal": "222222222222", "Condition": {}}, {ANN}),
    ],
)
def test_whom_a_statement_lets_in(statement: dict[str, Any], audiences: set[object]) -> None:
    """In every form that IAM allows; what could be anyone is told as it is written."""
    expected = {one if isinstance(one, Audience) else Audience(Kind.OTHER, str(one)) for one in audiences}
    assert audiences_of(statement) == expected


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}, "Bool": {"aws:SecureTransport": "true"}},
        {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij", "aws:SourceAccount": "222222222222"}},
        {"StringEquals": {"aws:SourceAccount": "222222222222"}},
        {"StringNotEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}},
        {"StringEquals": "o-abcdefghij"},
        ["o-abcdefghij"],
        "o-abcdefghij",
    ],
)
def test_a_condition_that_is_not_only_on_the_organisation_narrows_nothing(condition: object) -> None:
    """The statement is told as one that Lambda's API could not have made."""
    statement = {"Effect": "Allow", "Principal": "*", "Condition": condition}
    assert audiences_of(statement) == {Audience(Kind.OTHER, "* under a condition")}
    single = {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}
    one = {"Effect": "Allow", "Principal": "222222222222", "Condition": single}
    assert audiences_of(one) == {Audience(Kind.OTHER, "222222222222 under a condition")}


@pytest.mark.parametrize("key", ["aws:PrincipalOrgID", "aws:principalorgid", "AWS:PRINCIPALORGID"])
def test_a_condition_on_the_organisation_lets_its_accounts_in(key: str) -> None:
    """One or several; a key of a condition may be written in any case."""
    others = organization("o-zyxwvutsrq")
    for value, audiences in (("o-abcdefghij", {ORG}), (["o-abcdefghij", "o-zyxwvutsrq"], {ORG, others})):
        condition = {"StringEquals": {key: value}}
        assert audiences_of({"Effect": "Allow", "Principal": "*", "Condition": condition}) == audiences


class Lambda:
    """The three requests about a policy, over a dict of statements."""

    class exceptions:
        """What may be raised."""

        class ResourceNotFoundException(Exception):
            """There is none."""

        class ResourceConflictException(Exception):
            """It is there already."""

    def __init__(self, statements: list[dict[str, Any]] | None = None) -> None:
        self.statements = statements
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def get_layer_version_policy(self, **options: Any) -> dict[str, str]:
        """Return the policy as text."""
        assert options == {"LayerName": "helpers", "VersionNumber": 1}
        if self.statements is None:
            raise self.exceptions.ResourceNotFoundException
        return {"Policy": json.dumps({"Statement": self.statements})}

    def add_layer_version_permission(self, **options: Any) -> None:
        """Note it; refuse an id that is there."""
        self.calls.append(("add", options))
        if any(one["Sid"] == options["StatementId"] for one in self.statements or ()):
            raise self.exceptions.ResourceConflictException

    def remove_layer_version_permission(self, **options: Any) -> None:
        """Note it; refuse an id that is not there."""
        self.calls.append(("remove", options))
        if not any(one["Sid"] == options["StatementId"] for one in self.statements or ()):
            raise self.exceptions.ResourceNotFoundException


def allow(sid: str, principal: str) -> dict[str, Any]:
    """Return a statement."""
    return {"Sid": sid, "Effect": "Allow", "Principal": principal}


def test_a_policy_is_read_by_its_statements() -> None:
    """Those that let nobody in are left out; without a policy there are none."""
    assert read_grants(Lambda(), ARN) == []
    deny = {"Sid": "no", "Effect": "Deny", "Principal": "*"}
    client = Lambda([allow("a", "222222222222"), deny, {"Effect": "Allow", "Principal": "*"}])
    assert read_grants(client, ARN) == [Grant("a", frozenset({ANN})), Grant("", frozenset({PUBLIC}))]


@pytest.mark.parametrize("policy", ["{}", '{"statement": []}', '{"Statement": null}'])
def test_a_policy_without_statements_is_not_awss(policy: str) -> None:
    """It does not count as one that lets nobody in: prune would delete what is shared."""
    client = SimpleNamespace(
        exceptions=Lambda.exceptions, get_layer_version_policy=lambda **options: {"Policy": policy}
    )
    with pytest.raises(UnexpectedAnswerError, match="GetLayerVersionPolicy got an answer that is not AWS's"):
        read_grants(client, ARN)


def test_steps_are_asked_for_once_and_may_be_done_already() -> None:
    """What is there or gone is fine; a statement of ours that grants something else is an error."""
    client = Lambda([allow("layerctl-account-222222222222", "222222222222"), allow("old", "*")])
    grant = SharingStep("grant", ARN, ANN, ANN.statement_id)
    revoke, again = SharingStep("revoke", ARN, PUBLIC, "old"), SharingStep("revoke", ARN, BOB, "old")
    apply(client, [grant, revoke, again, SharingStep("revoke", ARN, BOB, "gone")])
    where = {"LayerName": "helpers", "VersionNumber": 1}
    added = {"StatementId": ANN.statement_id, "Action": "lambda:GetLayerVersion", "Principal": "222222222222"}
    assert client.calls == [
        ("add", {**where, **added}),
        ("remove", {**where, "StatementId": "old"}),
        ("remove", {**where, "StatementId": "gone"}),
    ]
    assert (str(grant), str(revoke)) == ("grant account 222222222222", "revoke public")
    with pytest.raises(LayerctlError) as caught:
        apply(Lambda([allow(ANN.statement_id, "333333333333")]), [grant])
    assert str(caught.value).startswith(
        f"{ARN}: the statement {ANN.statement_id} exists and does not grant account 222222222222"
    )
    assert caught.value.hint == "remove it with `layerctl permissions --repair --apply`"


def test_the_fewest_steps() -> None:
    """What is granted already is not granted again; of a statement with several those who stay get their own."""
    grants = [Grant("mixed", frozenset({ANN, BOB})), Grant("all", frozenset({PUBLIC}))]
    assert plan_changes(ARN, grants, add=[ANN, ORG], remove=[BOB]) == [
        SharingStep("grant", ARN, ORG, ORG.statement_id),
        SharingStep("grant", ARN, ANN, ANN.statement_id),
        SharingStep("revoke", ARN, BOB, "mixed"),
    ]
    assert plan_changes(ARN, grants, remove=[ORG]) == []
    assert plan_changes(ARN, grants) == []


def test_who_is_too_much_and_who_lacks() -> None:
    """The owner is neither; where everyone is wanted nobody is too much, and where everyone may nobody lacks."""
    owner = Grant("owner", frozenset({account(OWNER)}))
    grants = [owner, Grant("b", frozenset({BOB})), Grant("a", frozenset({ANN}))]
    assert too_wide(grants, frozenset({BOB}), owner=OWNER) == [ANN]
    assert too_wide(grants, frozenset(), owner=OWNER) == [ANN, BOB]
    assert too_wide(grants, frozenset({PUBLIC}), owner=OWNER) == []
    assert missing(grants, frozenset({ANN, ORG, account(OWNER)}), owner=OWNER) == [ORG]
    assert missing(grants, frozenset({PUBLIC}), owner=OWNER) == [PUBLIC]
    everyone = [*grants, Grant("p", frozenset({PUBLIC}))]
    assert missing(everyone, frozenset({PUBLIC, ORG}), owner=OWNER) == []
    assert missing(everyone, frozenset({ORG}), owner=OWNER) == [ORG]


NOW = datetime(2026, 11, 26, tzinfo=UTC)
SCANNED = frozenset({(OWNER, "eu-central-1"), ("222222222222", "eu-central-1")})


def planned(policy: Policy, *facts: VersionFacts, **seen: Any) -> list[tuple[int, bool, str]]:
    """Return what is decided over versions."""
    inventory = Inventory(facts, scanned=SCANNED, **seen)
    return [(one.arn.version, one.delete, one.reason) for one in plan_prune(inventory, policy, now=NOW)]


def fact(number: int, days: float = 200, *audiences: Audience) -> VersionFacts:
    """Return a version of such an age."""
    return VersionFacts(ARN.with_version(number), NOW - timedelta(days=days), frozenset(audiences))


def test_why_each_version_stays_or_goes() -> None:
    """Oldest first, whatever the order; each with the first reason that holds."""
    facts = [fact(5), fact(2, 200, PUBLIC), fact(1, 200, ANN), fact(4), fact(3, 10)]
    uses = {ARN.with_version(1): ("todos:1",), ARN.with_version(4): ("a", "b", "c")}
    yanked = frozenset({ARN.with_version(5), ARN.with_version(4)})
    shared = "shared with public, whose use nobody can see (--assume-unused)"
    assert planned(Policy(), *facts, uses=uses, yanked=yanked) == [
        (1, False, "used by todos:1"),
        (2, False, shared),
        (3, False, "the newest that is not yanked"),
        (4, False, "used by a and 2 more"),
        (5, True, "yanked, and not used by anyone"),
    ]
    assert planned(Policy(assume_unused=True), *facts) == [
        *((1, True, "not used by anyone"), (2, True, "not used by anyone"), (3, True, "not used by anyone")),
        *((4, True, "not used by anyone"), (5, False, "the newest")),
    ]
    assert [reason for _, _, reason in planned(Policy(keep=3), fact(1), fact(2), fact(3), fact(4))] == [
        *("not used by anyone", "one of the 3 newest", "one of the 3 newest", "the newest")
    ]
    everything = frozenset(ARN.with_version(number) for number in (1, 2))
    assert planned(Policy(), fact(1), fact(2), yanked=everything) == [
        (1, True, "yanked, and not used by anyone"),
        (2, False, "the newest"),
    ]


@pytest.mark.parametrize(("days", "stays"), [(89.99, True), (90, False), (90.01, False)])
def test_younger_versions_stay(days: float, *, stays: bool) -> None:
    """Up to the age, and not at it."""
    _, delete, reason = planned(Policy(older_than=timedelta(days=90)), fact(1, days), fact(2))[0]
    assert delete is not stays
    assert reason == ("published 2026-08-28, younger than 90 days" if stays else "not used by anyone")


def test_a_plan_needs_a_whole_view() -> None:
    """Each gap is told once, the first in the message with the number of the others."""
    for problems, rest in ((("a",), ""), (("a", "b", "a", "c"), " (and 2 more)")):
        with pytest.raises(IncompleteViewError) as caught:
            planned(Policy(), fact(1), problems=problems)
        assert str(caught.value).startswith(f"nothing is planned, because the view is incomplete: a{rest}")
        assert caught.value.gaps == list(dict.fromkeys(problems))
        assert caught.value.hint == "scan accounts by a role with --role, mend what failed, then run again"
    for keep in (0, -1):
        with pytest.raises(LayerctlError, match=f"^--keep {keep} would delete the newest version") as refused:
            planned(Policy(keep=keep), fact(1))
        assert refused.value.hint == "keep 1 or more"
