"""Is each pin known, not yanked, of the right region and partition, fit for its functions, and recent enough?"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from layerctl.core.diagnostics import Finding, Severity
from layerctl.core.partitions import partition_of
from layerctl.pins.open import in_order
from layerctl.releases.index.model import how_soon
from layerctl.scan.model import INDEX
from layerctl.templates.regions import Deployment, deployment_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from layerctl.pins.resolve.versions import PublishedVersion, VersionResolver
    from layerctl.scan.model import Pin

__all__ = ["StalenessLimits", "check_pins"]


@dataclass(frozen=True, slots=True)
class StalenessLimits:
    """How far behind a pin may be.

    Attributes:
        behind: newer releases at most, or None for any number.
        age: at most, while a newer release exists; or None for any.
    """

    behind: int | None = None
    age: timedelta | None = None


def check_pins(
    pins: Iterable[Pin],
    resolver: VersionResolver,
    limits: StalenessLimits,
    *,
    regions: frozenset[str] = frozenset(),
    now: datetime | None = None,
) -> list[Finding]:
    """Check pins, and collect everything that is wrong.

    Args:
        pins: what `scan` found.
        resolver: what is published.
        limits: how far behind is too far.
        regions: where the templates are deployed; empty: what the files beside them say.
        now: the time to measure age at; default: now.
    """
    pins = [pin for pin in pins if pin.via != INDEX]
    findings: list[Finding] = []
    deployments: dict[str, Deployment] = {}
    for pin in pins:
        if pin.path not in deployments:
            deployments[pin.path] = Deployment(regions, "--region") if regions else deployment_of(Path(pin.path))
        deployed = deployments[pin.path]
        if pin.expected_region is not None:
            deployed = Deployment(frozenset({pin.expected_region}), "the key that it stands under")
        findings += _place(pin, deployed)
        if Path(pin.path).stem == "samconfig" and len(deployed.regions) > 1:
            deployed = Deployment()  # each environment of the file has its own region: any of them may be meant
        findings += _version(pin, resolver, limits, deployed.regions, now or datetime.now(UTC))
    findings += _strangers(pins)
    return in_order(findings)


def _finding(pin: Pin, rule: str, message: str, hint: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(rule, pin.path, message, hint, severity, pin.line, pin.column)


# --- region and partition ---------------------------------------------------------------------------------


def _place(pin: Pin, deployed: Deployment) -> Iterator[Finding]:
    wanted, said_by = deployed
    if pin.region is not None and wanted and pin.region not in wanted:
        shown = " or ".join(sorted(wanted))
        yield _finding(
            pin,
            "pin-region",
            f"{pin.name}:{pin.version} is in {pin.region}, but {said_by} says {shown}",
            f"pin the layer's version in {shown}: Lambda takes layers of its own region only",
        )
    regions = {pin.region} if pin.region is not None else wanted
    right = {partition_of(region) for region in regions}
    if pin.partition is not None and right and pin.partition not in right:
        where = pin.region or f"{' or '.join(sorted(wanted))} ({said_by})"
        yield _finding(
            pin,
            "pin-partition",
            f"{pin.name}:{pin.version} has partition {pin.partition}, but {where} is in {' or '.join(sorted(right))}",
            f"write arn:{min(right)}:lambda:..., or ${{AWS::Partition}}",
        )


def _strangers(pins: list[Pin]) -> Iterator[Finding]:
    """Pins of one function in different regions. A layer that it has in several regions is a choice, no evidence."""
    by_function: defaultdict[tuple[str, str], list[Pin]] = defaultdict(list)
    for pin in pins:
        if pin.region is not None and pin.expected_region is None:
            for function in pin.functions:
                by_function[pin.path, function.name].append(pin)
    for (_, name), here in by_function.items():
        regions: defaultdict[str, set[str | None]] = defaultdict(set)
        for pin in here:
            regions[pin.name].add(pin.region)
        fixed = [pin for pin in here if len(regions[pin.name]) == 1]
        votes = Counter(pin.region for pin in fixed)
        if len(votes) < 2:
            continue
        usual = votes.most_common(1)[0][0]
        for pin in fixed:
            if pin.region != usual:
                yield _finding(
                    pin,
                    "pin-region",
                    f"{pin.name}:{pin.version} is in {pin.region}, but {name}'s other layers are in {usual}",
                    "pin them all in the region of the function",
                )


# --- versions ---------------------------------------------------------------------------------------------


def _version(
    pin: Pin, resolver: VersionResolver, limits: StalenessLimits, wanted: frozenset[str], now: datetime
) -> Iterator[Finding]:
    if not resolver.sources:
        return
    known = resolver.published(pin)
    if known is None:
        elsewhere = " in that account" if resolver.knows_name(pin.name) and pin.account else ""
        yield _finding(
            pin,
            "pin-unverified",
            f"{pin.name}:{pin.version} was not checked: no source knows {pin.layer}{elsewhere}",
            "name its index with --index, or ask AWS with --aws",
            Severity.NOTE,
        )
        return
    if pin.region is None and wanted:
        known = [version for version in known if version.arn.region in wanted]
    same = [version for version in known if version.arn.version == pin.version]
    regions = {pin.region} if pin.region else wanted or {version.arn.region for version in same}
    missing = sorted(region for region in regions - {version.arn.region for version in same} if region)
    if missing or not same:
        yield _unknown(pin, resolver, known, missing)
    for version in same:
        yield from _fit(pin, version)
    yield from _yanked(pin, same, known)
    yield from _age(pin, same, known, limits, now)


def _unknown(pin: Pin, resolver: VersionResolver, known: list[PublishedVersion], missing: list[str]) -> Finding:
    there = ", ".join(str(number) for number in sorted({version.arn.version for version in known})[-5:])
    where = " or ".join(missing) or "any region"
    hint = f"there are {there}" if there else f"{pin.name} is not published in {where}"
    source = resolver.source(pin)
    return _finding(pin, "pin-unknown", f"{pin.name}:{pin.version} is not published in {where}, says {source}", hint)


def _fit(pin: Pin, version: PublishedVersion) -> Iterator[Finding]:
    for function in pin.functions:
        if function.runtime and version.runtimes and function.runtime not in version.runtimes:
            yield _finding(
                pin,
                "pin-runtime",
                f"{pin.name}:{pin.version} is not made for {function.runtime}, which {function.name} uses",
                f"it is made for {', '.join(version.runtimes)}: change the runtime or the version",
            )
        if function.architecture and version.architectures and function.architecture not in version.architectures:
            yield _finding(
                pin,
                "pin-architecture",
                f"{pin.name}:{pin.version} is not made for {function.architecture}, which {function.name} uses",
                f"it is made for {', '.join(version.architectures)}: change Architectures or the version",
            )


def _yanked(pin: Pin, same: list[PublishedVersion], known: list[PublishedVersion]) -> Iterator[Finding]:
    yanked = next((version for version in same if version.yanked is not None), None)
    if yanked is None:
        return
    good = [other for other in known if other.yanked is None and other.arn.region == yanked.arn.region]
    newest = max(good, key=_age_order, default=None)
    hint = f"take {_shown(newest)}: `layerctl pins bump`" if newest else "there is no other version in that region"
    said = f"{pin.name} {_shown(yanked)} was yanked{how_soon(yanked.severity)}: {yanked.yanked}"
    yield _finding(pin, "pin-yanked", said, hint)


def _age(
    pin: Pin, same: list[PublishedVersion], known: list[PublishedVersion], limits: StalenessLimits, now: datetime
) -> Iterator[Finding]:
    """Count what is newer, region by region, and report the worst."""
    worst: list[PublishedVersion] = []
    mine: PublishedVersion | None = None
    for version in same:
        newer = [other for other in known if other.arn.region == version.arn.region and _is_newer(other, version)]
        if mine is None or len(newer) > len(worst):
            worst, mine = newer, version
    if mine is None or not worst:
        return
    newest = max(worst, key=_age_order)
    hint = f"take {_shown(newest)}: `layerctl pins bump`"
    if limits.behind is not None and len(worst) > limits.behind:
        count = f"{len(worst)} release{'s' * (len(worst) != 1)}"
        message = f"{pin.name} {_shown(mine)} is {count} behind; at most {limits.behind} are allowed"
        yield _finding(pin, "pin-behind", message, hint)
    if limits.age is not None and mine.date:
        age = now - datetime.fromisoformat(mine.date)
        if age > limits.age:
            message = f"{pin.name} {_shown(mine)} is {age.days} days old; at most {_days(limits.age)} are allowed"
            yield _finding(pin, "pin-old", message, hint)


def _is_newer(other: PublishedVersion, version: PublishedVersion) -> bool:
    if other.yanked is not None:
        return False
    if other.order is not None and version.order is not None:
        return other.order > version.order and (not other.order.is_prerelease or version.order.is_prerelease)
    return other.arn.version > version.arn.version


def _age_order(version: PublishedVersion) -> tuple[bool, object, int]:
    return (version.order is not None, version.order or 0, version.arn.version)


def _shown(version: PublishedVersion) -> str:
    return f"{version.release} (version {version.arn.version})" if version.release else f"version {version.arn.version}"


def _days(age: timedelta) -> str:
    return f"{age.days} days" if age.days else f"{age.seconds // 3600} hours"
