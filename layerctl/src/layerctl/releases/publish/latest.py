"""``/NAME/STAGE/latest``: the parameter that names a region's newest version, whoever published it.

A stack owns it where `sam deploy` is used too: CloudFormation writes what the stack is told (see `stack`) when that
changes, and leaves it alone otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from layerctl.releases.versions import LayerVersion

__all__ = ["held_by", "is_newer", "latest_name", "move_latest"]


def latest_name(layer: str, stage: str) -> str:
    """The parameter of a layer and stage."""
    return f"/{layer}/{stage}/latest"


def held_by(client: Any, name: str) -> str:
    """The ARN that the parameter names; empty where there is no such parameter.

    Args:
        client: the region's SSM client.
        name: the parameter's.
    """
    try:
        return str(client.get_parameter(Name=name)["Parameter"]["Value"])
    except client.exceptions.ParameterNotFound:
        return ""


def move_latest(
    client: Any, name: str, mine: LayerVersion, release: str, listed: Iterable[LayerVersion], *, dry_run: bool
) -> str:
    """Let the parameter name a version, unless what it names is newer, and say what was done; empty for nothing.

    Args:
        client: the region's SSM client.
        name: the parameter's.
        mine: the version that was published.
        release: its release.
        listed: the versions that the region has.
        dry_run: only say it.
    """
    held = held_by(client, name)
    if held == str(mine.arn):
        return ""
    current = next((version for version in listed if str(version.arn) == held), None)
    if current is not None and is_newer(current, mine.number, release):
        return f"{name} stays at version {current.number}{f' ({current.release})' if current.release else ''}"
    if not dry_run:
        client.put_parameter(Name=name, Value=str(mine.arn), Type="String", Overwrite=True)
    return f"{'would move' if dry_run else 'moved'} {name} to version {mine.number}"


def is_newer(current: LayerVersion, number: int | None, release: str) -> bool:
    """Whether what the parameter names comes after our release; a version without one, a stack's, by its number.

    Args:
        current: what the parameter names.
        number: of our version; None for one that is not published yet, and so will have the highest.
        release: ours.
    """
    mine = float("inf") if number is None else number
    try:
        theirs, ours = Version(current.release or ""), Version(release)
    except ValueError:  # InvalidVersion, or a number of thousands of digits
        return current.number > mine
    return (not theirs.is_prerelease, theirs, current.number) > (not ours.is_prerelease, ours, mine)
