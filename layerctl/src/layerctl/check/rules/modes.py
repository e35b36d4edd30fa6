"""The rule about permission bits: Lambda unpacks as one user and runs as another, who owns nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerctl.core.text import some
from layerctl.rules.shared import MODE_UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.check.case import FunctionCase
    from layerctl.core.diagnostics import Finding

__all__ = ["check_modes"]


def check_modes(case: FunctionCase) -> Iterator[Finding]:
    """Say which files and folders of code and layers only their owner may read: the function is another user."""
    if case.function.is_image:
        return
    for part in case.parts:
        content = part.content
        files = [entry for entry in content.entries.values() if not entry.mode & 0o004]
        folders = [entry for entry in content.folders if entry.mode & 0o005 != 0o005]
        if files or folders:
            modes = sorted({f"{entry.mode:04o}" for entry in (*files, *folders)})
            yield MODE_UNREADABLE.at(
                part.place,
                f"{part.label} has what only its owner may read (mode {', '.join(modes)}), and the function runs as "
                f"another user: {some(part.path(entry.path) for entry in (*files, *folders))}",
                "give files 0644 and folders 0755, as after `chmod -R a+rX`",
            )
