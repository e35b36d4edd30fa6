"""`layerctl build`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from layerctl.cli.options import dry_run_option, json_option, layer_config_option, load_layer_config
from layerctl.cli.output import print_json, waiting, warning

if TYPE_CHECKING:
    from rich.table import Table

    from layerctl.build import BuildResult
    from layerctl.config import LayerConfig

__all__ = ["command"]


@click.command("build")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for zip, manifest and SBOM.  [default: dist]")
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    help="Write the content to INTO/python only, as `sam build` wants it; no zip, no staging.",
)
@click.option(
    "--strict", is_flag=True, help="A warning is an error: take exactly the interpreters that layer.toml names."
)
@click.option("--install-pythons", "pythons", is_flag=True, help="Fetch interpreters that are missing, through uv.")
@click.option("--part", metavar="NAME", help="Only this part of a layer that layer.toml splits.")
@click.option("--no-cache", is_flag=True, help="Compile everything anew.")
@dry_run_option
@layer_config_option
@json_option
def command(
    out: Path | None,
    into: Path | None,
    *,
    strict: bool,
    pythons: bool,
    part: str | None,
    no_cache: bool,
    dry_run: bool,
    layer_config: Path | None,
    as_json: bool,
) -> None:
    """Build the layer: wheel, locked closure, bytecode, zip, manifest and SBOM.

    The same sources, locks and interpreters give the same bytes, whoever builds, where and when.
    """
    if into and out:
        raise click.UsageError("--into and --out exclude each other")
    from layerctl.build import BuildOptions, build_layer

    whole = load_layer_config(layer_config)
    parts = [known for known in whole.parts if part in (None, known.name)]
    names = ", ".join(known.name for known in whole.parts)
    if not parts:
        raise click.UsageError(f"--part {part!r}: layer.toml makes {names}")
    if into and len(parts) > 1:
        raise click.UsageError(f"--into takes one part of a layer that is split: --part with one of {names}")
    results = []
    for config in parts:
        options = BuildOptions(
            out=None if dry_run or into else out or config.root / "dist",
            stage=None if dry_run or len(parts) > 1 else (into or config.path.parent) / "python",
            strict=strict,
            cache=not no_cache,
            install_pythons=pythons,
        )
        with waiting(f"building {config.name}") as update:
            results.append(build_layer(config, options, update))
    for text in dict.fromkeys(text for result in results for text in result.warnings):
        # `sam build` shows what a makefile writes to standard output, and nothing of its standard error
        click.echo(f"warning: {text}") if into else warning(text)
    if as_json:
        facts = [_facts(result) for result in results]
        print_json(facts[0] if len(facts) == 1 else {"parts": facts})
        return
    from rich.console import Console

    for config, result in zip(parts, results, strict=True):
        if into:
            manifest = result.manifest
            click.echo(f"{config.name} {manifest.version} -> {into / 'python'}  {manifest.content_digest}")
        else:
            # a digest must stay in one piece, to be copied
            Console(width=max(Console().width, 100)).print(_table(result, config))


def _facts(result: BuildResult) -> dict[str, object]:
    manifest = result.manifest
    return {
        "zip": str(result.zip) if result.zip else None,
        "name": manifest.name,
        "version": manifest.version,
        "content_digest": manifest.content_digest,
        "sha256": manifest.zip.sha256,
        "code_sha256": manifest.zip.code_sha256,
        "zipped_size": manifest.zip.size,
        "unzipped_size": manifest.unzipped_size,
        "runtimes": {runtime.runtime: runtime.interpreter for runtime in manifest.runtimes},
        "warnings": list(result.warnings),
    }


def _table(result: BuildResult, config: LayerConfig) -> Table:
    from rich.table import Table

    manifest = result.manifest
    table = Table(title=f"{manifest.name} {manifest.version}", title_justify="left", show_header=False, box=None)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("zip", str(result.zip) if result.zip else "not written")
    table.add_row("content", manifest.content_digest)
    table.add_row("sha256", manifest.zip.sha256)
    zipped, unzipped = config.budgets(file.path for file in manifest.files)
    table.add_row("zipped", _share(manifest.zip.size, zipped))
    table.add_row("unzipped", _share(manifest.unzipped_size, unzipped))
    for runtime in manifest.runtimes:
        with_what = f"bytecode of {runtime.bytecode} modules by {runtime.interpreter}"
        table.add_row(runtime.runtime, with_what if runtime.interpreter else "no bytecode")
    for distribution in manifest.distributions:
        table.add_row(
            distribution.name,
            f"{distribution.version}  {distribution.size:,} bytes  {distribution.licence or 'licence unknown'}",
        )
    return table


def _share(size: int, budget: int) -> str:
    return f"{size:,} bytes, {size / budget:.0%} of the budget"
