"""Writing a layer's zip so that the same content always gives the same bytes."""

from __future__ import annotations

import stat
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from layerctl.artifact.base import Artifact

__all__ = ["write_zip"]

# The earliest date that a zip can hold. Lambda ignores dates, and ours would only make equal content differ.
_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX = 3


def write_zip(content: Artifact, target: Path) -> None:
    """Write the files of `content` in order, with fixed dates and modes, deflated, without folder entries."""
    with zipfile.ZipFile(target, "w") as archive:
        for entry in content.entries:
            info = zipfile.ZipInfo(entry.path, _DATE)
            info.create_system = _UNIX
            info.external_attr = (stat.S_IFREG | entry.canonical_mode) << 16
            archive.writestr(info, content.read(entry), zipfile.ZIP_DEFLATED, 9)
