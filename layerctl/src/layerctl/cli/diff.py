"""`layerctl diff`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from layerctl.cli.findings import findings_options
from layerctl.cli.options import layer_config_option, optional_layer_config
from layerctl.cli.output import note, print_json, print_table, waiting, warning

if TYPE_CHECKING:
    from collections.abc import Callable

    from layerctl.cli.findings import Report
    from layerctl.inspection.comparison import Comparison
    from layerctl.inspection.imports import Waterfall
    from layerctl.inspection.survey import Survey

__all__ = ["command"]

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("old", type=_PATH)
@click.argument("new", type=_PATH)
@click.option(
    "--package",
    "packages",
    multiple=True,
    metavar="NAME",
    help="Whose public API; repeatable.  [default: the layer's own distribution, else all]",
)
@click.option(
    "--public", multiple=True, metavar="MODULE", help="A module that is public though no __all__ names it. Repeatable."
)
@click.option("--imports", is_flag=True, help="Time the imports too. This runs the layers' code: for own builds only.")
@layer_config_option
@findings_options
def command(
    *,
    old: Path,
    new: Path,
    packages: tuple[str, ...],
    public: tuple[str, ...],
    imports: bool,
    layer_config: Path | None,
    report: Report,
) -> int:
    """Tell what changes from OLD to NEW (zips or folders): distributions, files, sizes, imports, and the public API.

    Exit code 0: the version moves as far as the changes ask, or there is none. 1: it does not. 2: it could not be told.
    """
    from layerctl.cli.inspect_tables import write_changes
    from layerctl.inspection.comparison import compare
    from layerctl.inspection.step import RULES, check_step, step_between

    config = optional_layer_config(layer_config)
    with waiting("comparing") as step:
        compared = compare(old, new, config, packages=packages, public=public)
        was, now = compared.before, compared.after
        timed = [_time(path, side, compared.packages, step) for path, side in ((old, was), (new, now)) if imports]
    findings = list(check_step(compared.changes, was.version, now.version, str(new)))
    if report.form == "json":
        wanted = report.wanted(findings, rules=RULES)
        print_json(_data(compared, timed) | {"findings": [asdict(finding) for finding in wanted]})
        return report.exit_code(wanted)
    if report.for_people:
        write_changes(compared.content)
        _tell(compared, timed)
        if step_between(was.version, now.version) is None:
            warning(f"the step was not judged: {was.version or old} or {now.version or new} is no version")
    return report.close(findings, tool="diff", rules=RULES, looked_at=f"{old} to {new}")


def _time(path: Path, side: Survey, packages: tuple[str, ...], step: Callable[[str], None]) -> Waterfall:
    """Time the import of the first package; it is called as the layer is, where nobody said."""
    from layerctl.artifact import open_artifact
    from layerctl.inspection.imports import measure_imports

    step(f"importing {side.name} {side.version}")
    package = packages[0] if packages else side.name.replace("-", "_")
    with open_artifact(path) as artifact:
        return measure_imports(artifact, package, [covered.runtime for covered in side.coverage])


def _tell(compared: Comparison, timed: list[Waterfall]) -> None:
    if rows := compared.rows():
        print_table(("needs", "change", "what", ""), rows)
    if internal := compared.api.internal:
        note(f"not counted: {internal} changes in modules that no __all__ names (--public MODULE counts one)")
    if timed:
        was, now = timed
        click.echo(f"imports: {was.total / 1000:.1f} ms to {now.total / 1000:.1f} ms on Python {now.interpreter}")
        names = [{module.name for module in side.imports} for side in timed]
        changed = [("added", name) for name in sorted(names[1] - names[0])]
        changed += [("removed", name) for name in sorted(names[0] - names[1])]
        if changed:
            print_table(("import", "module"), changed)


def _data(compared: Comparison, timed: list[Waterfall]) -> dict[str, Any]:
    return asdict(compared.content) | {
        "changes": [asdict(change) | {"step": str(change.step)} for change in compared.changes],
        "internal_changes": compared.api.internal,
        "imports": [
            {
                "interpreter": waterfall.interpreter,
                "total_us": waterfall.total,
                "modules": [each.name for each in waterfall.imports],
            }
            for waterfall in timed
        ]
        or None,
    }
