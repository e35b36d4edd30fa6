"""`layerctl check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from layerctl.cli.exclusions import exclude_option, tell_left_out
from layerctl.cli.findings import findings_options
from layerctl.cli.options import (
    Pairs,
    layer_option,
    parameter_option,
    parse_layer_options,
    profile_option,
    region_option,
)
from layerctl.cli.output import note, print_table, progress, warning
from layerctl.core.text import count_text, size_text, some

if TYPE_CHECKING:
    from layerctl.check.report import CheckedTemplates
    from layerctl.cli.findings import Report
    from layerctl.scan.exclusion import Exclusion

__all__ = ["command"]


@click.command("check")
@click.argument("templates", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="TEMPLATE...")
@layer_option
@click.option(
    "--code", multiple=True, type=Pairs(), metavar="FUNCTION=PATH", help="A function's code: a zip or folder."
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
@parameter_option
@region_option("AWS_REGION", envvar=["AWS_REGION", "AWS_DEFAULT_REGION"])
@profile_option
@click.option("--offline", is_flag=True, help="Never ask AWS for a layer's content.")
@exclude_option()
@click.option("--skip-others", is_flag=True, help="Leave out named files that are no templates, as hooks name them.")
@findings_options
def command(
    *,
    templates: tuple[Path, ...],
    layers: tuple[str, ...],
    code: tuple[tuple[str, str], ...],
    dist: tuple[Path, ...],
    deployed: tuple[str, ...],
    stack: str | None,
    parameters: tuple[tuple[str, str], ...],
    region: str | None,
    profile: str | None,
    offline: bool,
    exclusion: Exclusion,
    skip_others: bool,
    report: Report,
) -> int:
    """Work out what Lambda will do with each function's layers, and what will go wrong.

    Reads SAM and CloudFormation templates (YAML, JSON) and serverless.yml, and finds those of a folder. Layer contents
    come from --layer, from the template's own layers, from dist/, or from AWS by their ARN (kept in the cache). What
    could not be looked at is said in a note.

    Exit code 0: nothing, or warnings and notes only. 1: errors. 2: a template that was named could not be read; the
    others are.
    """
    from layerctl.check.contents import Sources
    from layerctl.check.deployed import deployed_contents
    from layerctl.check.fetch import Fetcher
    from layerctl.check.given import find_templates
    from layerctl.check.report import RULES, check_templates

    if offline and stack:
        raise click.UsageError("--stack asks AWS, and --offline forbids it")
    given = find_templates(templates, exclusion)
    beside = (Path(), *(path for path in templates if path.is_dir()), *(path.parent for path, _ in given.files))
    folders = dist or tuple(dict.fromkeys(folder / "dist" for folder in beside))
    fetcher = Fetcher(profile)
    sources = Sources(
        layers=parse_layer_options(layers),
        code={name: Path(path) for name, path in code},
        deployed=deployed_contents(deployed, fetcher.deployed_code(stack, region) if stack else None),
        dist=tuple(folder for folder in folders if folder.is_dir()),
        fetch=None if offline else fetcher.layer,
    )
    with progress("checking", [path.as_posix() for path, _ in given.files]) as done:
        checked = check_templates(
            given,
            sources,
            parameters=dict(parameters),
            region=region,
            progress=done,
            skip_others=skip_others,
        )
    tell_left_out([*given.left_out, *checked.left_out], given.notes)
    if checked.others:
        note(f"note: no templates, and not checked: {some([path.as_posix() for path in checked.others])}")
    if report.for_people:
        _write_functions(checked)
    for name in checked.unused:
        warning(f"no function or layer is called {name}: what was given for it is not used")
    return report.close(
        checked.findings,
        tool="check",
        rules=RULES,
        looked_at=_looked_at(checked),
        files=[path.as_posix() for path, _ in given.files],
        complete=not checked.unreadable,
    )


def _looked_at(report: CheckedTemplates) -> str:
    """What was checked, and how much of it only as far as the template tells."""
    functions, templates = len(report.functions), len(report.templates)
    partly = sum(not function.complete for function in report.functions)
    said = f", of {partly:,} not all contents are known" if partly else ""
    return f"{count_text(functions, 'function')} in {count_text(templates, 'template')}{said}"


def _write_functions(report: CheckedTemplates) -> None:
    """What Lambda will have of each function: runtime, sizes and the order of the layers."""
    from layerctl.core.runtimes import MAX_UNZIPPED

    rows = []
    for function in report.functions:
        layers = " < ".join(f"{name} {_size(size)}" for name, size in function.layers)
        total = (
            f"{'' if function.complete else 'at least '}{_size(function.total)}, {function.total / MAX_UNZIPPED:.1%}"
        )
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
    return "?" if size is None else size_text(size)
