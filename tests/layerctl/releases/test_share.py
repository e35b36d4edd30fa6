"""`layerctl share` and `layerctl permissions`: who may use which version."""

from __future__ import annotations

import json

import pytest

from layerctl.releases.policies.audience import PUBLIC, Audience, Kind, audiences_of
from tests.layerctl.releases.conftest import REGIONS, policy, put_versions
from tests.support.fault_proxy import answer, cut_after

ACCOUNT = "222222222222"
ORGANIZATION = "o-abcdefghij"


@pytest.fixture
def published(project):
    """Two versions in each of three regions, shared with nobody."""
    put_versions(project.aws, "1.0.0", "1.1.0")
    return project


def sids(aws, number, region="eu-central-1"):
    """The statement ids of a version's policy."""
    return {one["Sid"] for one in policy(aws, number, region)}


def grant_by_hand(aws, number, sid="by-hand", **principal):
    """Grant outside of layerctl."""
    aws.client("lambda").add_layer_version_permission(
        LayerName="helpers", VersionNumber=number, StatementId=sid, Action="lambda:GetLayerVersion", **principal
    )


def test_one_version_is_shared_in_every_region_and_again_changes_nothing(aws, published, layerctl):
    """Statement ids are the same each time, so that a second run finds the first's work."""
    for expected in ("grant account 222222222222, grant organization o-abcdefghij", "nothing to change"):
        ran = layerctl("share", "--version", 1, "--account", ACCOUNT, "--organization", ORGANIZATION)
        assert ran.code == 0
        assert ran.out.count(expected) == 3
    for region in REGIONS:
        assert sids(aws, 1, region) == {f"layerctl-account-{ACCOUNT}", f"layerctl-organization-{ORGANIZATION}"}
        assert sids(aws, 2, region) == set()


def test_all_versions_are_shared_and_revoked_whoever_granted_it(aws, published, layerctl):
    """Revoking removes every statement that lets the account in, a stack's or a colleague's too, and no other."""
    assert layerctl("share", "--all-versions", "--account", ACCOUNT).code == 0
    grant_by_hand(aws, 1, Principal=ACCOUNT)
    grant_by_hand(aws, 1, "root", Principal="arn:aws:iam::222222222222:root")
    grant_by_hand(aws, 1, "other", Principal="333333333333")
    ran = layerctl("share", "--all-versions", "--account", ACCOUNT, "--revoke", "--apply")
    assert ran.code == 0
    assert sids(aws, 1) == {"other"}
    assert sids(aws, 2, "us-east-1") == set()


def test_a_release_is_shared_where_version_numbers_differ(aws, published, layerctl):
    """--release finds the version of each region by its description."""
    both = ("--region", "us-west-2", "--region", "us-east-1")
    layerctl("publish", published.artifact("0.9.0", "x = 0\n"), "--region", "us-west-2")
    layerctl("publish", published.artifact("1.0.0", "x = '1.0.0'\n"), "--region", "us-west-2")
    ran = layerctl("share", "--release", "1.0.0", "--account", ACCOUNT, *both)
    assert ran.code == 0
    assert (sids(aws, 2, "us-west-2"), sids(aws, 1, "us-east-1")) == ({f"layerctl-account-{ACCOUNT}"},) * 2


def test_public_asks_for_a_second_word(aws, published, layerctl):
    """--public alone grants nothing; revoking it needs no confirmation."""
    refused = layerctl("share", "--version", 1, "--public")
    assert refused.code == 2
    assert "--yes-public" in refused.err
    assert policy(aws, 1) == []
    assert layerctl("share", "--version", 1, "--public", "--yes-public").code == 0
    assert [one["Principal"] for one in policy(aws, 1)] == ["*"]
    assert layerctl("share", "--version", 1, "--public", "--revoke", "--apply").code == 0
    assert policy(aws, 1) == []


