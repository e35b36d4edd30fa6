"""The policy of one layer version: read, widened, narrowed. Every step may be repeated without harm."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from layerctl.aws.failures import UnexpectedAnswerError
from layerctl.core.errors import LayerctlError
from layerctl.releases.policies.audience import PUBLIC, Audience, account, audiences_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from layerctl.core.arn import LayerVersionArn

__all__ = ["Grant", "SharingStep", "apply", "granted", "missing", "plan_changes", "read_grants", "too_wide"]


@dataclass(frozen=True, slots=True)
class Grant:
    """One statement of a policy: its id and whom it lets in."""

    statement_id: str
    audiences: frozenset[Audience]


@dataclass(frozen=True, slots=True)
class SharingStep:
    """One step towards the wanted sharing: ``grant`` or ``revoke`` an audience.

    Attributes:
        statement_id: the statement that is added or removed.
    """

    action: str
    arn: LayerVersionArn
    audience: Audience
    statement_id: str

    def __str__(self) -> str:
        return f"{self.action} {self.audience}"


def read_grants(client: Any, arn: LayerVersionArn) -> list[Grant]:
    """Read a version's policy (`GetLayerVersionPolicy`); a version without one is shared with nobody.

    Raises:
        UnexpectedAnswerError: the policy has no statements, which is not AWS's: it must not count as nobody.
    """
    try:
        policy = client.get_layer_version_policy(LayerName=arn.name, VersionNumber=arn.version)["Policy"]
    except client.exceptions.ResourceNotFoundException:
        return []
    statements = json.loads(policy).get("Statement")
    if statements is None:
        raise UnexpectedAnswerError(operation="GetLayerVersionPolicy")
    grants = [Grant(str(statement.get("Sid", "")), audiences_of(statement)) for statement in statements]
    return [grant for grant in grants if grant.audiences]


def granted(grants: Iterable[Grant], *, owner: str) -> frozenset[Audience]:
    """Everyone who may use a version. The account `owner` always may, so a grant to it says nothing."""
    return frozenset(audience for grant in grants for audience in grant.audiences) - {account(owner)}


def too_wide(grants: Iterable[Grant], wanted: frozenset[Audience], *, owner: str) -> list[Audience]:
    """Who may use a version and should not. Where everyone may, nobody is too much."""
    return [] if PUBLIC in wanted else sorted(granted(grants, owner=owner) - wanted)


def missing(grants: Iterable[Grant], wanted: frozenset[Audience], *, owner: str) -> list[Audience]:
    """Who should be able to use a version and is not. Where everyone may, nobody lacks a grant of their own."""
    has = granted(grants, owner=owner)
    return [] if PUBLIC in wanted & has else sorted(wanted - has - {account(owner)})


def plan_changes(
    arn: LayerVersionArn,
    grants: Iterable[Grant],
    *,
    add: Iterable[Audience] = (),
    remove: Iterable[Audience] = (),
) -> list[SharingStep]:
    """Work out the fewest steps that let in `add` and shut out `remove`, whoever granted it under whatever id."""
    grants = list(grants)
    now = {audience for grant in grants for audience in grant.audiences}
    unwanted = set(remove)
    changes = [SharingStep("grant", arn, audience, audience.statement_id) for audience in sorted(set(add) - now)]
    for grant in grants:
        hit = sorted(grant.audiences & unwanted)
        changes += [SharingStep("revoke", arn, audience, grant.statement_id) for audience in hit]
        # Lambda writes one principal a statement; should one have more, those who stay get statements of their own.
        stay = sorted(grant.audiences - unwanted) if hit else []
        changes += [SharingStep("grant", arn, audience, audience.statement_id) for audience in stay]
    return sorted(changes, key=lambda change: change.action)  # grants first: nobody who stays is out for a moment


def apply(client: Any, changes: Iterable[SharingStep]) -> None:
    """Carry changes out. What is there already, or gone already, is fine.

    Raises:
        LayerctlError: a statement of ours has another content; see the message.
    """
    removed: set[tuple[LayerVersionArn, str]] = set()
    for change in changes:
        if change.action == "grant":
            _grant(client, change)
        elif (change.arn, change.statement_id) not in removed:
            removed.add((change.arn, change.statement_id))
            _revoke(client, change)


def _grant(client: Any, change: SharingStep) -> None:
    try:
        client.add_layer_version_permission(
            LayerName=change.arn.name,
            VersionNumber=change.arn.version,
            StatementId=change.statement_id,
            Action="lambda:GetLayerVersion",
            **change.audience.parameters,
        )
    except client.exceptions.ResourceConflictException:
        # Another run was faster, or an earlier attempt arrived although its answer did not.
        if not any(change.audience in grant.audiences for grant in read_grants(client, change.arn)):
            raise LayerctlError(
                f"{change.arn}: the statement {change.statement_id} exists and does not grant {change.audience}",
                hint="remove it with `layerctl permissions --repair --apply`",
            ) from None


def _revoke(client: Any, change: SharingStep) -> None:
    try:
        client.remove_layer_version_permission(
            LayerName=change.arn.name, VersionNumber=change.arn.version, StatementId=change.statement_id
        )
    except client.exceptions.ResourceNotFoundException:
        return
