"""The index as values: release version, then region, then the layer version that consumers pin there."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from layerctl.core.arn import LayerVersionArn
from layerctl.core.errors import LayerctlError
from layerctl.core.files.read import read_text

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LayerIndex", "Published", "Release", "Yank", "how_soon", "is_release", "schema", "version_key"]

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Yank:
    """Why and when (UTC, ``2026-01-31T12:00:00Z``) a release was withdrawn. It stays usable for who has it.

    Attributes:
        severity: how soon to leave it, ``low`` to ``critical`` as the schema lists them; empty where nobody said.
    """

    reason: str
    date: str
    severity: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """A release in one region.

    Attributes:
        arn: what consumers pin.
        code_sha256: Lambda's `CodeSha256`, base64.
        size: of the zip, in bytes.
        date: when it was published there, UTC.
    """

    arn: LayerVersionArn
    code_sha256: str
    size: int
    date: str


@dataclass(frozen=True, slots=True)
class Release:
    """One released version of the layer; its content is the same in every region.

    Attributes:
        regions: where it is.
        deleted: layer versions of it that were deleted, and when (UTC). A release that is nowhere any more stays in the
            index by them, so that its name is never given to other content.
        notes: what it changes, in Markdown; `pins bump` shows it. Empty where nobody said.
    """

    version: str
    content_digest: str
    date: str
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]
    yanked: Yank | None = None
    regions: dict[str, Published] = field(default_factory=dict)
    deleted: dict[LayerVersionArn, str] = field(default_factory=dict)
    notes: str = ""


@dataclass(frozen=True, slots=True)
class LayerIndex:
    """The content of `layers.json`."""

    layer: str
    releases: dict[str, Release] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> LayerIndex:
        """Read and check an index file.

        Raises:
            LayerctlError: it is missing, no JSON, or not as the schema says (the message names the place).
        """
        return cls.parse(read_text(path, missing="make it with `layerctl index write`"), str(path))

    @classmethod
    def parse(cls, text: str, source: str = "layers.json") -> LayerIndex:
        """Read an index from its text; `source` names it in errors.

        Raises:
            LayerctlError: as for `load`.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise LayerctlError(f"{source} is not JSON: {error}") from None
        _validate(data, source)
        releases = {version: _release(version, entry) for version, entry in data["releases"].items()}
        for release in releases.values():
            for region, published in release.regions.items():
                if (published.arn.region, published.arn.name) != (region, data["layer"]):
                    raise LayerctlError(
                        f"{source}: {release.version} in {region} names {published.arn}, another region or layer"
                    )
        return cls(data["layer"], releases)

    def dumps(self) -> str:
        """Write the index as text: releases and regions sorted, so that a change is a small diff."""
        releases = {
            version: _release_data(self.releases[version]) for version in sorted(self.releases, key=version_key)
        }
        data = {"schema": SCHEMA_VERSION, "layer": self.layer, "releases": releases}
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"

    def require_layer(self, layer: str, source: object) -> LayerIndex:
        """This index, if it is the one of `layer`; `source` names it in the error.

        Raises:
            LayerctlError: it is another layer's.
        """
        if self.layer != layer:
            raise LayerctlError(
                f"{source} is the index of {self.layer!r}, not of {layer!r}", hint="use --layer or --index"
            )
        return self

    @property
    def regions(self) -> list[str]:
        """The regions where any of the releases is, each once."""
        return list(dict.fromkeys(region for release in self.releases.values() for region in release.regions))

    def find(self, arn: LayerVersionArn) -> Release | None:
        """The release that an ARN is; None when the index has no such ARN."""
        for release in self.releases.values():
            published = release.regions.get(arn.region)
            if published is not None and published.arn == arn:
                return release
        return None

    def newest(self, region: str) -> Release | None:
        """The newest release in a region that is neither yanked nor (where there is a final one) a pre-release."""
        usable = [release for release in self.releases.values() if release.yanked is None and region in release.regions]
        final = [release for release in usable if not _parsed(release.version).is_prerelease]
        return max(final or usable, key=lambda release: version_key(release.version), default=None)

    def with_release(self, release: Release) -> LayerIndex:
        """The same index with one release added or replaced."""
        return replace(self, releases=self.releases | {release.version: release})


def how_soon(severity: str) -> str:
    """What is said of a yank's severity beside it: `` (high)``; nothing where nobody said."""
    return f" ({severity})" if severity else ""


def is_release(text: str) -> bool:
    """Whether a text can be a release in the index: ``1.4.0``, ``1.4.0rc1``; no ``+`` (Parameter Store takes none)."""
    if not re.fullmatch(schema()["properties"]["releases"]["propertyNames"]["pattern"], text):
        return False
    try:
        Version(text)
    except ValueError:  # InvalidVersion, or a number of thousands of digits
        return False
    return True


def version_key(version: str) -> tuple[Version, str]:
    """Sort releases as versions, not as text."""
    return _parsed(version), version


def _parsed(version: str) -> Version:
    try:
        return Version(version)
    except ValueError:  # InvalidVersion, or a number of thousands of digits
        raise LayerctlError(
            f"{version!r} is no release version", hint="expected e.g. 1.4.0 or 1.4.0rc1 (PEP 440)"
        ) from None


@cache
def schema() -> dict[str, Any]:
    """The JSON schema of `layers.json` (draft 2020-12)."""
    text = resources.files("layerctl.releases.index").joinpath("schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _validate(data: Any, source: str) -> None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(schema()).iter_errors(data))
    if error is not None:
        place = "/".join(str(part) for part in error.absolute_path) or "the top"
        raise LayerctlError(f"{source}: at {place}: {error.message}", hint="see `layerctl index schema`")
    for version in data["releases"]:
        _parsed(version)


def _release(version: str, data: dict[str, Any]) -> Release:
    return Release(
        version=version,
        content_digest=data["content_digest"],
        date=data["date"],
        runtimes=tuple(data["runtimes"]),
        architectures=tuple(data["architectures"]),
        yanked=Yank(**data["yanked"]) if data["yanked"] else None,
        regions={
            region: Published(
                LayerVersionArn.parse(published["arn"]), published["code_sha256"], published["size"], published["date"]
            )
            for region, published in data["regions"].items()
        },
        deleted={LayerVersionArn.parse(arn): date for arn, date in data.get("deleted", {}).items()},
        notes=data.get("notes", ""),
    )


def _release_data(release: Release) -> dict[str, Any]:
    return {
        "content_digest": release.content_digest,
        "date": release.date,
        "runtimes": list(release.runtimes),
        "architectures": list(release.architectures),
        "yanked": _yank_data(release.yanked) if release.yanked else None,
        "regions": {
            region: {
                "arn": str(published.arn),
                "code_sha256": published.code_sha256,
                "size": published.size,
                "date": published.date,
            }
            for region, published in sorted(release.regions.items())
        },
        **({"deleted": {str(arn): date for arn, date in sorted(release.deleted.items())}} if release.deleted else {}),
        **({"notes": release.notes} if release.notes else {}),
    }


def _yank_data(yank: Yank) -> dict[str, str]:
    data = {"reason": yank.reason, "date": yank.date}
    return data | ({"severity": yank.severity} if yank.severity else {})
