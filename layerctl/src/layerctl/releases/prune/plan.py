"""What may be deleted: a pure function of what was seen, which refuses when not everything was."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from layerctl.core.errors import LayerctlError
from layerctl.releases.policies.audience import Audience, Kind
from layerctl.releases.usage.gaps import unscanned

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from layerctl.core.arn import LayerVersionArn

__all__ = ["IncompleteViewError", "Inventory", "Policy", "PruneDecision", "VersionFacts", "plan_prune"]


class IncompleteViewError(LayerctlError):
    """Not everything that could use a version was seen, so nothing is planned.

    Attributes:
        gaps: each thing that was not seen.
    """

    def __init__(self, gaps: list[str]) -> None:
        self.gaps = gaps
        rest = f" (and {len(gaps) - 1} more)" if len(gaps) > 1 else ""
        super().__init__(
            f"nothing is planned, because the view is incomplete: {gaps[0]}{rest}",
            hint="scan accounts by a role with --role, mend what failed, then run again",
        )


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """A version of the layer: when it was published (aware of its zone) and who may use it besides its owner."""

    arn: LayerVersionArn
    created: datetime
    audiences: frozenset[Audience] = frozenset()


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was seen.

    Attributes:
        versions: every version of the layer in every region that is pruned.
        uses: who uses a version, by ARN; texts for people.
        yanked: versions of yanked releases: nobody should take them up, so none of them is kept for being new.
        scanned: the (account, region) pairs whose functions were all seen.
        problems: what could not be seen for any other reason.
    """

    versions: tuple[VersionFacts, ...]
    uses: Mapping[LayerVersionArn, tuple[str, ...]] = field(default_factory=dict)
    yanked: frozenset[LayerVersionArn] = frozenset()
    scanned: frozenset[tuple[str, str]] = frozenset()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """What the user wants to keep.

    Attributes:
        keep: how many of the newest versions of each region; at least 1.
        older_than: younger versions are kept.
        assume_unused: whether versions that an organisation or everyone may use count as unused when no use was
            seen; their users can't all be scanned.
    """

    keep: int = 1
    older_than: timedelta | None = None
    assume_unused: bool = False


@dataclass(frozen=True, slots=True)
class PruneDecision:
    """What happens to a version, and why."""

    arn: LayerVersionArn
    delete: bool
    reason: str


def plan_prune(inventory: Inventory, policy: Policy, *, now: datetime) -> list[PruneDecision]:
    """Decide over every version, oldest first within each region.

    Raises:
        IncompleteViewError: a region or an account that a version is shared with was not scanned.
        LayerctlError: `policy` would delete the newest version.
    """
    if policy.keep < 1:
        raise LayerctlError(f"--keep {policy.keep} would delete the newest version", hint="keep 1 or more")
    shared = [(version.arn, version.audiences) for version in inventory.versions]
    gaps = list(dict.fromkeys([*inventory.problems, *unscanned(shared, inventory.scanned)]))
    if gaps:
        raise IncompleteViewError(gaps)
    by_layer: defaultdict[str, list[VersionFacts]] = defaultdict(list)
    for version in inventory.versions:
        by_layer[version.arn.layer_arn].append(version)
    decisions = []
    for layer in sorted(by_layer):
        versions = sorted(by_layer[layer], key=lambda version: version.arn.version)
        good = [version for version in versions if version.arn not in inventory.yanked] or versions
        newest = {version.arn for version in good[-policy.keep :]}
        for version in versions:
            if version is good[-1]:
                reason = "the newest" if version is versions[-1] else "the newest that is not yanked"
            else:
                users = inventory.uses.get(version.arn, ())
                reason = _in_use(users) or _kept(version, version.arn in newest, policy, now)
            unused = f"{'yanked, and ' * (version.arn in inventory.yanked)}not used by anyone"
            decisions.append(PruneDecision(version.arn, not reason, reason or unused))
    return decisions


def _in_use(users: tuple[str, ...]) -> str:
    more = f" and {len(users) - 1} more" if len(users) > 1 else ""
    return f"used by {users[0]}{more}" if users else ""


def _kept(version: VersionFacts, recent: bool, policy: Policy, now: datetime) -> str:
    """Why an unused version stays, or the empty string."""
    if recent:
        return f"one of the {policy.keep} newest"
    if policy.older_than is not None and now - version.created < policy.older_than:
        return f"published {version.created:%Y-%m-%d}, younger than {policy.older_than.days} days"
    open_to = [str(audience) for audience in sorted(version.audiences) if audience.kind is not Kind.ACCOUNT]
    if open_to and not policy.assume_unused:
        return f"shared with {', '.join(open_to)}, whose use nobody can see (--assume-unused)"
    return ""
