"""Wheels with the code that a layer has: what `pip install` takes where a path file in the environment does not fit."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from layerctl.artifact import ArtifactError, open_artifact
from layerctl.core.errors import LayerctlError
from layerctl.core.files.atomic import write_bytes
from layerctl.core.files.read import read_bytes
from layerctl.core.text import some
from layerctl.python.requirements import required_by
from layerctl.sync.environment import distributions, recorded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from packaging.version import Version

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
    layered = _layered(folders)
    found: dict[str, Path] = {}
    differences: list[str] = []
    for place in given:
        candidates = sorted(place.glob("*.whl")) if place.is_dir() else [place]
        fitting: defaultdict[str, list[tuple[Version, Path]]] = defaultdict(list)
        for path in candidates:
            name, version = _named(path)
            if name in layered:
                fitting[name].append((version, path))
        if not fitting:
            raise LayerctlError(
                f"--wheel {place}: no layer has what it is a wheel of", hint=f"the layers have {some(layered, 10)}"
            )
        for name, wheels in fitting.items():
            told = {path: _difference(path, version, *layered[name]) for version, path in wheels}
            same = next((path for path, difference in told.items() if not difference), None)
            if same is None:
                differences.append(next(iter(told.values())))
            else:
                found[name] = same
    installed = {name: distribution for name, (distribution, _) in layered.items()}
    left = sorted(str(installed[name]) for name in installed.keys() - required_by(found, installed))
    return Matching(tuple(found.values()), frozenset(found), tuple(differences), tuple(left))


def _layered(folders: Sequence[Path]) -> dict[str, tuple[Distribution, Path]]:
    """What programs see of the layers: canonical name -> distribution, and the folder that has it."""
    return {
        name: (distribution, folder)
        for folder in reversed(folders)
        for name, distribution in distributions(folder).items()
    }


def _named(path: Path) -> tuple[str, Version]:
    try:
        name, version, _, _ = parse_wheel_filename(path.name)
    except InvalidWheelFilename:
        raise LayerctlError(f"--wheel {path} is no wheel", hint="name a .whl, or a folder of them") from None
    return name, version


def _difference(path: Path, version: Version, layered: Distribution, folder: Path) -> str:
    """In which way a wheel is not what a layer has; empty for in none."""
    if version != layered.parsed_version:
        return f"{path} is version {version}, the layer has {layered}: name the wheel of the layer's release"
    try:
        with open_artifact(path) as wheel:
            entries = [entry for entry in wheel.entries if ".dist-info/" not in entry.path]
            both = [entry for entry in entries if (folder / entry.path).is_file()]
            other = [entry.path for entry in both if read_bytes(folder / entry.path) != wheel.read(entry)]
    except ArtifactError as error:
        raise LayerctlError(f"--wheel {error.what}", hint="download it again") from None
    other += sorted(recorded(folder / layered.folder).keys() - {entry.path for entry in entries})
    if not other:
        return ""
    what = f"{path} has other content than the layer's {layered} ({some(other, 3)})"
    return f"{what}: name the wheel of the layer's release"


def write_constraints(root: Path, folders: Sequence[Path]) -> Path:
    """Write which version the layers have of what, as a constraints file of pip's."""
    text = "".join(f"{name}=={distribution.version}\n" for name, (distribution, _) in sorted(_layered(folders).items()))
    write_bytes(root / CONSTRAINTS, f"# What the layers have. Made by `layerctl sync`.\n{text}".encode())
    return root / CONSTRAINTS