def test_revoking_waits_for_a_second_word(aws, published, layerctl):
    """--revoke alone names what would be revoked, and revokes nothing; --apply is for --revoke only."""
    assert layerctl("share", "--version", 1, "--account", ACCOUNT).code == 0
    before = sids(aws, 1)
    planned = layerctl("share", "--version", 1, "--account", ACCOUNT, "--revoke")
    assert planned.code == 0
    assert f"would revoke account {ACCOUNT}" in planned.out
    assert "nothing was done: use --apply" in planned.err
    assert sids(aws, 1) == before != set()
    assert layerctl("share", "--version", 1, "--account", ACCOUNT, "--apply").code == 2
    assert layerctl("permissions", "--apply").code == 2


def test_a_dry_run_says_and_does_nothing(aws, published, layerctl):
    """--dry-run names every grant that would be made, as JSON too."""
    ran = layerctl("share", "--version", 2, "--account", ACCOUNT, "--dry-run", "--json")
    assert ran.code == 0
    assert [one["changes"] for one in ran.data["versions"]] == [
        [{"action": "grant", "audience": f"account {ACCOUNT}"}]
    ] * 3
    assert policy(aws, 2) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--version", "1"], "say with whom"),
        (["--account", ACCOUNT], "name the versions"),
        (["--version", "1", "--all-versions", "--account", ACCOUNT], "name the versions"),
        (["--version", "1", "--account", "12"], "not an account id"),
        (["--version", "1", "--organization", "o-X"], "not an organisation id"),
        (["--version", "7", "--account", ACCOUNT], "helpers has no version 7 in eu-central-1"),
        (["--release", "7.0.0", "--account", ACCOUNT], "helpers has no version 7.0.0 in us-east-1"),
    ],
)
def test_wrong_usage_is_one_line(published, layerctl, options, said):
    """What is missing or malformed is said, and nothing is granted."""
    ran = layerctl("share", *options)
    assert ran.code == 2
    assert said in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("operation", ["AddLayerVersionPermission", "RemoveLayerVersionPermission"])
def test_a_lost_answer_is_no_error(proxy, published, layerctl, operation):
    """A grant or a revocation that arrived without its answer is found done on the retry."""
    proxy.add(operation, cut_after(), region="eu-west-1")
    assert layerctl("share", "--version", 1, "--account", ACCOUNT).code == 0
    assert sids(published.aws, 1, "eu-west-1") == {f"layerctl-account-{ACCOUNT}"}
    assert layerctl("share", "--version", 1, "--account", ACCOUNT, "--revoke", "--apply").code == 0
    assert sids(published.aws, 1, "eu-west-1") == set()


def test_the_audit_names_everyone_and_fails_on_a_grant_too_wide(aws, published, layerctl):
    """All versions of all regions are listed with who may use them; one that layer.toml does not name is exit 1."""
    assert layerctl("permissions").code == 0
    grant_by_hand(aws, 1, Principal="*")
    ran = layerctl("permissions", "--json")
    assert ran.code == 1
    assert len(ran.data["versions"]) == 6
    (finding,) = ran.data["findings"]
    assert finding["rule"] == "grant-too-wide"
    assert finding["hint"].startswith("`layerctl permissions --repair --apply` revokes it;")
    assert finding["path"] == "arn:aws:lambda:eu-central-1:123456789012:layer:helpers:1"
    assert ran.data["requests"] == {"lambda.ListLayerVersions": 3, "lambda.GetLayerVersionPolicy": 6}
    assert "public may use it" in layerctl("permissions").out


def test_a_missing_grant_warns_and_fails_only_when_asked(published, layerctl):
    """A retained version that lost its permission is a warning; --strict makes it exit 1."""
    published.configure(accounts=(ACCOUNT,))
    ran = layerctl("permissions")
    assert ran.code == 0
    assert ran.out.count("[grant-missing]") == 6
    assert layerctl("permissions", "--strict").code == 1


