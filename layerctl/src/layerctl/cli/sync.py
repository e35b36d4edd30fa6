"""`layerctl sync`."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from layerctl.cli.exclusions import exclude_option, tell_left_out
from layerctl.cli.options import json_option, layer_option, parse_layer_options, profile_option, region_option
from layerctl.cli.output import error, note, print_json, waiting, warning

if TYPE_CHECKING:
    from layerctl.scan.exclusion import Exclusion
    from layerctl.sync.environment import Environment
    from layerctl.sync.install import Installed

__all__ = ["command"]


@click.command("sync")
@click.argument(
    "templates", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True), metavar="TEMPLATE..."
)
@layer_option
@click.option("--function", metavar="NAME", help="Only the layers of this function.")
@click.option(
    "--into", type=click.Path(path_type=Path, file_okay=False), default=Path(".layerctl"), show_default=True,
    help="Where layers are unpacked.",
)  # fmt: skip
@click.option(
    "--venv",
    type=click.Path(path_type=Path, file_okay=False),
    help="The virtual environment that is to see them.  [default: the active one, else .venv here or above]",
)
@click.option(
    "--wheel",
    "wheels",
    multiple=True,
    metavar="WHERE",
    type=click.Path(path_type=Path, exists=True),
    help="A wheel, or a folder of them: show the `pip install` of those that are what the layers have, and touch no "
    "environment. Repeatable.",
)
@click.option("--no-venv", is_flag=True, help="Touch no environment; show what settings tools need.")
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if what is here is not what is pinned.")
@profile_option
@region_option("what the template says, else the environment's", envvar=("AWS_REGION", "AWS_DEFAULT_REGION"))
@exclude_option()
@json_option
def command(
    *,
    templates: tuple[Path, ...],
    layers: tuple[str, ...],
    function: str | None,
    into: Path,
    venv: Path | None,
    wheels: tuple[Path, ...],
    no_venv: bool,
    check: bool,
    profile: str | None,
    region: str | None,
    as_json: bool,
    exclusion: Exclusion,
) -> int:
    """Bring the layer versions that TEMPLATE pins to this machine, so that editor and tests see what production will.

    TEMPLATE is anything that `layerctl pins list` reads. The versions are fetched with the caller's AWS credentials
    (or --layer names a zip or folder), unpacked below .layerctl/, and made known to the virtual environment by one
    file in it, which pytest, pyright, Pylance, mypy and PyCharm read. No file of yours is changed. What is installed
    there comes first; where it is not what the layers have, that is said. Where tests should run on installed wheels
    instead (an image without AWS credentials, say), --wheel names them: each is held against the layer, byte by byte.

    Exit code 1: with --check, something differs; a wheel is not what a layer has. 2: a version is not to be had, or is
    decided outside of the template.
    """
    from layerctl.check.fetch import Fetcher
    from layerctl.sync import install, installed, stale, wanted_layers
    from layerctl.sync.environment import find_environment, settings
    from layerctl.sync.install import search_path
    from layerctl.sync.matching import CONSTRAINTS, match_wheels, write_constraints

    plan = wanted_layers(templates, parse_layer_options(layers), function=function, region=region, exclusion=exclusion)
    tell_left_out(plan.left_out)
    environment = None if no_venv else find_environment(venv)
    for text in plan.notes:
        note(f"note: {text}")
    if check:
        done = installed(into)
        found = stale(plan.layers, into)
    else:
        with waiting("fetching layers"):
            done, found = install(plan.layers, into, Fetcher(profile)), []
    folders = search_path(done, into)
    matching = match_wheels(wheels, folders) if wheels and folders else None
    pip = ""
    if matching:
        found += matching.differences
        if environment and check:
            found += environment.missing(matching.names)
        if matching.wheels:
            words = ["pip", "install", "-c", str(into / CONSTRAINTS), *map(str, matching.wheels)]
            pip = shlex.join(words)
    elif environment and not check:
        environment.write(folders)
    elif environment and not environment.knows(folders):
        found.append(f"{environment.root} does not know the layers: {environment.file} is missing or of another time")
    if not check and done:
        write_constraints(into, folders)
    shadowed = environment.shadowed(folders) if environment else []
    if as_json:
        facts = [{"name": layer.name, "source": layer.source, "content_digest": layer.content_digest} for layer in done]
        places = {
            "paths": [str(folder) for folder in folders],
            "venv": str(environment.root) if environment else None,
            "pip": pip or None,
        }
        print_json({"layers": facts, **places, "differences": [*found, *shadowed], "missing": plan.missing})
    else:
        _tell(
            done, into, None if wheels else environment, check=check, differences=[*found, *(shadowed if check else [])]
        )
        if not check:
            for text in shadowed:
                warning(text)
        if matching and not check:
            if pip:
                click.echo(pip)
            if pip and matching.left:
                note(f"note: that installs nothing of {', '.join(matching.left)}, which the layers have besides")
        elif environment is None and done and not check:
            if not no_venv:
                note("note: no virtual environment is here; in one (`python3 -m venv .venv`) no settings are needed")
            click.echo(settings(folders, Path.cwd()), nl=False)
    for text in plan.missing:
        error(text)
    differ = found or (check and shadowed)
    return 2 if plan.missing else int(bool(differ))


def _tell(
    done: list[Installed], into: Path, environment: Environment | None, *, check: bool, differences: list[str]
) -> None:
    for text in differences:
        click.echo(text)
    if check:
        click.echo("run the same without --check" if differences else "what is here is what is pinned")
        return
    for layer in done:
        click.echo(f"{layer.folder(into)}{os.sep}python  {layer.source}")
    if environment:
        click.echo(f"{environment.root} sees them ({environment.file.name})")
