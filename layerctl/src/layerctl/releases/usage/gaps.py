"""What a scan cannot have seen: accounts that may use a version and were not scanned, and audiences without a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerctl.releases.policies.audience import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from layerctl.core.arn import LayerVersionArn
    from layerctl.releases.policies.audience import Audience

__all__ = ["unlisted", "unscanned"]


def unscanned(
    versions: Iterable[tuple[LayerVersionArn, Collection[Audience]]], scanned: Collection[tuple[str, str]]
) -> list[str]:
    """Name each account and region that may use a version and was not seen whole; the owner may always.

    Args:
        versions: layer versions and who may use them besides the owner.
        scanned: the (account, region) pairs whose functions were all seen.
    """
    gaps: dict[str, None] = {}
    for arn, audiences in versions:
        for account in (arn.account, *(audience.id for audience in sorted(audiences) if audience.kind is Kind.ACCOUNT)):
            if (account, arn.region) not in scanned:
                gaps[f"account {account} was not scanned in {arn.region} (it may use {arn.name})"] = None
    return list(gaps)


def unlisted(versions: Iterable[tuple[LayerVersionArn, Collection[Audience]]]) -> list[str]:
    """Name the audiences whose members nobody can list: organisations, the public, statements under a condition."""
    found: dict[str, list[LayerVersionArn]] = {}
    for arn, audiences in versions:
        for audience in sorted(audiences):
            if audience.kind is not Kind.ACCOUNT:
                found.setdefault(str(audience), []).append(arn)
    return [
        f"{audience} may use {arns[0]}"
        + f" and {len(arns) - 1} more" * (len(arns) > 1)
        + ": who that is, AWS does not tell"
        for audience, arns in found.items()
    ]
