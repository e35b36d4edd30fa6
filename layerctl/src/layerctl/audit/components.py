"""What is audited: the PyPI distributions of an artifact, by its content and its SBOM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packageurl import PackageURL
from packaging.utils import canonicalize_name

from layerctl.artifact import open_artifact
from layerctl.build.manifest import sbom_path
from layerctl.core.errors import LayerctlError
from layerctl.core.files.read import read_json
from layerctl.python.distributions import read_distributions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Component", "Found", "components_of"]


@dataclass(frozen=True, slots=True, order=True)
class Component:
    """A distribution of PyPI, by its canonical name and version."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Found:
    """What an artifact holds.

    Attributes:
        components: to be audited.
        left_out: what is not of PyPI, such as the layer's own wheel, as its purl; nobody has records of it.
        unlisted: what the zip holds and its SBOM does not name. It is audited all the same.
        gone: what the SBOM names and the zip does not hold.
    """

    components: tuple[Component, ...]
    left_out: tuple[str, ...] = ()
    unlisted: tuple[Component, ...] = ()
    gone: tuple[Component, ...] = ()


def components_of(path: Path) -> Found:
    """Return what a layer's zip or folder holds, or what an SBOM (CycloneDX, ``.json``) names.

    The SBOM beside a zip tells which distributions are not of PyPI; what lies in the zip is what counts.

    Raises:
        LayerctlError: neither can be read.
    """
    if path.suffix == ".json":
        components, left_out = _sbom(path)
        return Found(tuple(sorted(components)), tuple(sorted(left_out)))
    with open_artifact(path) as artifact:
        held = {
            Component(canonicalize_name(distribution.name), distribution.version)
            for distribution in read_distributions(
                (entry.path for entry in artifact.entries), lambda name: artifact.read(artifact.require(name))
            )
        }
    beside = sbom_path(path)
    if path.is_dir() or not beside.exists():
        return Found(tuple(sorted(held)))
    listed, left_out = _sbom(beside)
    others = {
        Component(canonicalize_name(distribution.name), distribution.version or ""): purl
        for purl, distribution in left_out.items()
    }
    unlisted = held - listed - others.keys()
    return Found(
        tuple(sorted(held - others.keys())),
        tuple(sorted(purl for component, purl in others.items() if component in held)),
        tuple(sorted(unlisted)),
        tuple(sorted(listed - held)),
    )


def _sbom(path: Path) -> tuple[set[Component], dict[str, PackageURL]]:
    data = read_json(path, missing="`layerctl build` writes it beside the zip")
    if not isinstance(data, dict) or data.get("bomFormat") != "CycloneDX":
        raise LayerctlError(f"{path} is no CycloneDX document", hint="name a layer's zip or its .cdx.json")
    found: set[Component] = set()
    others: dict[str, PackageURL] = {}
    for text in _purls(data.get("components")):
        try:
            purl = PackageURL.from_string(text)
        except ValueError:
            raise LayerctlError(f"{path}: {text[:80]!r} is no package URL", hint="make the SBOM anew") from None
        if purl.type == "pypi" and purl.version:
            found.add(Component(canonicalize_name(purl.name), purl.version))
        else:
            others[text] = purl
    return found, others


def _purls(components: Any) -> Iterator[str]:
    for component in components if isinstance(components, list) else ():
        if isinstance(component, dict):
            if isinstance(component.get("purl"), str):
                yield component["purl"]
            yield from _purls(component.get("components"))
