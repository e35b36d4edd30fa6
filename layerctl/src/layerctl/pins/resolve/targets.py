"""Which version a pin shall go to: the newest, a release, or a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from packaging.version import Version

from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from layerctl.pins.resolve.versions import PublishedVersion, VersionResolver
    from layerctl.scan.model import Pin

__all__ = ["BumpRequest", "NoTargetError", "Target", "choose", "newest"]


class NoTargetError(Exception):
    """There is no version that the pin may go to."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


class Target(NamedTuple):
    """The version that a pin goes to (its own, if it stays), with the releases where known."""

    version: int
    release: str | None
    old_release: str | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BumpRequest:
    """What a user asked for.

    Attributes:
        to: ``latest``, a release (``1.4.0``), or a version number.
        layer: a layer's name or ARN; None for every layer that the resolver knows.
        major: whether a jump over a major version is meant.
        force: whether a yanked release is meant.
        regions: for pins that name no region: the regions that they are deployed to; empty for all.

    Raises:
        LayerctlError: `to` is a number that no layer version can have.
    """

    to: str = "latest"
    layer: str | None = None
    major: bool = False
    force: bool = False
    regions: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        # Lambda counts from 1, in a Long (Lambda API reference, LayerVersionsListItem). The length comes first: Python
        # does not read numbers of thousands of digits.
        if self.to.isdecimal() and not (len(self.to) < 20 and 1 <= int(self.to) < 2**63):
            raise LayerctlError(f"--to {self.to[:24]}: no layer version has that number", hint="they count from 1")

    @property
    def number(self) -> int | None:
        """The version number, if that is what was asked for."""
        return int(self.to) if self.to.isdecimal() and self.to.isascii() else None

    def covers(self, pin: Pin, resolver: VersionResolver) -> bool:
        """Whether the pin is of the layer that shall move."""
        known = resolver.source(pin) is not None
        if self.layer is None:
            return known or (self.number is not None and not resolver.sources)
        if ":layer:" in self.layer:
            account, _, name = self.layer.split(":", 4)[-1].partition(":layer:")
            return pin.name == name.partition(":")[0] and pin.account in {None, account}
        # A layer of the same name in another account is another layer, once somebody knows the one that is meant.
        return pin.name == self.layer and (known or not resolver.knows_name(pin.name))


def choose(pin: Pin, request: BumpRequest, resolver: VersionResolver) -> Target:
    """Work out the version that a pin shall go to.

    Raises:
        NoTargetError: it does not exist, differs between the pin's regions, was yanked, or is a major jump; the last
            two unless they were asked for.
    """
    known = resolver.published(pin)
    if known is not None and pin.region is None and request.regions:
        known = [one for one in known if one.arn.region in request.regions]
    if known is None:
        if request.number is not None and not resolver.sources:
            return Target(request.number, None, None)
        if request.number is not None:
            note = f"no source knows {pin.layer}: whether version {request.number} exists was not checked"
            return Target(request.number, None, None, (note,))
        raise NoTargetError(
            f"no source of versions knows {pin.layer}", "name its index with --index, or a number with --to N"
        )
    where = pin.region or "any region"
    if not known:
        regions = sorted({one.arn.region for one in resolver.everywhere(pin)})
        raise NoTargetError(f"{pin.name} is not published in {where}", f"it is in {', '.join(regions) or 'no region'}")
    old = resolver.find(pin)
    top = max(one.arn.version for one in known)
    if request.to == "latest" and pin.version > top:
        raise NoTargetError(
            f"{pin.name}:{pin.version} is newer than what {resolver.source(pin)} knows ({top})", "refresh the index"
        )
    notes: list[str] = []
    if request.number is not None:
        wanted = [one for one in known if one.arn.version == request.number]
    elif request.to == "latest":
        wanted = newest(known, old, major=request.major, notes=notes)
    else:
        wanted = [one for one in known if _same_release(one, request.to)]
    if not wanted:
        releases = ", ".join(dict.fromkeys(_shown(one) for one in known[-8:]))
        raise NoTargetError(f"{pin.name} has no {request.to} in {where}", f"there are {releases}")
    numbers = sorted({one.arn.version for one in wanted})
    if len(numbers) > 1:
        shown = ", ".join(f"{one.arn.version} in {one.arn.region}" for one in sorted(wanted, key=lambda one: one.arn))
        raise NoTargetError(
            f"{wanted[0].release or request.to} of {pin.name} has different numbers: {shown}",
            "say with --region where the template is deployed",
        )
    missing = sorted({one.arn.region for one in known} - {one.arn.region for one in wanted})
    target = wanted[0]
    if missing and pin.region is None and target.release:
        notes.append(f"{target.release} is not in {', '.join(missing)}")
    reason = next((one.yanked for one in wanted if one.yanked is not None), None)
    if reason is not None:  # it may be empty
        if target.arn.version != pin.version and not request.force:
            raise NoTargetError(f"{_shown(target)} of {pin.name} was yanked: {reason}", "say --force if it is meant")
        notes.append(f"{_shown(target)} was yanked: {reason}")
    if target.arn.version != pin.version and not request.major:
        _refuse_major(pin, known, old, target)
    return Target(target.arn.version, target.release, old.release if old else None, tuple(notes))


