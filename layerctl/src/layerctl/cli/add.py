"""`layerctl add`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from layerctl.cli.lock import from_option, job_for, out_option, tell
from layerctl.cli.options import dry_run_option, json_option, layer_config_option
from layerctl.cli.output import note, waiting
from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]


@click.command("add")
@click.argument("requirements", nargs=-1, required=True, metavar="PACKAGE...")
@from_option
@out_option
@dry_run_option
@layer_config_option
@json_option
def command(
    requirements: tuple[str, ...],
    *,
    source: Path | None,
    out: Path | None,
    dry_run: bool,
    layer_config: Path | None,
    as_json: bool,
) -> None:
    """Add PACKAGE (a name, a requirement such as 'orjson>=3.10', or a wheel's file) to the layer, and lock it.

    It is written where the lock is made from (see `layerctl lock`). If it cannot be locked, nothing is changed.
    """
    from layerctl.core.runtimes import PROVIDED_OTHER, PROVIDED_SDK
    from layerctl.dependencies.adding import add_requirements, name_of

    job = job_for(source, out, layer_config)
    if not job.source.is_file():
        raise LayerctlError(f"{job.source} does not exist", hint="make it first; it may be empty")
    with waiting(f"locking {job.source.name}"):
        found = add_requirements(job, requirements, dry_run=dry_run)
    tell(job, found, stale=bool(found), written=not dry_run, as_json=as_json)
    for name in map(name_of, requirements):
        if name in PROVIDED_SDK | PROVIDED_OTHER:
            note(
                f"note: the Lambda runtime has {name}; it ships in the layer only where layer.toml's [provided] says so"
            )
