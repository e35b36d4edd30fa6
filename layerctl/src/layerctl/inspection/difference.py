"""What changed from one artifact to another: distributions, files and bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import Version

if TYPE_CHECKING:
    from layerctl.artifact import Artifact
    from layerctl.inspection.survey import DistributionSize, Survey

__all__ = ["Difference", "FileChange", "PartChange", "difference"]


@dataclass(frozen=True, slots=True)
class PartChange:
    """A distribution that is not the same as before.

    Attributes:
        how: ``new``, ``gone``, ``up``, ``down``, or ``same`` for the same version with other bytes.
        before, after: versions; empty where there is none.
        bytes: by how many it grew.
    """

    name: str
    how: str
    before: str
    after: str
    bytes: int


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that was ``added``, ``removed`` or ``changed``, and by how many bytes it grew."""

    path: str
    how: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that differs; `old` and `new` say which artifacts were compared."""

    old: str
    new: str
    same_content: bool
    bytes: int
    zipped_bytes: int | None
    parts: tuple[PartChange, ...]
    files: tuple[FileChange, ...]

    def count(self, how: str) -> int:
        """How many files were ``added``, ``removed`` or ``changed``."""
        return sum(change.how == how for change in self.files)


def difference(old: Artifact, new: Artifact, before: Survey, after: Survey) -> Difference:
    """Compare two artifacts by content.

    Args:
        old: the earlier artifact.
        new: the one that is inspected.
        before: what `survey` says of `old`.
        after: what `survey` says of `new`.

    Raises:
        ArtifactError: the data of one is damaged.
    """
    files = []
    for path in sorted(before.sizes.keys() | after.sizes.keys()):
        mine, theirs = new.get(path), old.get(path)
        grown = after.sizes.get(path, 0) - before.sizes.get(path, 0)
        if theirs is None:
            files.append(FileChange(path, "added", grown))
        elif mine is None:
            files.append(FileChange(path, "removed", grown))
        elif mine.size != theirs.size or new.sha256(mine) != old.sha256(theirs):
            files.append(FileChange(path, "changed", grown))
    touched = {(after.owners.get(change.path) or before.owners.get(change.path)) for change in files}
    zipped = after.zipped - before.zipped if after.zipped is not None and before.zipped is not None else None
    return Difference(
        old=f"{before.name} {before.version}".strip(),
        new=f"{after.name} {after.version}".strip(),
        same_content=before.digest == after.digest,
        bytes=after.unzipped - before.unzipped,
        zipped_bytes=zipped,
        parts=tuple(_parts(before, after, {name for name in touched if name is not None})),
        files=tuple(files),
    )


def _parts(before: Survey, after: Survey, touched: set[str]) -> list[PartChange]:
    was = {part.name: part for part in before.parts}
    now = {part.name: part for part in after.parts}
    changes = []
    for name in sorted(was.keys() | now.keys()):
        old, new = was.get(name), now.get(name)
        if old is not None and new is not None and old.version == new.version and name not in touched:
            continue
        changes.append(
            PartChange(
                name,
                _how(old, new),
                old.version if old is not None else "",
                new.version if new is not None else "",
                (new.size if new is not None else 0) - (old.size if old is not None else 0),
            )
        )
    return sorted(changes, key=lambda change: (-abs(change.bytes), change.name))


def _how(old: DistributionSize | None, new: DistributionSize | None) -> str:
    if old is None:
        return "new"
    if new is None:
        return "gone"
    if old.version == new.version:
        return "same"
    try:
        return "up" if Version(new.version) > Version(old.version) else "down"
    except ValueError:  # InvalidVersion, or a number of thousands of digits
        return "up" if new.version > old.version else "down"
