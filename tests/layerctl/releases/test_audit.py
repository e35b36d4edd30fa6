"""What an audit finds of who may use what, and which steps mend it: each to the word."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from layerctl.core.diagnostics import Finding, Severity
from layerctl.releases.policies.audience import PUBLIC, Audience
from layerctl.releases.policies.audit import AuditedVersion, audit, read_region, reconcile
from layerctl.releases.policies.grants import Grant, SharingStep
from layerctl.releases.versions import LayerVersion
from tests.layerctl.releases.conftest import put_versions
from tests.layerctl.releases.test_exact import ANN, ARN, BOB, ORG, OWNER, Lambda, account, allow

NARROW = "`layerctl permissions --repair --apply` revokes it; functions that use the version already go on working"
WIDEN = "`layerctl permissions --repair --apply` grants it"


def audited(number: int, release: str, *audiences: Audience) -> AuditedVersion:
    """Return a version with a grant for each audience, and one for its owner."""
    about = LayerVersion(ARN.with_version(number), datetime(2026, 11, 26, tzinfo=UTC), f"{release} sha256:{'a' * 64}")
    grants = [Grant(f"for {one}", frozenset({one})) for one in (*audiences, account(OWNER))]
    return AuditedVersion(about, tuple(grants))


def test_what_is_too_wide_is_an_error_and_what_lacks_a_warning() -> None:
    """Of each version by its ARN; what was yanked need not be shared, but must not be shared too widely either."""
    versions = [audited(1, "1.0.0", ANN, BOB), audited(2, "1.1.0", ORG), audited(3, "1.2.0", PUBLIC)]
    arns = [str(one.version.arn) for one in versions]

    def wide(number: int, who: str) -> Finding:
        message = f"{who} may use it, layer.toml does not say so"
        return Finding("grant-too-wide", arns[number - 1], message, NARROW, Severity.ERROR)

    def lacks(number: int, who: str) -> Finding:
        message = f"{who} may not use it, layer.toml says so"
        return Finding("grant-missing", arns[number - 1], message, WIDEN, Severity.WARNING)

    ann, bob, organisation = "account 222222222222", "account 333333333333", "organization o-abcdefghij"
    assert audit(versions, frozenset({ANN})) == [
        wide(1, bob),
        *(wide(2, organisation), lacks(2, ann)),
        *(wide(3, "public"), lacks(3, ann)),
    ]
    assert audit(iter(versions), frozenset({ANN}), iter(["1.1.0", "9.9.9"])) == [
        wide(1, bob),
        wide(2, organisation),
        *(wide(3, "public"), lacks(3, ann)),
    ]
    assert audit(versions, frozenset({PUBLIC})) == [lacks(1, "public"), lacks(2, "public")]
    assert audit([audited(1, "1.0.0", ANN)], frozenset({ANN, account(OWNER)})) == []
    assert versions[0].audiences == frozenset({ANN, BOB})
    assert (versions[0].too_wide(frozenset({ANN})), versions[0].missing(frozenset({ORG}))) == ([BOB], [ORG])


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize("yanked", [(), ("1.0.0",)])
def test_grants_are_made_what_is_wanted(*, dry_run: bool, yanked: tuple[str, ...]) -> None:
    """Each version is widened and narrowed, a yanked one only narrowed; a dry run returns the same steps."""
    client = Lambda([allow(f"for {BOB}", "333333333333")])
    steps = reconcile(client, [audited(1, "1.0.0", BOB)], frozenset({ANN}), yanked=iter(yanked), dry_run=dry_run)
    grant, revoke = SharingStep("grant", ARN, ANN, ANN.statement_id), SharingStep("revoke", ARN, BOB, f"for {BOB}")
    assert steps == ([revoke] if yanked else [grant, revoke])
    done = [("grant", "add"), ("revoke", "remove")]
    assert [kind for kind, _ in client.calls] == [
        asked for action, asked in done if not dry_run and action in {one.action for one in steps}
    ]


def test_each_version_has_its_steps() -> None:
    """In the order of the versions."""
    versions = [audited(1, "1.0.0", BOB), audited(2, "1.1.0", ANN), audited(3, "1.2.0")]
    steps = reconcile(Lambda([]), versions, frozenset({ANN}), dry_run=True)
    assert [(one.arn.version, str(one)) for one in steps] == [
        *((1, "grant account 222222222222"), (1, "revoke account 333333333333"), (3, "grant account 222222222222"))
    ]


def test_a_region_is_read_version_by_version(aws) -> None:  # type: ignore[no-untyped-def]
    """Each with the statements of its policy, the newest first."""
    put_versions(aws, "1.0.0", "1.1.0", regions=("eu-central-1",))
    client = aws.client("lambda", "eu-central-1")
    client.add_layer_version_permission(
        LayerName="helpers", VersionNumber=1, StatementId="x", Action="lambda:GetLayerVersion", Principal="*"
    )
    read = read_region(client, "helpers")
    assert [(one.version.number, one.version.release, one.audiences) for one in read] == [
        (2, "1.1.0", frozenset()),
        (1, "1.0.0", frozenset({PUBLIC})),
    ]
    assert [one.grants for one in read] == [(), (Grant("x", frozenset({PUBLIC})),)]
