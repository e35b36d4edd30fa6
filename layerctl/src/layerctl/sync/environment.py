"""Making layers known to editor, type checker and tests: one file in the virtual environment.

A path file (`site` of the standard library) puts folders on the search path of every program of the environment: pytest
and PyCharm by the interpreter itself, mypy and pyright because they read such files too. The layers' packages are then
installed packages to all of them: their metadata count (pytest plugins, versions), and a type checker does not report
on their insides. Settings of one's own are left alone.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from layerctl.core.errors import LayerctlError
from layerctl.core.files.atomic import write_bytes
from layerctl.core.files.find import find_above
from layerctl.python.distributions import read_distributions, record_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from layerctl.python.distributions import Distribution

__all__ = ["Environment", "distributions", "find_environment", "recorded", "settings"]

_FILE = "layerctl-sync.pth"


class Environment:
    """A virtual environment: its site-packages, and the path file of ours in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        found = sorted(root.glob("lib/python3*/site-packages")) or sorted(root.glob("Lib/site-packages"))
        if not (root / "pyvenv.cfg").is_file() or not found:
            raise LayerctlError(f"{root} is no virtual environment", hint=f"make one: python3 -m venv {root}")
        self._packages = found[0]

    @property
    def file(self) -> Path:
        """Our path file."""
        return self._packages / _FILE

    def write(self, folders: Sequence[Path]) -> None:
        """Put folders on the environment's search path, in place of those of an earlier time."""
        write_bytes(self.file, self._text(folders))

    def knows(self, folders: Sequence[Path]) -> bool:
        """Whether exactly these folders are on its search path."""
        return self.file.is_file() and self.file.read_bytes() == self._text(folders)

    def shadowed(self, folders: Sequence[Path]) -> list[str]:
        """Return what is installed and is not what the layers have; programs see what is installed."""
        own = distributions(self._packages)
        lines = []
        for folder in folders:
            for name, layered in distributions(folder).items():
                if (mine := own.get(name)) is None:
                    continue
                undo = f"`pip uninstall {name}`, and programs see the layer's"
                if mine.version != layered.version:
                    lines.append(
                        f"{name} {mine.version} is installed in {self.root}, the layer has {layered.version}: {undo}"
                    )
                elif self._is_other(mine, recorded(folder / layered.folder)):
                    lines.append(f"{mine} is installed in {self.root} with other content than the layer's: {undo}")
        return lines

    def missing(self, names: Iterable[str]) -> list[str]:
        """Return which of some distributions are not installed."""
        own = distributions(self._packages)
        return [f"{name} is not installed in {self.root}" for name in sorted(names) if name not in own]

    def _is_other(self, mine: Distribution, layered: dict[str, str]) -> bool:
        """Whether files that both note differ; or none is in both: it is installed from a checkout (editable)."""
        here = recorded(self._packages / mine.folder)
        both = here.keys() & layered.keys()
        return bool(layered) and bool(here) and (not both or any(here[path] != layered[path] for path in both))

    @staticmethod
    def _text(folders: Sequence[Path]) -> bytes:
        return "".join(f"{folder.resolve()}\n" for folder in folders).encode()


def recorded(folder: Path) -> dict[str, str]:
    """Return the files that a `.dist-info` folder notes with a hash, without metadata and bytecode: path -> hash."""
    try:
        data = (folder / "RECORD").read_bytes()
    except OSError:  # none: it says nothing
        return {}
    noted = {row[0]: row[1] for row in record_rows(data) if len(row) == 3 and row[1].startswith("sha256=")}
    return {
        path: digest
        for path, digest in noted.items()
        if not path.startswith((f"{folder.name}/", "..", "/", "__editable__")) and not path.endswith((".pyc", ".pth"))
    }


def distributions(folder: Path) -> dict[str, Distribution]:
    """Return what is installed in a folder: canonical name -> distribution."""
    paths = [f"{path.parent.name}/METADATA" for path in folder.glob("*.dist-info/METADATA")]
    return {
        distribution.name: distribution
        for distribution in read_distributions(paths, lambda path: (folder / path).read_bytes())
    }


def find_environment(named: Path | None) -> Environment | None:
    """Return the environment that is named, else active, else here or above as ``.venv`` or ``venv``; None: none is.

    Raises:
        LayerctlError: what is named is none.
    """
    if named is not None:
        return Environment(named)
    if active := os.environ.get("VIRTUAL_ENV"):
        return Environment(Path(active))
    found = find_above(".venv/pyvenv.cfg", "venv/pyvenv.cfg")
    return Environment(found.parent) if found is not None else None


def settings(folders: Sequence[Path], root: Path) -> str:
    """Return what a project's own settings need where no path file can be written."""
    names = [Path(os.path.relpath(folder.resolve(), root.resolve())).as_posix() for folder in folders]
    listed = json.dumps(names)
    return (
        "# pyproject.toml\n"
        f"[tool.pytest.ini_options]\npythonpath = {listed}\n\n"
        f"[tool.pyright]\nextraPaths = {listed}\n\n"
        f"[tool.mypy]\nmypy_path = {listed}\n\n"
        f"# PyCharm: mark as Sources Root: {', '.join(names)}; the module's file (.idea/NAME.iml) holds it then:\n"
        + "".join(f'#   <sourceFolder url="file://$MODULE_DIR$/{name}" isTestSource="false" />\n' for name in names)
    )
