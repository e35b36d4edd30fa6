"""The index's mirror in Parameter Store: ``/NAME/STAGE/versions/RELEASE`` holds the ARN, and never changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from layerctl.releases.index.model import LayerIndex

__all__ = ["Mirrored", "mirror_region", "parameter_folder", "read_mirror"]


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What became of one parameter: ``written``, ``would write``, ``same`` or ``refused`` (it holds another value)."""

    name: str
    arn: str
    status: str
    held: str = ""


def parameter_folder(layer: str, stage: str) -> str:
    """Where the parameters of a stage lie, with a slash at the end."""
    return f"/{layer}/{stage}/versions/"


def read_mirror(client: Any, layer: str, stage: str) -> dict[str, str]:
    """Read a region's mirror: release to ARN, ten parameters a request (`GetParametersByPath`)."""
    folder = parameter_folder(layer, stage)
    pages = client.get_paginator("get_parameters_by_path").paginate(Path=folder.rstrip("/"))
    return {one["Name"].removeprefix(folder): one["Value"] for page in pages for one in page["Parameters"]}


def mirror_region(client: Any, index: LayerIndex, region: str, stage: str, *, dry_run: bool = False) -> list[Mirrored]:
    """Write the parameters that a region lacks.

    Args:
        client: the region's SSM client.
        index: what to mirror; yanked releases too, for they stay usable.
        region: its name.
        stage: part of the parameters' names.
        dry_run: say what would be written, and write nothing.

    Raises:
        botocore.exceptions.ClientError, BotoCoreError: AWS refused.
    """
    held = read_mirror(client, index.layer, stage)
    outcomes = []
    for release in index.releases.values():
        there = release.regions.get(region)
        if there is None:
            continue
        name, arn = parameter_folder(index.layer, stage) + release.version, str(there.arn)
        known, status = held.get(release.version), "same"
        if known is None:
            known, status = (arn, "would write") if dry_run else (_put(client, name, arn), "written")
        outcomes.append(Mirrored(name, arn, status if known == arn else "refused", known))
    return outcomes


def _put(client: Any, name: str, arn: str) -> str:
    """Write a new parameter and return what it holds then, which may be what another run wrote just before."""
    try:
        client.put_parameter(
            Name=name, Value=arn, Type="String", Overwrite=False, Description="Immutable; written by layerctl"
        )
    except client.exceptions.ParameterAlreadyExists:
        return str(client.get_parameter(Name=name)["Parameter"]["Value"])
    return arn
