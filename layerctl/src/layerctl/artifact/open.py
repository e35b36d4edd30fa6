"""Opens an artifact as what it is: a zip, or a folder."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from layerctl.artifact.entry import ArtifactError, ReadLimits
from layerctl.artifact.folder import FolderArtifact
from layerctl.artifact.zip import ZipArtifact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.artifact.base import Artifact

__all__ = ["open_artifact"]


@contextmanager
def open_artifact(path: Path | str, *, strict: bool = True, limits: ReadLimits | None = None) -> Iterator[Artifact]:
    """Open a layer's zip, or the folder that it unpacks to (the one that holds ``python/``).

    Args:
        path: the zip or the folder.
        strict: refuse an artifact with any unsafe entry; otherwise these are in `Artifact.problems` only.
        limits: how much is read at most.

    Raises:
        ArtifactError: it is missing, not a zip, over the limits or, when `strict`, holds something unsafe.
    """
    path = Path(path)
    if not path.exists():
        raise ArtifactError(f"{path} does not exist", hint="name a layer's zip or folder; `layerctl build` makes one")
    kind: type[FolderArtifact | ZipArtifact] = FolderArtifact if path.is_dir() else ZipArtifact
    artifact = kind.scan(path, limits or ReadLimits())
    try:
        if strict and artifact.problems:
            first, more = artifact.problems[0], len(artifact.problems) - 1
            raise ArtifactError(
                f"{path} is not safe to read: {first}" + (f" (and {more} more)" if more else ""),
                problem=first,
                hint="`layerctl verify` lists everything",
            )
        yield artifact
    finally:
        artifact.close()
