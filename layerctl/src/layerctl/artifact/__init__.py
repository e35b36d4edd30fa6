"""Reading, unpacking and writing layer artifacts: a zip, or the folder that it unpacks to.

Everything that looks into an artifact goes through `open_artifact`, so that an archive made to harm its reader
(a bomb, a name with ``..``, a link, two entries of one name) is refused in one place.
"""

from __future__ import annotations

from layerctl.artifact.base import Artifact, content_digest
from layerctl.artifact.entry import ArtifactEntry, ArtifactError, ArtifactProblem, ReadLimits
from layerctl.artifact.open import open_artifact
from layerctl.artifact.unpacking import unpack
from layerctl.artifact.write import write_zip

__all__ = [
    "Artifact",
    "ArtifactEntry",
    "ArtifactError",
    "ArtifactProblem",
    "ReadLimits",
    "content_digest",
    "open_artifact",
    "unpack",
    "write_zip",
]
