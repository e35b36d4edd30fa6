"""Writing a repository: rendered and locked aside first, so that what fails leaves nothing behind."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layerctl.config import LayerConfig
from layerctl.core.errors import LayerctlError
from layerctl.core.files.read import read_toml
from layerctl.dependencies.locking import Job, job_of, make_lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.resources.abc import Traversable

    from layerctl.scaffold.choices import Choices

__all__ = ["CreatedFiles", "create"]


@dataclass(frozen=True, slots=True)
class CreatedFiles:
    """What was done: files that were written, and files that were there already and are as they were."""

    written: tuple[str, ...]
    kept: tuple[str, ...]


def create(
    folder: Path, choices: Choices, *, add: bool = False, dry_run: bool = False, step: Callable[[str], None]
) -> CreatedFiles:
    """Write the repository of a layer.

    Args:
        folder: where to; it may exist.
        choices: what it is to be.
        add: keep files that are there; without it they are an error.
        dry_run: say what would be written, without locks.
        step: told what is being done, for people who wait.

    Raises:
        LayerctlError: a file is there already, or the dependencies can't be locked. Nothing is written then.
    """
    project = _project(folder) if add else None
    files = render(choices, project)
    present = sorted(name for name in files if (folder / name).exists())
    if present and not add:
        raise LayerctlError(
            f"{folder} has {', '.join(present)} already; nothing was written",
            hint="choose another folder, or keep them with --add",
        )
    if "layer/layer.toml" in present:
        raise LayerctlError(f"{folder / 'layer/layer.toml'} exists: there is a layer already", hint="edit that file")
    if dry_run:
        return CreatedFiles(tuple(sorted(set(files) - set(present))), tuple(present))
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    written: list[str] = []
    try:
        with tempfile.TemporaryDirectory(prefix=".layerctl-init-", dir=folder) as scratch:
            aside = Path(scratch)
            _fill(aside, folder, files)
            for job in _locks(aside):
                name = job.lock.relative_to(aside).as_posix()
                step(f"locking {name}")
                job.lock.write_text(_locked(job, aside, folder), "utf-8", newline="\n")
                files[name] = b""
            present = sorted(name for name in files if (folder / name).exists())
            for name in sorted(files.keys() - set(present)):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (aside / name).rename(folder / name)
                written.append(name)
    finally:
        if made and not written:
            folder.rmdir()
    return CreatedFiles(tuple(written), tuple(present))


def _fill(aside: Path, folder: Path, files: dict[str, bytes]) -> None:
    """Lay out what will be there: our files, those of the folder that are kept in their place, and its project."""
    for name in {*files, "pyproject.toml", "uv.lock"}:
        place = aside / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if (folder / name).is_file() and not name.startswith("wheels/"):
            shutil.copyfile(folder / name, place)
        elif name in files:
            place.write_bytes(files[name])


def _locked(job: Job, aside: Path, folder: Path) -> str:
    try:
        return make_lock(job)
    except LayerctlError as error:  # in the words of where the files would be
        raise LayerctlError(error.what.replace(str(aside), str(folder)), hint=error.hint) from None


def _project(folder: Path) -> str | None:
    """The name of the distribution that the folder has, whose wheel the layer is made of then."""
    path = folder / "pyproject.toml"
    if not path.is_file():
        return None
    project = read_toml(path).get("project", {})
    return str(project["name"]) if isinstance(project, dict) and project.get("name") else None


def _locks(folder: Path) -> list[Job]:
    layer = job_of(LayerConfig.load(folder / "layer/layer.toml"))
    source = folder / "requirements/dev.in"
    return [layer, Job(source, source.with_suffix(".txt"), layer.python)]


def render(choices: Choices, project: str | None = None) -> dict[str, bytes]:
    """Return the files of a repository: path -> content.

    Args:
        choices: what it is to be.
        project: the distribution that is there already, which has sources and tests of its own.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(  # noqa: S701 - the files are no pages of HTML
        undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=False
    )
    values: dict[str, Any] = {
        "kind": choices.kind,
        "package": choices.package,
        "layer": choices.layer,
        "distribution": project or choices.distribution,
        "description": f"What our functions share: {choices.package}",
        "runtimes": choices.runtimes,
        "architectures": list(choices.architectures),
        "regions": list(choices.regions),
        "accounts": list(choices.sharing.accounts),
        "organizations": list(choices.sharing.organizations),
        "public": choices.sharing.public,
        "helpers": list(choices.helpers),
        "names": choices.names,
        "wheels": [wheel for wheel in choices.wheels.values() if wheel.file],
        "wheel_of": {name: wheel.requirement for name, wheel in choices.wheels.items()},
        "existing": project is not None,
    }
    files = {}
    for name, template in _templates(resources.files("layerctl.scaffold").joinpath("files")):
        if project is not None and name.startswith(("src/", "tests/", "pyproject.toml", "layer/requirements.in")):
            continue
        place = name.replace("package", choices.package).replace("gitignore", ".gitignore")
        files[place] = environment.from_string(template).render(values).encode()
    for wheel in choices.wheels.values():
        if wheel.file is not None:
            files[f"wheels/{wheel.file.name}"] = wheel.file.read_bytes()
    return files


def _templates(folder: Traversable, above: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for entry in sorted(folder.iterdir(), key=lambda place: place.name):
        if entry.is_dir():
            found += _templates(entry, f"{above}{entry.name}/")
        elif entry.name.endswith(".jinja"):
            found.append((f"{above}{entry.name.removesuffix('.jinja')}", entry.read_text("utf-8")))
    return found
