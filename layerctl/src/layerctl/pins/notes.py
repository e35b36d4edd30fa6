"""What the releases change that a bump goes past, as the index tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from layerctl.pins.edit import PinMove
    from layerctl.pins.resolve.versions import VersionResolver

__all__ = ["ReleaseNotes", "notes_of"]


class ReleaseNotes(NamedTuple):
    """What one release changes, in Markdown; `taken` is False where a bump goes back and takes the change away."""

    layer: str
    release: str
    notes: str
    taken: bool


def notes_of(changes: Iterable[PinMove], resolver: VersionResolver) -> list[ReleaseNotes]:
    """Return the notes of every release between the old and the new one of each pin, oldest first."""
    found: dict[tuple[str, str], ReleaseNotes] = {}
    for change in changes:
        try:
            old, new = Version(change.old_release or ""), Version(change.release or "")
        except ValueError:  # InvalidVersion, or a number of thousands of digits
            continue
        low, high = sorted((old, new))
        for version in resolver.everywhere(change.pin):
            if version.notes and version.release and version.order is not None and low < version.order <= high:
                found[change.pin.name, version.release] = ReleaseNotes(
                    change.pin.name, version.release, version.notes, new > old
                )
    return sorted(found.values(), key=lambda notes: (notes.layer, Version(notes.release)))
