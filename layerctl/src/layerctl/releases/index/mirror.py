"""The index's mirror in Parameter Store.

``/NAME/STAGE/versions/RELEASE`` holds a release's ARN in that region, ``/NAME/STAGE/yanked/RELEASE`` why it was yanked.
``/NAME/STAGE/latest``, which stacks and publishers write, is moved only away from a yanked or deleted version.
The mirror follows the index: `mirror_region` makes it so. An ARN is never exchanged for another, unless the index says
that the version behind it was deleted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from layerctl.releases.index.model import LayerIndex, Release

__all__ = ["Mirror", "Mirrored", "delete_parameters", "mirror_region", "read_mirror", "withdrawn"]

_DESCRIPTION = "Follows the index; written by layerctl"


@dataclass(frozen=True, slots=True)
class Mirror:
    """What a region's parameters of one stage say.

    Attributes:
        folder: where they lie, with a slash at the end.
        versions: release to ARN.
        yanked: release to the reason.
        latest: what ``/NAME/STAGE/latest`` names; empty where there is none.
    """

    folder: str
    versions: dict[str, str] = field(default_factory=dict)
    yanked: dict[str, str] = field(default_factory=dict)
    latest: str = ""

    def version_name(self, release: str) -> str:
        """The parameter that holds a release's ARN."""
        return f"{self.folder}versions/{release}"

    def yanked_name(self, release: str) -> str:
        """The parameter that says why a release was yanked."""
        return f"{self.folder}yanked/{release}"


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What became of one parameter.

    Attributes:
        status: ``same``, ``written``, ``deleted``, ``would write``, ``would delete``, or ``refused`` where it holds
            another value than the index, which nothing explains.
        value: what the index wants; empty where the parameter goes.
        held: what the parameter holds.
    """

    name: str
    value: str
    status: str
    held: str = ""


def read_mirror(client: Any, layer: str, stage: str) -> Mirror:
    """Read a region's mirror, ten parameters a request (`GetParametersByPath`)."""
    folder = f"/{layer}/{stage}/"
    pages = client.get_paginator("get_parameters_by_path").paginate(Path=folder.rstrip("/"), Recursive=True)
    held: dict[str, dict[str, str]] = {"versions": {}, "yanked": {}, "latest": {}}
    for page in pages:
        for parameter in page["Parameters"]:
            kind, _, release = parameter["Name"].removeprefix(folder).partition("/")
            held.setdefault(kind, {})[release] = parameter["Value"]
    return Mirror(folder, held["versions"], held["yanked"], held["latest"].get("", ""))


def mirror_region(client: Any, index: LayerIndex, region: str, stage: str, *, dry_run: bool = False) -> list[Mirrored]:
    """Make a region's parameters say what the index says.

    Args:
        client: the region's SSM client.
        index: what to mirror; yanked releases too, for they stay usable.
        region: its name.
        stage: part of the parameters' names.
        dry_run: say what would be done, and do nothing.

    Raises:
        botocore.exceptions.ClientError, BotoCoreError: AWS refused.
    """
    mirror = read_mirror(client, index.layer, stage)
    steps: list[Mirrored] = []
    for release in index.releases.values():
        found = (_version_step(mirror, release, region), _yank_step(mirror, release, region))
        steps += [step for step in found if step is not None]
    if withdrawn(mirror, index, region) and (newest := index.newest(region)):
        steps.append(Mirrored(f"{mirror.folder}latest", str(newest.regions[region].arn), "written", mirror.latest))
    return [_planned(step) if dry_run else _carried_out(client, step) for step in steps]


def withdrawn(mirror: Mirror, index: LayerIndex, region: str) -> str:
    """Why nobody should take what ``latest`` names: ``yanked``, ``deleted``, else empty."""
    for release in index.releases.values():
        there = release.regions.get(region)
        if there is not None and str(there.arn) == mirror.latest:
            return "yanked" if release.yanked else ""
        if mirror.latest in {str(arn) for arn in release.deleted}:
            return "deleted"
    return ""


def _version_step(mirror: Mirror, release: Release, region: str) -> Mirrored | None:
    name, held = mirror.version_name(release.version), mirror.versions.get(release.version, "")
    there = release.regions.get(region)
    dead = held in {str(arn) for arn in release.deleted}
    if there is None:
        return Mirrored(name, "", "deleted", held) if dead else None
    wanted = str(there.arn)
    status = "same" if held == wanted else "written" if dead or not held else "refused"
    return Mirrored(name, wanted, status, held)


def _yank_step(mirror: Mirror, release: Release, region: str) -> Mirrored | None:
    name, held = mirror.yanked_name(release.version), mirror.yanked.get(release.version, "")
    if release.yanked is None or region not in release.regions:
        return Mirrored(name, "", "deleted", held) if held else None
    return Mirrored(name, release.yanked.reason, "same" if held == release.yanked.reason else "written", held)


def _planned(step: Mirrored) -> Mirrored:
    status = {"written": "would write", "deleted": "would delete"}.get(step.status, step.status)
    return Mirrored(step.name, step.value, status, step.held)


def _carried_out(client: Any, step: Mirrored) -> Mirrored:
    if step.status == "deleted":
        delete_parameters(client, [step.name])
    elif step.status == "written":
        try:
            client.put_parameter(
                Name=step.name,
                Value=step.value,
                Type="String",
                Description=_DESCRIPTION,
                Overwrite=bool(step.held),
            )
        except client.exceptions.ParameterAlreadyExists:  # another run wrote it just before
            held = str(client.get_parameter(Name=step.name)["Parameter"]["Value"])
            return Mirrored(step.name, step.value, "same" if held == step.value else "refused", held)
    return step


def delete_parameters(client: Any, names: Iterable[str]) -> None:
    """Delete parameters; one that is gone already is fine (`DeleteParameters` takes ten)."""
    names = list(names)
    for at in range(0, len(names), 10):
        client.delete_parameters(Names=names[at : at + 10])
