"""Building a layer: our own wheel, the locked closure, bytecode, a zip, its manifest and its SBOM."""

from __future__ import annotations

from layerctl.build.pipeline import BuildOptions, BuildResult, build_layer

__all__ = ["BuildOptions", "BuildResult", "build_layer"]
