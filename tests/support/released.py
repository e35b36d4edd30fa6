"""A small layer as `layerctl build` leaves it: zip, manifest and SBOM side by side."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from layerctl.artifact import open_artifact
from layerctl.build.manifest import (
    LayerSource,
    Manifest,
    ManifestDistribution,
    ManifestFile,
    ManifestRuntime,
    ZipFacts,
    manifest_path,
    sbom_path,
)
from layerctl.build.sbom import sbom
from tests.support.layer_zips import LayerZip

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["released"]

CLEAN = LayerSource("c0ffee" * 6 + "c0ff", False, {"layer/requirements.txt": "sha256:" + "1" * 64})


def released(
    folder: Path,
    version: str = "1.0.0",
    *,
    layer: LayerZip | None = None,
    distributions: tuple[tuple[str, str], ...] = (("good", "1.0"),),
    own: str | None = None,
    source: LayerSource = CLEAN,
) -> Path:
    """Write ``good-VERSION.zip`` with its manifest and SBOM; return the zip.

    Args:
        folder: where to.
        version: the layer's.
        layer: its files.
        distributions: the names and versions that manifest and SBOM say.
        own: which of them is the layer's own: no archive is locked for it.
        source: what it was built from.
    """
    layer = layer or LayerZip()
    for name, number in distributions:
        if name != "good":
            layer.add_distribution(name, number)
    path = layer.write(folder / f"good-{version}.zip")
    digest = hashlib.sha256(path.read_bytes())
    code_sha256 = base64.b64encode(digest.digest()).decode()
    with open_artifact(path) as content:
        files = tuple(
            ManifestFile(entry.path, entry.size, content.sha256(entry), f"{entry.canonical_mode:04o}", None)
            for entry in content.entries
        )
        manifest = Manifest(
            name="good",
            version=version,
            description="",
            licence="MIT",
            architectures=("x86_64", "arm64"),
            content_digest=content.content_digest(),
            zip=ZipFacts(path.name, path.stat().st_size, digest.hexdigest(), code_sha256),
            unzipped_size=content.size,
            runtimes=(ManifestRuntime("python3.13", "3.13.0", "3.13.0", 1),),
            distributions=tuple(
                ManifestDistribution(name, number, "MIT", 1, 1, (), (), () if name == own else ("2" * 64,))
                for name, number in distributions
            ),
            source=source,
            files=files,
        )
    manifest_path(path).write_text(manifest.to_json(), "utf-8")
    sbom_path(path).write_text(sbom(manifest), "utf-8")
    return path