def test_repair_narrows_and_widens(aws, published, layerctl):
    """--repair --apply makes every version's grants those of layer.toml; --repair alone only says so."""
    published.configure(accounts=(ACCOUNT,), organizations=(ORGANIZATION,))
    grant_by_hand(aws, 1, Principal="*")
    grant_by_hand(aws, 1, "org", Principal="*", OrganizationId=ORGANIZATION)
    planned = layerctl("permissions", "--repair")
    assert planned.code == 1
    assert "would revoke public" in planned.out
    assert sids(aws, 1) == {"by-hand", "org"}
    repaired = layerctl("permissions", "--repair", "--apply")
    assert repaired.code == 0, repaired.out
    assert sids(aws, 1) == {"org", f"layerctl-account-{ACCOUNT}"}
    assert sids(aws, 2, "us-east-1") == {f"layerctl-account-{ACCOUNT}", f"layerctl-organization-{ORGANIZATION}"}
    assert "revoke" not in layerctl("permissions", "--repair").out


def test_a_yanked_release_is_not_shared_again(aws, published, layerctl):
    """With the index, a release that was withdrawn and revoked stays revoked."""
    published.configure(accounts=(ACCOUNT,))
    layerctl("index", "write")
    layerctl("index", "yank", "1.0.0", "--reason", "leaks memory")
    assert layerctl("permissions", "--repair", "--apply", "--index", "layers.json").code == 0
    assert (sids(aws, 1), sids(aws, 2)) == (set(), {f"layerctl-account-{ACCOUNT}"})


def test_an_audit_without_a_region_is_no_audit(proxy, published, layerctl):
    """A region that could not be read is exit 2, with the right that is missing."""
    proxy.add("GetLayerVersionPolicy", answer(403, "AccessDeniedException", "no"), region="eu-west-1")
    ran = layerctl("permissions")
    assert ran.code == 2
    assert "not allowed to lambda:GetLayerVersionPolicy in eu-west-1" in ran.err


def statement(principal, condition=None, effect="Allow"):
    """A policy statement."""
    made = {"Sid": "s", "Effect": effect, "Principal": principal, "Action": "lambda:GetLayerVersion"}
    return made | ({"Condition": condition} if condition else {})


@pytest.mark.parametrize(
    ("made", "audiences"),
    [
        (statement("*"), {PUBLIC}),
        (statement({"AWS": "*"}), {PUBLIC}),
        (statement("222222222222"), {Audience(Kind.ACCOUNT, "222222222222")}),
        (statement({"AWS": "arn:aws:iam::222222222222:root"}), {Audience(Kind.ACCOUNT, "222222222222")}),
        (statement({"AWS": "arn:aws-cn:iam::222222222222:root"}), {Audience(Kind.ACCOUNT, "222222222222")}),
        (
            statement({"AWS": ["arn:aws:iam::222222222222:root", "333333333333"]}),
            {Audience(Kind.ACCOUNT, "222222222222"), Audience(Kind.ACCOUNT, "333333333333")},
        ),
        (
            statement("*", {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}),
            {Audience(Kind.ORGANIZATION, "o-abcdefghij")},
        ),
        (
            statement({"AWS": "*"}, {"StringEquals": {"AWS:principalorgid": ["o-abcdefghij", "o-0123456789"]}}),
            {Audience(Kind.ORGANIZATION, "o-abcdefghij"), Audience(Kind.ORGANIZATION, "o-0123456789")},
        ),
        (
            statement("*", {"StringLike": {"aws:PrincipalOrgID": "o-*"}}),
            {Audience(Kind.OTHER, "* under a condition")},
        ),
        (
            statement({"AWS": "arn:aws:iam::222222222222:role/x"}),
            {Audience(Kind.OTHER, "arn:aws:iam::222222222222:role/x")},
        ),
        (statement("*", effect="Deny"), set()),
    ],
)
def test_policies_are_read_as_lambda_writes_them_and_otherwise_with_suspicion(made, audiences):
    """Every form of a principal is understood, and a condition that is not on the organisation narrows nothing."""
    assert audiences_of(json.loads(json.dumps(made))) == audiences
