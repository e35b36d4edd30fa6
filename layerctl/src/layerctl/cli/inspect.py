"""`layerctl inspect`."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from layerctl.cli.options import json_option, layer_config_option, optional_layer_config
from layerctl.cli.output import print_json, waiting
from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from layerctl.config import LayerConfig
    from layerctl.inspection.difference import Difference
    from layerctl.inspection.imports import Waterfall
    from layerctl.inspection.survey import Survey

__all__ = ["command"]


@click.command("inspect")
@click.argument("artifact", type=click.Path(path_type=Path))
@click.option(
    "--against", type=click.Path(path_type=Path), metavar="OLD", help="Show what changed since that artifact."
)
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write a self-contained page to look at.")
@click.option("--imports", is_flag=True, help="Measure imports. This runs the layer's code: for own builds only.")
@click.option("--imports-of", metavar="PACKAGE", help="The package to import.  [default: the layer's own distribution]")
@layer_config_option
@json_option
def command(
    *,
    artifact: Path,
    against: Path | None,
    html: Path | None,
    imports: bool,
    imports_of: str | None,
    layer_config: Path | None,
    as_json: bool,
) -> None:
    """Show what is in an artifact (a zip or the folder it unpacks to), as a table or a self-contained HTML page."""
    from layerctl.artifact import open_artifact
    from layerctl.cli.inspect_tables import write_tables
    from layerctl.inspection.difference import difference
    from layerctl.inspection.survey import survey

    config = optional_layer_config(layer_config)
    with ExitStack() as stack:
        step = stack.enter_context(waiting("reading"))
        opened = stack.enter_context(open_artifact(artifact))
        found = survey(opened, config)
        changes = None
        if against is not None:
            step("comparing")
            old = stack.enter_context(open_artifact(against))
            changes = difference(old, opened, survey(old, config), found)
        waterfall = None
        if imports or imports_of:
            step("importing")
            from layerctl.inspection.imports import measure_imports

            package = imports_of or _own_package(config)
            waterfall = measure_imports(opened, package, [covered.runtime for covered in found.coverage])
        if html is not None:
            step("drawing")
            _write(html, found, changes, waterfall)
    if as_json:
        print_json(_data(found, changes, waterfall))
        return
    write_tables(found, changes, waterfall)
    if html is not None:
        click.echo(f"wrote {html}")


def _own_package(config: LayerConfig | None) -> str:
    if config is None or config.distribution is None:
        raise LayerctlError("no layer.toml names the layer's own distribution", hint="name a package with --imports-of")
    return config.distribution.replace("-", "_")


def _write(path: Path, found: Survey, changes: Difference | None, waterfall: Waterfall | None) -> None:
    from layerctl.inspection.page import page

    text = page(found, changes, waterfall)
    scratch = path.with_name(f".{path.name}.part")
    try:
        scratch.write_text(text, "utf-8", newline="\n")
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise LayerctlError(f"{path} cannot be written: {error.strerror}", hint="name another file") from None


def _data(found: Survey, changes: Difference | None, waterfall: Waterfall | None) -> dict[str, Any]:
    data = asdict(found)
    del data["sizes"], data["owners"]
    data["budgets"] = [dict(zip(("label", "used", "allowed"), budget, strict=True)) for budget in found.budgets]
    data["against"] = asdict(changes) if changes is not None else None
    if waterfall is not None:
        rows = [
            (module.name, module.origin, module.depth, module.start, module.own, module.total)
            for module in waterfall.imports
        ]
        keys = ("name", "origin", "depth", "start_us", "own_us", "total_us")
        data["imports"] = {
            "interpreter": waterfall.interpreter,
            "modules": waterfall.modules,
            "total_us": waterfall.total,
            "runs": waterfall.runs,
            "skipped": dict(waterfall.skipped),
            "imports": [dict(zip(keys, row, strict=True)) for row in rows],
        }
    else:
        data["imports"] = None
    return data
