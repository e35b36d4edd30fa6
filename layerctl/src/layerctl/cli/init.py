"""`layerctl init`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from layerctl.cli.options import dry_run_option, json_option, region_option
from layerctl.cli.output import note, print_json, waiting
from layerctl.core.runtimes import ARCHITECTURES, USUAL_RELEASES, sorted_pythons
from layerctl.scaffold.choices import HELPERS, KINDS, Choices

if TYPE_CHECKING:
    from layerctl.scaffold.write import Outcome

__all__ = ["command"]

_KIND = click.Choice(KINDS)
_RUNTIME = click.Choice(sorted_pythons(USUAL_RELEASES))
_OWN = f"python3.{sys.version_info.minor}"
_DEFAULT_RUNTIME = _OWN if _OWN in USUAL_RELEASES else _RUNTIME.choices[-1]


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--kind", type=_KIND, help="thin: on top of shared-utils; bare: on its own.")
@click.option("--package", metavar="NAME", help="The Python package that functions import, e.g. acme_lambda.")
@click.option("--layer", metavar="NAME", help="The layer's name.  [default: the package's, with dashes]")
@click.option("--runtime", "runtimes", multiple=True, type=_RUNTIME, help="Repeatable.")
@click.option(
    "--architecture", "architectures", multiple=True, type=click.Choice(list(ARCHITECTURES)), help="Repeatable."
)
@region_option("none; [publish] regions of layer.toml", repeatable=True)
@click.option("--public", is_flag=True, help="Every AWS account may use releases.")
@click.option("--account", "accounts", multiple=True, metavar="ID", help="An account that may. Repeatable.")
@click.option(
    "--organization", "organizations", multiple=True, metavar="ID", help="An organisation that may. Repeatable."
)
@click.option(
    "--helper",
    "helpers",
    multiple=True,
    type=click.Choice(HELPERS),
    help="What of shared-utils a thin package has. Repeatable.  [default: all]",
)
@click.option(
    "--wheel",
    "wheels",
    multiple=True,
    metavar="WHERE",
    help="layerctl's and shared-utils' wheel: a file, a folder of both, or URL#sha256=HEX. Repeatable.  "
    "[default: what layerctl was installed from]",
)
@click.option("--add", is_flag=True, help="Into a repository that is there: keep every file that it has.")
@dry_run_option
@json_option
def command(
    folder: Path,
    *,
    kind: str | None,
    package: str | None,
    layer: str | None,
    runtimes: tuple[str, ...],
    architectures: tuple[str, ...],
    regions: tuple[str, ...],
    wheels: tuple[str, ...],
    helpers: tuple[str, ...],
    add: bool,
    dry_run: bool,
    as_json: bool,
    **sharing: Any,
) -> None:
    """Write the repository of a new layer into FOLDER (default: the current one).

    It builds, and passes its own tests: `make test`, `make demo`. What no option says is asked for on a terminal. A
    thin layer re-exports and configures helpers of shared-utils; a bare one has a package of its own. Dependencies are
    locked, with the wheels of layerctl and shared-utils by file or URL. No file that is there is overwritten; in a
    repository with a pyproject.toml, --add makes a layer of its distribution.
    """
    from layerctl.python.interpreters import choose, find_interpreters
    from layerctl.scaffold.wheels import find_wheels
    from layerctl.scaffold.write import create

    kind = kind or _ask("A thin layer on top of shared-utils, or a bare one?", "--kind", _KIND)
    package = package or _ask("The package that functions import", "--package", default="acme_lambda")
    default = package.replace("_", "-")
    if sys.stdin.isatty():
        layer = layer or click.prompt("The layer's name", default=default)
        runtimes = runtimes or _list("Runtimes", _DEFAULT_RUNTIME, _RUNTIME)
        regions = regions or _list("Regions to publish in", "", click.STRING)
    runtimes = runtimes or (_DEFAULT_RUNTIME,)
    interpreters = find_interpreters(runtimes)
    releases = {}
    for runtime in sorted_pythons(runtimes):
        interpreter = choose(runtime, "", interpreters)
        releases[runtime] = interpreter.version if interpreter else USUAL_RELEASES[runtime]
    choices = Choices(
        kind=kind,
        package=package,
        layer=layer or default,
        runtimes=releases,
        architectures=architectures or tuple(ARCHITECTURES),
        regions=regions,
        helpers=tuple(helper for helper in HELPERS if helper in (helpers or HELPERS)),
        wheels=find_wheels(wheels, ("layerctl", "shared-utils") if kind == "thin" else ("layerctl",)),
        **sharing,
    )
    with waiting(f"writing {folder}") as update:
        outcome = create(folder, choices, add=add, dry_run=dry_run, step=update)
    if as_json:
        facts = {"folder": str(folder.resolve()), "dry_run": dry_run}
        print_json(facts | {"written": list(outcome.written), "kept": list(outcome.kept)})
        return
    _tell(folder, outcome, dry_run=dry_run)


def _ask(question: str, option: str, kind: Any = None, default: str | None = None) -> str:
    if not sys.stdin.isatty():
        raise click.UsageError(f"Missing option {option!r}, which only a terminal can be asked for.")
    return str(click.prompt(question, type=kind, default=default))


def _list(question: str, default: str, kind: click.ParamType[Any]) -> tuple[str, ...]:
    """Ask for words with spaces between; again as long as one is not of that kind."""

    def words(text: str) -> tuple[str, ...]:
        return tuple(str(kind.convert(word, None, None)) for word in text.replace(",", " ").split())

    answer: tuple[str, ...] = click.prompt(
        f"{question}, with spaces between", default=default, show_default=bool(default), value_proc=words
    )
    return answer


def _tell(folder: Path, outcome: Outcome, *, dry_run: bool) -> None:
    for name in outcome.written:
        click.echo(f"{'would write' if dry_run else 'wrote'} {folder / name}")
    for name in outcome.kept:
        click.echo(f"kept {folder / name} as it is")
    if dry_run:
        return
    if "Makefile" in outcome.kept:
        note("next: layerctl build; layerctl invoke example ExampleFunction --event example/event.json")
    else:
        note("next: git add what is new, where there is git; make test; make demo")