def newest(
    known: list[PublishedVersion], old: PublishedVersion | None, *, major: bool, notes: list[str]
) -> list[PublishedVersion]:
    """The newest version that is not yanked, in every region; without `major`, within the old one's major version."""
    usable = [one for one in known if one.yanked is None]
    ordered = [one for one in usable if one.order is not None]
    final = [one for one in ordered if one.order is not None and not one.order.is_prerelease] or ordered
    if not final:
        # Releases are not known (Lambda tells numbers only): the highest number, region by region.
        top = max((one.arn.version for one in usable), default=0)
        return [one for one in usable if one.arn.version == top]
    best = max(one.order for one in final if one.order is not None)
    if not major and old is not None and old.order is not None and best.major > old.order.major:
        limit = old.order.major
        within = [one.order for one in final if one.order is not None and one.order.major <= limit]
        notes.append(f"{best} exists; --major goes there")
        if not within:
            return [old]
        best = max(within)
    if old is not None and old.order is not None and old.order > best and old.yanked is None:
        return [old]
    return [one for one in final if one.order == best]


def _refuse_major(
    pin: Pin, known: list[PublishedVersion], old: PublishedVersion | None, target: PublishedVersion
) -> None:
    """Refuse a jump over a major version, or one that may be one."""
    if target.order is None:
        return
    if old is not None and old.order is not None:
        if old.order.major != target.order.major:
            raise NoTargetError(
                f"{old.release} to {target.release} is a jump over a major version", "say --major if it is meant"
            )
    elif _majors_around(pin.version, known) != {target.order.major}:
        raise NoTargetError(
            f"{pin.name}:{pin.version} is in no source, so {target.release} may be a jump over a major version",
            "say --major if it is meant",
        )


def _majors_around(number: int, known: list[PublishedVersion]) -> set[int]:
    """The major versions of the releases right below and above a number; empty unless there are both."""
    below = max((one for one in known if one.arn.version < number), key=lambda one: one.arn.version, default=None)
    above = min((one for one in known if one.arn.version > number), key=lambda one: one.arn.version, default=None)
    orders = [one.order for one in (below, above) if one is not None and one.order is not None]
    return {order.major for order in orders} if len(orders) == 2 else set()


def _same_release(one: PublishedVersion, wanted: str) -> bool:
    if one.release == wanted:
        return True
    try:
        return one.order is not None and one.order == Version(wanted)
    except ValueError:  # InvalidVersion, or a number of thousands of digits
        return False


def _shown(one: PublishedVersion) -> str:
    return f"{one.release} ({one.arn.version})" if one.release else str(one.arn.version)
