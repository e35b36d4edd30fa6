"""Who may use what, over all retained versions, held against `layer.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from layerctl.core.diagnostics import Finding, Severity
from layerctl.releases.policies.grants import (
    Grant,
    SharingStep,
    apply,
    granted,
    missing,
    plan_changes,
    read_grants,
    too_wide,
)
from layerctl.releases.versions import LayerVersion, list_versions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from layerctl.releases.policies.audience import Audience

__all__ = ["AuditedVersion", "audit", "read_region", "reconcile"]


@dataclass(frozen=True, slots=True)
class AuditedVersion:
    """A version and the statements of its policy."""

    version: LayerVersion
    grants: tuple[Grant, ...]

    @property
    def audiences(self) -> frozenset[Audience]:
        """Everyone who may use it, its owner aside."""
        return granted(self.grants, owner=self.version.arn.account)

    def too_wide(self, wanted: frozenset[Audience]) -> list[Audience]:
        """Who may use it and should not."""
        return too_wide(self.grants, wanted, owner=self.version.arn.account)

    def missing(self, wanted: frozenset[Audience]) -> list[Audience]:
        """Who should be able to use it and is not."""
        return missing(self.grants, wanted, owner=self.version.arn.account)


def read_region(client: Any, layer: str) -> list[AuditedVersion]:
    """Read every version of a region with its policy: one request per version, for Lambda lists no policies."""
    return [
        AuditedVersion(version, tuple(read_grants(client, version.arn))) for version in list_versions(client, layer)
    ]


def audit(audited: Iterable[AuditedVersion], wanted: frozenset[Audience], yanked: Iterable[str] = ()) -> list[Finding]:
    """Compare grants with what is wanted.

    Args:
        audited: versions with their grants.
        wanted: what `layer.toml` says.
        yanked: releases that need not be shared; a grant that they lack is no finding.
    """
    withdrawn = set(yanked)
    findings = []
    for shared in audited:
        arn = str(shared.version.arn)
        findings += [
            Finding("grant-too-wide", arn, f"{audience} may use it, layer.toml does not say so", _NARROW)
            for audience in shared.too_wide(wanted)
        ]
        if shared.version.release not in withdrawn:
            findings += [
                Finding(
                    "grant-missing", arn, f"{audience} may not use it, layer.toml says so", _WIDEN, Severity.WARNING
                )
                for audience in shared.missing(wanted)
            ]
    return findings


_NARROW = "`layerctl permissions --repair --apply` revokes it; functions that use the version already go on working"
_WIDEN = "`layerctl permissions --repair --apply` grants it"


def reconcile(
    client: Any,
    audited: Iterable[AuditedVersion],
    wanted: frozenset[Audience],
    *,
    yanked: Iterable[str] = (),
    dry_run: bool,
) -> list[SharingStep]:
    """Make grants what `layer.toml` says, narrower and wider, and return the steps."""
    withdrawn = set(yanked)
    steps: list[SharingStep] = []
    for shared in audited:
        add = () if shared.version.release in withdrawn else shared.missing(wanted)
        steps += plan_changes(shared.version.arn, shared.grants, add=add, remove=shared.too_wide(wanted))
    if not dry_run:
        apply(client, steps)
    return steps
