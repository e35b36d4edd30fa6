"""The manifest beside a layer's zip: what is in it, what it was made from, its identity. Nothing in it is a time."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from layerctl.core.errors import LayerctlError
from layerctl.core.files.read import read_text

__all__ = [
    "SCHEMA",
    "ExcludedPart",
    "LayerSource",
    "Manifest",
    "ManifestDistribution",
    "ManifestFile",
    "ManifestRuntime",
    "ZipFacts",
    "manifest_path",
    "sbom_path",
]

SCHEMA = 1  # raised when a field changes its meaning or goes; new fields don't raise it


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """One file of the layer; path as in the zip, size in bytes, mode as ``0644``, its distribution's name if any."""

    path: str
    size: int
    sha256: str
    mode: str
    distribution: str | None


@dataclass(frozen=True, slots=True)
class ManifestDistribution:
    """One distribution.

    Attributes:
        licence: an SPDX expression, or what it declares.
        files, size: how many files belong to it and their bytes, bytecode included.
        requires: its Requires-Dist.
        depends_on: the names of the layer's distributions that it needs on any runtime.
        locked: the SHA-256 (hex) of the archives that the lock allows; none for our own.
    """

    name: str
    version: str
    licence: str
    files: int
    size: int
    requires: tuple[str, ...]
    depends_on: tuple[str, ...]
    locked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ManifestRuntime:
    """One runtime of the layer.

    Attributes:
        runtime: ``python3.13``.
        named: the interpreter version that `layer.toml` names.
        interpreter: the version that compiled the bytecode; None: no interpreter was found, no bytecode ships.
        bytecode: how many modules have bytecode for it.
    """

    runtime: str
    named: str
    interpreter: str | None
    bytecode: int

    @property
    def exact(self) -> bool:
        """Whether the bytecode is what a release build would make."""
        return self.interpreter == self.named


@dataclass(frozen=True, slots=True)
class ExcludedPart:
    """A pattern or module of layer.toml's [leave-out], and the files that it left out (paths below ``python/``)."""

    pattern: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LayerSource:
    """Where the layer comes from.

    Attributes:
        commit: git's; None where the sources were no git checkout.
        dirty: whether the sources differed from that commit.
        locks: file -> ``sha256:…`` of what pins the layer's content and its build backend.
    """

    commit: str | None
    dirty: bool
    locks: dict[str, str]


@dataclass(frozen=True, slots=True)
class ZipFacts:
    """The zip: file name, size in bytes, SHA-256 in hex, and as Lambda's CodeSha256 writes it (base64)."""

    file: str
    size: int
    sha256: str
    code_sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that is recorded about one build of a layer."""

    name: str
    version: str
    description: str
    licence: str
    architectures: tuple[str, ...]
    content_digest: str
    zip: ZipFacts
    unzipped_size: int
    runtimes: tuple[ManifestRuntime, ...]
    distributions: tuple[ManifestDistribution, ...]
    source: LayerSource
    files: tuple[ManifestFile, ...]
    left_out: tuple[ExcludedPart, ...] = ()
    schema: int = SCHEMA

    @property
    def runtimes_with_bytecode(self) -> tuple[str, ...]:
        """The runtimes that start with bytecode."""
        return tuple(runtime.runtime for runtime in self.runtimes if runtime.interpreter)

    def to_json(self) -> str:
        """As it is written to disk: sorted keys, one newline at the end."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def load(cls, path: Path) -> Manifest:
        """Read a manifest.

        Raises:
            LayerctlError: it is missing, not JSON, of a newer schema, or lacks something.
        """
        return cls.from_json(read_text(path, missing="`layerctl build` writes it beside the zip"), str(path))

    @classmethod
    def from_json(cls, text: str, origin: str) -> Manifest:
        """Parse a manifest; `origin` names it in errors.

        Raises:
            LayerctlError: see `load`.
        """
        try:
            data = json.loads(text)
            if data["schema"] > SCHEMA:
                raise LayerctlError(f"{origin} has schema {data['schema']}", hint="a newer layerctl reads it")
            return cls(
                **_fields(cls, data, "zip", "runtimes", "distributions", "source", "files", "left_out"),
                zip=ZipFacts(**_fields(ZipFacts, data["zip"])),
                runtimes=tuple(ManifestRuntime(**_fields(ManifestRuntime, runtime)) for runtime in data["runtimes"]),
                distributions=tuple(
                    ManifestDistribution(**_fields(ManifestDistribution, distribution))
                    for distribution in data["distributions"]
                ),
                source=LayerSource(**_fields(LayerSource, data["source"])),
                files=tuple(ManifestFile(**_fields(ManifestFile, file)) for file in data["files"]),
                left_out=tuple(ExcludedPart(**_fields(ExcludedPart, part)) for part in data.get("left_out", [])),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise LayerctlError(f"{origin} is no layer manifest: {reason}", hint="build the layer anew") from None


def _fields(kind: Any, data: dict[str, Any], *without: str) -> dict[str, Any]:
    """What `kind` knows of `data`, so that fields that a later version adds do no harm."""
    found = {name: data[name] for name in kind.__dataclass_fields__ if name not in without}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}


def manifest_path(zip_path: Path) -> Path:
    """Where the manifest of a zip lies: beside it."""
    return zip_path.with_name(f"{zip_path.name.removesuffix('.zip')}.manifest.json")


def sbom_path(zip_path: Path) -> Path:
    """Where the CycloneDX document of a zip lies: beside it."""
    return zip_path.with_name(f"{zip_path.name.removesuffix('.zip')}.cdx.json")
