"""`layerctl lock`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from layerctl.cli.options import (
    FILE,
    dry_run_option,
    json_option,
    layer_config_option,
    load_layer_config,
    optional_layer_config,
)
from layerctl.cli.output import print_json, waiting

if TYPE_CHECKING:
    from layerctl.dependencies.locking import Job

__all__ = ["command", "from_option", "job_for", "out_option", "tell"]

from_option = click.option(
    "--from", "source", type=FILE, help="A requirements file, pyproject.toml or uv.lock.  [default: the layer's]"
)
out_option = click.option("--out", type=FILE, help="The lock.  [default: the layer's; of --from X.in: X.txt beside it]")


@click.command("lock")
@from_option
@out_option
@click.option("--upgrade", is_flag=True, help="Take the newest versions of everything.")
@click.option("--upgrade-package", "packages", multiple=True, metavar="NAME", help="Take its newest. Repeatable.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if the lock is not what it would be.")
@dry_run_option
@layer_config_option
@json_option
def command(
    *,
    source: Path | None,
    out: Path | None,
    upgrade: bool,
    packages: tuple[str, ...],
    check: bool,
    dry_run: bool,
    layer_config: Path | None,
    as_json: bool,
) -> int:
    """Lock what the layer depends on: exact versions with hashes, for every runtime at once, wheels only.

    The lock is made with uv from requirements.in beside it, else from uv.lock or pyproject.toml of the layer's root;
    layer.lock-from in layer.toml names another file. Versions that are locked already are kept. No index's address gets
    into the lock. With --from, the lock of any other file is made, such as that of development tools.

    Exit code 1: with --check, the lock is not up to date.
    """
    from layerctl.core.files.atomic import write_bytes
    from layerctl.core.files.read import read_text
    from layerctl.dependencies.locking import changes, make_lock

    job = job_for(source, out, layer_config)
    with waiting(f"locking {job.source.name}"):
        text = make_lock(job, upgrade=upgrade, packages=packages)
    found = changes(job, text)
    stale = not job.lock.is_file() or _requirements(read_text(job.lock)) != _requirements(text)
    if stale and not (check or dry_run):
        write_bytes(job.lock, text.encode())
    tell(job, found, stale=stale, written=stale and not (check or dry_run), as_json=as_json)
    return int(check and stale)


def job_for(source: Path | None, out: Path | None, layer_config: Path | None) -> Job:
    """What a command line says to lock: the layer's requirements, or with --from another file."""
    from layerctl.dependencies.locking import Job, job_of, oldest_python

    if source is None:
        job = job_of(load_layer_config(layer_config))
        return Job(job.source, out.resolve(), job.python) if out else job
    config = optional_layer_config(layer_config)
    python = oldest_python(config) if config else f"3.{sys.version_info.minor}"
    if out is None and source.suffix != ".in":
        raise click.UsageError(f"--from {source}: name the lock with --out")
    return Job(source.resolve(), (out or source.with_suffix(".txt")).resolve(), python)


def _requirements(text: str) -> list[str]:
    """A lock without its comments, which say who asked for what."""
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def tell(job: Job, found: list[str], *, stale: bool, written: bool, as_json: bool) -> None:
    """Show what became of a lock."""
    if as_json:
        facts = {"source": str(job.source), "lock": str(job.lock), "up_to_date": not stale}
        print_json({**facts, "written": written, "changes": found})
        return
    for line in found:
        click.echo(line)
    state = "is up to date" if not stale else "is written" if written else "would change"
    click.echo(f"{job.lock} {state}")
