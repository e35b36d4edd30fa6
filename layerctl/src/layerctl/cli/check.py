"""`layerctl check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from layerctl.core.diagnostics import FORMATS

if TYPE_CHECKING:
    from layerctl.check.report import Report

__all__ = ["command"]


def _assignments(_context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Read ``NAME=VALUE`` options. An ARN holds no ``=``, so the first one divides."""
    pairs = {}
    for value in values:
        name, equals, rest = value.partition("=")
        if not (name and equals and rest):
            raise click.BadParameter(f"{value!r} is not NAME=VALUE", param=parameter)
        pairs[name] = rest
    return pairs


@click.command("check")
@click.argument("templates", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="TEMPLATE...")
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="NAME=PATH",
    help="A layer's content: a zip or folder. NAME is a logical id, a layer's name, or an ARN.",
)
@click.option(
    "--code", multiple=True, callback=_assignments, metavar="FUNCTION=PATH", help="A function's code: a zip or folder."
)
@click.option(
    "--dist",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Folder with artifacts of `layerctl build`.  [default: dist here and beside each template]",
)
@click.option(
    "--deployed",
    multiple=True,
    metavar="[FUNCTION=]PATH",
    help="What is deployed now: a template, zip or folder. Checks the sizes during the update.",
)
@click.option("--stack", help="The deployed stack: the same, asked of AWS.")
@click.option(
    "--parameter",
    "parameters",
    multiple=True,
    callback=_assignments,
    metavar="NAME=VALUE",
    help="A template parameter's value.",
)
@click.option(
    "--region", help="What AWS::Region stands for.  [default: AWS_REGION]", envvar=["AWS_REGION", "AWS_DEFAULT_REGION"]
)
@click.option("--offline", is_flag=True, help="Never ask AWS for a layer's content.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
    help="How to write the findings.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def command(
    *,
    templates: tuple[Path, ...],
    layers: tuple[str, ...],
    code: dict[str, str],
    dist: tuple[Path, ...],
    deployed: tuple[str, ...],
    stack: str | None,
    parameters: dict[str, str],
    region: str | None,
    form: str,
    offline: bool,
    as_json: bool,
) -> int:
    """Work out what Lambda will do with each function's layers, and what will go wrong.

    Reads SAM and CloudFormation templates (YAML, JSON) and serverless.yml. Layer contents come from --layer, from
    the template's own layers, from dist/, or from AWS by their ARN (kept in the cache). What could not be looked at
    is said in a note; notes alone leave the exit code at 0.
    """
    from layerctl.build.layer_sources import parse_layer_options
    from layerctl.check.contents import Sources
    from layerctl.check.deployed import deployed_contents
    from layerctl.check.fetch import Fetcher
    from layerctl.check.model import RULES
    from layerctl.check.report import check_templates
    from layerctl.cli.output import progress
    from layerctl.core.diagnostics import render

    if offline and stack:
        raise click.UsageError("--stack asks AWS, and --offline forbids it")
    folders = dist or tuple(dict.fromkeys(folder / "dist" for folder in (Path(), *(path.parent for path in templates))))
    fetcher = Fetcher()
    sources = Sources(
        layers=parse_layer_options(layers),
        code={name: Path(path) for name, path in code.items()},
        deployed=deployed_contents(deployed, fetcher.deployed_code(stack, region) if stack else None),
        dist=tuple(folder for folder in folders if folder.is_dir()),
        fetch=None if offline else fetcher.layer,
    )
    with progress("checking", len(templates)) as done:
        report = check_templates(templates, sources, parameters=parameters, region=region, progress=done)
    form = "json" if as_json else form
    if form == "table":
        _write_functions(report)
    text = render(report.findings, form, tool="check", rules=RULES)
    if text or form == "table":
        click.echo(text or "nothing to report")
    for name in report.unused:
        click.echo(f"warning: no function or layer is called {name}: what was given for it is not used", err=True)
    return report.exit_code


def _write_functions(report: Report) -> None:
    """What Lambda will have of each function: runtime, sizes and the order of the layers."""
    from layerctl.cli.output import print_table
    from layerctl.core.runtimes import MAX_UNZIPPED

    rows = []
    for function in report.functions:
        layers = " < ".join(f"{name} {_size(size)}" for name, size in function.layers)
        complete = function.code is not None and all(size is not None for _, size in function.layers)
        total = f"{'' if complete else 'at least '}{_size(function.total)}, {function.total / MAX_UNZIPPED:.1%}"
        platform = f"{function.runtime} {function.architecture}"
        rows.append((function.function, platform, _size(function.code), layers or "-", total))
    if rows:
        print_table(["function", "runtime", "code", "layers, later ones on top", "unzipped, of the limit"], rows)
    # Which build stands for a pinned version is an assumption where it comes from dist/, so it is said.
    origins = {origin for function in report.functions for origin in function.origins if origin[0] != function.function}
    for name, origin in sorted(origins):
        click.echo(f"{name} is looked into as {origin}")
    if rows:
        click.echo()


def _size(size: int | None) -> str:
    """Bytes for people; unknown content has no size."""
    from layerctl.cli.output import size_text

    return "?" if size is None else size_text(size)
