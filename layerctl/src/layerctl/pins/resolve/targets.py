"""Which version a pin shall go to: the newest, a release, or a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from packaging.version import Version

from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from layerctl.pins.resolve.versions import PublishedVersion, VersionResolver
    from layerctl.scan.model import Pin

__all__ = ["BumpRequest", "BumpTarget", "NoTargetError", "choose", "newest"]


class NoTargetError(Exception):
    """There is no version that the pin may go to."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


class BumpTarget(NamedTuple):
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


def choose(pin: Pin, request: BumpRequest, resolver: VersionResolver) -> BumpTarget:
    """Work out the version that a pin shall go to.

    Raises:
        NoTargetError: it does not exist, differs between the pin's regions, was yanked, or is a major jump; the last
            two unless they were asked for.
    """
    known = resolver.published(pin)
    if known is not None and pin.region is None and request.regions:
        known = [version for version in known if version.arn.region in request.regions]
    if known is None:
        if request.number is not None and not resolver.sources:
            return BumpTarget(request.number, None, None)
        if request.number is not None:
            note = f"no source knows {pin.layer}: whether version {request.number} exists was not checked"
            return BumpTarget(request.number, None, None, (note,))
        raise NoTargetError(
            f"no source of versions knows {pin.layer}", "name its index with --index, or a number with --to N"
        )
    where = pin.region or "any region"
    if not known:
        regions = sorted({version.arn.region for version in resolver.everywhere(pin)})
        raise NoTargetError(f"{pin.name} is not published in {where}", f"it is in {', '.join(regions) or 'no region'}")
    old = resolver.find(pin)
    top = max(version.arn.version for version in known)
    if request.to == "latest" and pin.version > top:
        raise NoTargetError(
            f"{pin.name}:{pin.version} is newer than what {resolver.source(pin)} knows ({top})", "refresh the index"
        )
    notes: list[str] = []
    if request.number is not None:
        wanted = [version for version in known if version.arn.version == request.number]
    elif request.to == "latest":
        wanted = newest(known, old, major=request.major, notes=notes)
    else:
        wanted = [version for version in known if _same_release(version, request.to)]
    if not wanted:
        releases = ", ".join(dict.fromkeys(_shown(version) for version in known[-8:]))
        raise NoTargetError(f"{pin.name} has no {request.to} in {where}", f"there are {releases}")
    numbers = sorted({version.arn.version for version in wanted})
    if len(numbers) > 1:
        shown = ", ".join(
            f"{version.arn.version} in {version.arn.region}"
            for version in sorted(wanted, key=lambda version: version.arn)
        )
        raise NoTargetError(
            f"{wanted[0].release or request.to} of {pin.name} has different numbers: {shown}",
            "say with --region where the template is deployed",
        )
    missing = sorted({version.arn.region for version in known} - {version.arn.region for version in wanted})
    target = wanted[0]
    if missing and pin.region is None and target.release:
        notes.append(f"{target.release} is not in {', '.join(missing)}")
    reason = next((version.yanked for version in wanted if version.yanked is not None), None)
    if reason is not None:  # it may be empty
        if target.arn.version != pin.version and not request.force:
            raise NoTargetError(f"{_shown(target)} of {pin.name} was yanked: {reason}", "say --force if it is meant")
        notes.append(f"{_shown(target)} was yanked: {reason}")
    if target.arn.version != pin.version and not request.major:
        _refuse_major(pin, known, old, target)
    return BumpTarget(target.arn.version, target.release, old.release if old else None, tuple(notes))


def newest(
    known: list[PublishedVersion], old: PublishedVersion | None, *, major: bool, notes: list[str]
) -> list[PublishedVersion]:
    """The newest version that is not yanked, in every region; without `major`, within the old one's major version."""
    usable = [version for version in known if version.yanked is None]
    ordered = [version for version in usable if version.order is not None]
    final = [version for version in ordered if version.order is not None and not version.order.is_prerelease] or ordered
    if not final:
        # Releases are not known (Lambda tells numbers only): the highest number, region by region.
        top = max((version.arn.version for version in usable), default=0)
        return [version for version in usable if version.arn.version == top]
    best = max(version.order for version in final if version.order is not None)
    if not major and old is not None and old.order is not None and best.major > old.order.major:
        limit = old.order.major
        within = [version.order for version in final if version.order is not None and version.order.major <= limit]
        notes.append(f"{best} exists; --major goes there")
        if not within:
            return [old]
        best = max(within)
    if old is not None and old.order is not None and old.order > best and old.yanked is None:
        return [old]
    return [version for version in final if version.order == best]


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
    below = max(
        (version for version in known if version.arn.version < number),
        key=lambda version: version.arn.version,
        default=None,
    )
    above = min(
        (version for version in known if version.arn.version > number),
        key=lambda version: version.arn.version,
        default=None,
    )
    orders = [version.order for version in (below, above) if version is not None and version.order is not None]
    return {order.major for order in orders} if len(orders) == 2 else set()


def _same_release(version: PublishedVersion, wanted: str) -> bool:
    if version.release == wanted:
        return True
    try:
        return version.order is not None and version.order == Version(wanted)
    except ValueError:  # InvalidVersion, or a number of thousands of digits
        return False


def _shown(version: PublishedVersion) -> str:
    return f"{version.release} ({version.arn.version})" if version.release else str(version.arn.version)
