"""`layerctl diff`."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from layerctl.cli.findings import findings_options
from layerctl.cli.options import layer_config_option, optional_layer_config
from layerctl.cli.output import note, print_json, print_table, waiting, warning

if TYPE_CHECKING:
    from layerctl.cli.findings import Report
    from layerctl.config import LayerConfig
    from layerctl.inspection.api import ApiChange, ApiDifference
    from layerctl.inspection.imports import Waterfall

__all__ = ["changes_between", "command"]

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
    from layerctl.artifact import open_artifact
    from layerctl.cli.inspect_tables import write_changes
    from layerctl.inspection.api import api_difference
    from layerctl.inspection.difference import difference
    from layerctl.inspection.step import RULES, changes_of, check_step, step_between
    from layerctl.inspection.survey import survey

    config = optional_layer_config(layer_config)
    with ExitStack() as stack:
        step = stack.enter_context(waiting("reading"))
        before, after = (stack.enter_context(open_artifact(path)) for path in (old, new))
        was, now = survey(before, config), survey(after, config)
        changes = difference(before, after, was, now)
        step("comparing the public API")
        chosen = packages or _own(config, old, new)
        api = api_difference(old, new, chosen, public=(*public, *(config.public_modules if config else ())))
        timed: list[Waterfall] = []
        if imports:
            from layerctl.inspection.imports import measure_imports

            for opened, side in ((before, was), (after, now)):
                step(f"importing {side.name} {side.version}")
                package = (chosen or _own_names(side.name))[0]
                timed.append(measure_imports(opened, package, [one.runtime for one in side.coverage]))
    every = changes_of(changes, api, was, now)
    findings = list(check_step(every, was.version, now.version, str(new)))
    if report.form == "json":
        wanted = report.wanted(findings, rules=RULES)
        print_json(_data(asdict(changes), every, api, timed) | {"findings": [asdict(one) for one in wanted]})
        return report.exit_code(wanted)
    if report.for_people:
        write_changes(changes)
        _tell(every, api, timed)
        if step_between(was.version, now.version) is None:
            warning(f"the step was not judged: {was.version or old} or {now.version or new} is no version")
    return report.close(findings, tool="diff", rules=RULES, looked_at=f"{old} to {new}")


def changes_between(old: Path, new: Path) -> list[ApiChange]:
    """Return what changes from one artifact to another, the largest first, by the layer.toml that is found."""
    from layerctl.artifact import open_artifact
    from layerctl.inspection.api import api_difference
    from layerctl.inspection.difference import difference
    from layerctl.inspection.step import changes_of
    from layerctl.inspection.survey import survey

    config = optional_layer_config(None)
    with open_artifact(old) as before, open_artifact(new) as after:
        was, now = survey(before, config), survey(after, config)
        public = config.public_modules if config else ()
        api = api_difference(old, new, _own(config, old, new), public=public)
        return changes_of(difference(before, after, was, now), api, was, now)


def _own(config: LayerConfig | None, *paths: Path) -> tuple[str, ...]:
    """Return the packages of the layer's own distribution, where one of the artifacts holds them."""
    if config is None or config.distribution is None:
        return ()
    from layerctl.artifact import open_artifact
    from layerctl.inspection.survey import owners_of

    found: set[str] = set()
    for path in paths:
        with open_artifact(path) as artifact:
            for name, owner in owners_of(artifact).items():
                top, _, rest = name.removeprefix("python/").partition("/")
                if owner == config.distribution and name.endswith(".py") and name.startswith("python/"):
                    found.add(top if rest else top.removesuffix(".py"))
    return tuple(sorted(found))


def _own_names(name: str) -> tuple[str, ...]:
    return (name.replace("-", "_"),)


def _tell(every: list[ApiChange], api: ApiDifference, timed: list[Waterfall]) -> None:
    rows = [(one.step, one.how, one.path, one.what) for one in every if one.what != "content"]
    if rows:
        print_table(("needs", "change", "what", ""), rows)
    if api.internal:
        note(f"not counted: {api.internal} changes in modules that no __all__ names (--public MODULE counts one)")
    if timed:
        was, now = timed
        click.echo(f"imports: {was.total / 1000:.1f} ms to {now.total / 1000:.1f} ms on Python {now.interpreter}")
        names = [{one.name for one in side.imports} for side in timed]
        rows_ = [("added", name) for name in sorted(names[1] - names[0])]
        rows_ += [("removed", name) for name in sorted(names[0] - names[1])]
        if rows_:
            print_table(("import", "module"), rows_)


def _data(
    changes: dict[str, Any], every: list[ApiChange], api: ApiDifference, timed: list[Waterfall]
) -> dict[str, Any]:
    return changes | {
        "changes": [asdict(one) | {"step": str(one.step)} for one in every],
        "internal_changes": api.internal,
        "imports": [
            {"interpreter": one.interpreter, "total_us": one.total, "modules": [each.name for each in one.imports]}
            for one in timed
        ]
        or None,
    }
