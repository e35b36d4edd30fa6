"""Packages that ship as they are: folders of the repository, recorded as one distribution of the layer's name.

With metadata of its own, everything that reads layers knows whose these files are and of which version, as it does of
what came in a wheel.
"""

from __future__ import annotations

import csv
import shutil
from typing import TYPE_CHECKING

from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from pathlib import Path

    from layerctl.config import LayerConfig

__all__ = ["install_packages"]


def install_packages(config: LayerConfig, sources: Path, folder: Path) -> None:
    """Lay out the packages that layer.toml names, as an installer would.

    Args:
        config: the layer; its `packages` are folders with an ``__init__.py``, or modules (``src/acme.py``).
        sources: a clean export of the repository.
        folder: where to; it must not exist.

    Raises:
        LayerctlError: a package is missing, is no package, or has the name of another.
    """
    folder.mkdir(parents=True)
    for name in config.packages:
        source = sources / name
        place = folder / source.name
        where = f"{config.path}: layer.packages names {name}"
        if not source.exists():
            why = "git does not track it: `git add` it" if (config.root / name).exists() else "there is no such folder"
            raise LayerctlError(f"{where}, but {why}", hint=f"paths start at {config.root}")
        if place.exists():
            raise LayerctlError(f"{where}, but another package is called {source.name} too", hint="rename one of them")
        if source.is_file():
            if source.suffix != ".py":
                raise LayerctlError(f"{where}, which is no module", hint="name a folder of modules, or a .py file")
            shutil.copy2(source, place)
        elif not any(source.rglob("*.py")):
            raise LayerctlError(f"{where}, which has no module in it", hint="name the folder that is imported")
        else:
            shutil.copytree(source, place)
    _write_metadata(config, folder)


def _write_metadata(config: LayerConfig, folder: Path) -> None:
    """A .dist-info with the least that "Core metadata" and "Recording installed projects" (PyPA) ask for."""
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert config.distribution is not None
    info = folder / f"{config.distribution.replace('-', '_')}-{config.version}.dist-info"
    info.mkdir()
    metadata = [
        "Metadata-Version: 2.4",
        f"Name: {config.distribution}",
        f"Version: {config.version}",
        *([f"Summary: {config.description}"] if config.description else []),
        f"License-Expression: {config.licence}",
    ]
    (info / "METADATA").write_text("\n".join(metadata) + "\n", "utf-8", newline="\n")
    names = [*files, f"{info.name}/METADATA", f"{info.name}/RECORD"]
    with (info / "RECORD").open("w", encoding="utf-8", newline="") as record:
        csv.writer(record, lineterminator="\n").writerows((name, "", "") for name in names)
