"""`layerctl verify`."""

from __future__ import annotations

from pathlib import Path

import click

from layerctl.config import LayerConfig, find_layer_config
from layerctl.core.diagnostics import FORMATS, render
from layerctl.core.errors import LayerctlError
from layerctl.verify import RULES, Options, verify

__all__ = ["command"]


@click.command("verify")
@click.argument("artifacts", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="ARTIFACT|DIR...")
@click.option("--rebuild", is_flag=True, help="Build again from the checkout, and compare file by file.")
@click.option("--import", "imports", is_flag=True, help="Import its modules. This runs its code: own builds only.")
@click.option("--manifest", type=click.Path(path_type=Path), help="The manifest.  [default: the one beside the zip]")
@click.option("--layer-config", type=click.Path(path_type=Path), help="The layer.toml.  [default: found from here up]")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.pass_context
def command(
    ctx: click.Context,
    artifacts: tuple[Path, ...],
    *,
    rebuild: bool,
    imports: bool,
    manifest: Path | None,
    layer_config: Path | None,
    form: str,
    as_json: bool,
) -> None:
    """Prove what an artifact is: layout, modes, sizes, hashes, dependencies, bytecode, shared libraries, licences.

    Exit code 1: something is wrong with it.
    """
    form = "json" if as_json else form
    config = _config(layer_config)
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    found = []
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        for artifact in artifacts:
            task = bar.add_task(artifact.name, total=None)
            found += verify(
                artifact,
                config,
                Options(imports=imports, rebuild=rebuild),
                manifest=manifest,
                progress=lambda done, total, task=task: bar.update(task, completed=done, total=total),  # type: ignore[misc]
            )
    text = render(found, form, tool="verify", rules=RULES)
    if text:
        click.echo(text)
    if form == "table":
        names = ", ".join(str(artifact) for artifact in artifacts)
        click.echo(
            f"{names}: {len(found)} problem{'s' * (len(found) > 1)}"
            if found
            else f"{names}: {len(RULES)} rules, nothing to find fault with"
        )
    ctx.exit(1 if found else 0)


def _config(path: Path | None) -> LayerConfig | None:
    if path is not None:
        return LayerConfig.load(path)
    try:
        found = find_layer_config()
    except LayerctlError:
        return None  # somebody else's layer: Lambda's own rules are left
    return LayerConfig.load(found)
