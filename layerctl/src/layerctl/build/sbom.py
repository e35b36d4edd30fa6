"""A layer's software bill of materials: CycloneDX 1.6, JSON, made from its manifest.

The same manifest gives the same bytes: the serial number follows from the content, and there is no timestamp.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

from layerctl import __version__

if TYPE_CHECKING:
    from cyclonedx.model.component import Component
    from cyclonedx.model.license import License
    from packageurl import PackageURL

    from layerctl.build.manifest import Manifest, ManifestDistribution, ManifestFile

__all__ = ["sbom"]


def sbom(manifest: Manifest) -> str:
    """Write the CycloneDX document of a layer: its distributions with licences, dependencies, and each file's hash."""
    from cyclonedx.model import HashAlgorithm, HashType, Property
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.tool import ToolRepository
    from cyclonedx.output.json import JsonV1Dot6

    facts = {"content-digest": manifest.content_digest, "commit": manifest.source.commit or ""}
    facts |= {"commit-dirty": "true"} if manifest.source.dirty else {}
    facts |= {f"lock:{file}": digest for file, digest in manifest.source.locks.items()}
    facts |= {
        f"interpreter:{runtime.runtime}": runtime.interpreter for runtime in manifest.runtimes if runtime.interpreter
    }
    layer = Component(
        name=manifest.name,
        version=manifest.version,
        type=ComponentType.APPLICATION,
        bom_ref=f"layer:{manifest.name}@{manifest.version}",
        description=manifest.description or None,
        licenses=_licences(manifest.licence),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=manifest.zip.sha256)],
        properties=[Property(name=f"layerctl:{name}", value=value) for name, value in facts.items() if value],
    )
    tool = Component(name="layerctl", version=__version__, type=ComponentType.APPLICATION)
    bom = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"layer:{manifest.name}:{manifest.content_digest}"),
        metadata=BomMetaData(component=layer, tools=ToolRepository(components=[tool])),
    )
    components = {
        distribution.name: _component(
            distribution, manifest.name, [file for file in manifest.files if file.distribution == distribution.name]
        )
        for distribution in manifest.distributions
    }
    for component in components.values():
        bom.components.add(component)
    depended_on = {name for distribution in manifest.distributions for name in distribution.depends_on}
    bom.register_dependency(layer, [component for name, component in components.items() if name not in depended_on])
    for distribution in manifest.distributions:
        bom.register_dependency(components[distribution.name], [components[name] for name in distribution.depends_on])
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    del document["metadata"]["timestamp"]  # the library always writes one; the schema does not ask for it
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _component(distribution: ManifestDistribution, layer: str, files: list[ManifestFile]) -> Component:
    from cyclonedx.model import HashAlgorithm, HashType, Property
    from cyclonedx.model.component import Component, ComponentType

    purl = _purl(distribution, layer)
    return Component(
        name=distribution.name,
        version=distribution.version,
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
        licenses=_licences(distribution.licence),
        # Of the archives that the lock allows, one was installed; what of it ships is hashed file by file.
        properties=[Property(name="layerctl:locked-sha256", value=value) for value in distribution.locked],
        components=[
            Component(
                name=file.path,
                type=ComponentType.FILE,
                bom_ref=f"file:{file.path}",
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=file.sha256)],
            )
            for file in files
        ],
    )


def _purl(distribution: ManifestDistribution, layer: str) -> PackageURL:
    """Return who a distribution is. Our own comes from no index, where its name may be a stranger's."""
    from packageurl import PackageURL

    if distribution.locked:
        return PackageURL("pypi", None, distribution.name, distribution.version)
    return PackageURL("generic", layer, distribution.name, distribution.version)


def _licences(text: str) -> list[License]:
    from cyclonedx.contrib.license.factories import LicenseFactory

    return [LicenseFactory().make_from_string(text)] if text else []
