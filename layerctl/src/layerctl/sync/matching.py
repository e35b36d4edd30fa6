"""Wheels with the code that a layer has: what `pip install` takes where a path file in the environment does not fit."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from layerctl.core.errors import LayerctlError
from layerctl.core.files.atomic import write_bytes
from layerctl.core.text import some
from layerctl.sync.environment import distributions, recorded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from layerctl.python.distributions import Distribution

__all__ = ["CONSTRAINTS", "Matching", "match_wheels", "write_constraints"]

CONSTRAINTS = "constraints.txt"


@dataclass(frozen=True, slots=True)
class Matching:
    """What stands for the layers in an environment of its own.

    Attributes:
        wheels: those whose code is the layers', to be installed.
        names: the canonical names of these.
        differences: in which way a wheel is not what a layer has; one line each.
        left: distributions of the layers that neither a wheel is nor one of them requires.
    """

    wheels: tuple[Path, ...]
    names: frozenset[str]
    differences: tuple[str, ...]
    left: tuple[str, ...]


def match_wheels(given: Iterable[Path], folders: Sequence[Path]) -> Matching:
    """Hold wheels against what layers have: same version, and the same bytes of each module that both have.

    Args:
        given: wheels, or folders of them. In a folder, those of projects that no layer has are passed over.
        folders: the layers' folders of modules, the topmost first.

    Raises:
        LayerctlError: a file is no wheel, or a folder has none that fits.
    """
    layered = {name: (one, folder) for folder in reversed(folders) for name, one in distributions(folder).items()}
    found: dict[str, Path] = {}
    differences: list[str] = []
    for place in given:
        candidates = sorted(place.glob("*.whl")) if place.is_dir() else [place]
        fitting = {name: path for path in candidates for name in [_name(path)] if name in layered}
        if not fitting:
            raise LayerctlError(
                f"--wheel {place}: no layer has what it is a wheel of", hint=f"the layers have {some(layered, 10)}"
            )
        for name in fitting:
            paths = [path for path in candidates if _name(path) == name]
            told = {path: list(_differences(path, *layered[name])) for path in paths}
            path = min(told, key=lambda one: len(told[one]))
            if told[path]:
                differences += told[path]
            else:
                found[name] = path
    installed = {name: one for name, (one, _) in layered.items()}
    left = sorted(str(installed[name]) for name in installed.keys() - _reached(found, installed))
    return Matching(tuple(found.values()), frozenset(found), tuple(differences), tuple(left))


def _name(path: Path) -> str:
    try:
        return parse_wheel_filename(path.name)[0]
    except InvalidWheelFilename:
        raise LayerctlError(f"--wheel {path} is no wheel", hint="name a .whl, or a folder of them") from None


def _differences(path: Path, layered: Distribution, folder: Path) -> Iterable[str]:
    version = parse_wheel_filename(path.name)[1]
    if version != layered.parsed_version:
        yield f"{path} is version {version}, the layer has {layered}: name the wheel of the layer's release"
        return
    try:
        with zipfile.ZipFile(path) as archive:
            files = [name for name in archive.namelist() if not name.endswith("/") and ".dist-info/" not in name]
            both = [name for name in files if (folder / name).is_file()]
            other = [name for name in both if (folder / name).read_bytes() != archive.read(name)]
    except (OSError, zipfile.BadZipFile) as error:
        raise LayerctlError(f"--wheel {path} cannot be read: {error}", hint="download it again") from None
    other += sorted(recorded(folder / layered.folder).keys() - set(files))
    if other:
        what = f"{path} has other content than the layer's {layered} ({some(other, 3)})"
        yield f"{what}: name the wheel of the layer's release"


def _reached(names: Iterable[str], installed: dict[str, Distribution]) -> set[str]:
    """The distributions that some names bring, themselves and what they require here."""
    reached: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name in reached or name not in installed:
            continue
        reached.add(name)
        needed = (one for one in installed[name].requires if one.marker is None or one.marker.evaluate({"extra": ""}))
        left.extend(canonicalize_name(one.name) for one in needed)
    return reached


def write_constraints(root: Path, folders: Sequence[Path]) -> Path:
    """Write which version the layers have of what, as a constraints file of pip's."""
    versions = {name: one for folder in reversed(folders) for name, one in distributions(folder).items()}
    text = "".join(f"{name}=={versions[name].version}\n" for name in sorted(versions))
    write_bytes(root / CONSTRAINTS, f"# What the layers have. Made by `layerctl sync`.\n{text}".encode())
    return root / CONSTRAINTS
