"""Unpacking an artifact as Lambda would, below one folder and nowhere else."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from layerctl.artifact.entry import ArtifactError
from layerctl.artifact.open import open_artifact

__all__ = ["unpack"]


def unpack(path: Path | str, target: Path | str) -> Path:
    """Unpack a layer's zip (or copy its folder) into a folder that is new or empty.

    Files get 0o644 or 0o755, folders 0o755, whatever the umask. The target appears when everything is there.

    Returns:
        `target`; the content is in ``target/python``.

    Raises:
        ArtifactError: the artifact is unsafe or damaged, or `target` is not empty. Nothing is left behind.
    """
    target = Path(target)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ArtifactError(f"{target} exists and is not an empty folder", hint="unpack into a new folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        scratch.chmod(0o755)
        with open_artifact(path) as artifact:
            for entry in artifact.entries:
                place = scratch / entry.path
                for folder in reversed(place.relative_to(scratch).parents[:-1]):
                    if not (scratch / folder).exists():
                        (scratch / folder).mkdir()
                        (scratch / folder).chmod(0o755)
                with place.open("xb") as out:
                    for chunk in artifact.chunks(entry):
                        out.write(chunk)
                place.chmod(entry.canonical_mode)
        scratch.replace(target)
    except OSError as error:
        raise ArtifactError(f"{error.filename or target} cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target
