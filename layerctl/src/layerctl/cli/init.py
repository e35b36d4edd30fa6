"""`layerctl init`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from layerctl.cli.options import dry_run_option, json_option, region_option
from layerctl.cli.output import note, print_json, waiting
from layerctl.core.errors import LayerctlError
from layerctl.core.runtimes import ARCHITECTURES, USUAL_RELEASES, sorted_pythons
from layerctl.scaffold.choices import HELPERS, KINDS, Choices, Sharing

if TYPE_CHECKING:
    from collections.abc import Callable

    from layerctl.scaffold.write import CreatedFiles

__all__ = ["command"]

_KIND = click.Choice(KINDS)
_RUNTIME = click.Choice(sorted_pythons(USUAL_RELEASES))
_ARCHITECTURE = click.Choice(list(ARCHITECTURES))
_HELPER = click.Choice(HELPERS)
_OWN = f"python3.{sys.version_info.minor}"
_DEFAULT_RUNTIME = _OWN if _OWN in USUAL_RELEASES else _RUNTIME.choices[-1]


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--kind", type=_KIND, help="thin: on top of shared-utils; bare: on its own.")
@click.option("--package", metavar="NAME", help="The Python package that functions import, e.g. acme_lambda.")
@click.option("--layer", metavar="NAME", help="The layer's name.  [default: the package's, with dashes]")
@click.option("--runtime", "runtimes", multiple=True, type=_RUNTIME, help="Repeatable.  [default: that of this Python]")
@click.option("--architecture", "architectures", multiple=True, type=_ARCHITECTURE, help="Repeatable.  [default: both]")
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
    type=_HELPER,
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
@click.option("--yes", is_flag=True, help="Ask nothing: what no option says is the default.")
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
    public: bool,
    accounts: tuple[str, ...],
    organizations: tuple[str, ...],
    yes: bool,
    add: bool,
    dry_run: bool,
    as_json: bool,
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

    asked = sys.stdin.isatty() and not yes
    kind = kind or _ask("A thin layer on top of shared-utils, or a bare one?", "--kind", asked, _KIND)
    package = package or _ask("The package that functions import", "--package", asked, default="acme_lambda")
    default = package.replace("_", "-")
    sharing = Sharing(public, accounts, organizations)
    if asked:
        layer = layer or click.prompt("The layer's name", default=default, err=True)
        runtimes = runtimes or _several("Runtimes", _DEFAULT_RUNTIME, _RUNTIME)
        architectures = architectures or _several("Architectures", " ".join(ARCHITECTURES), _ARCHITECTURE)
        regions = regions or _several("Regions to publish in", "", click.STRING)
        if sharing == Sharing():
            sharing = _prompt("Who may use releases (accounts, organisations, public)", "", Sharing.read)
        if kind == "thin":
            helpers = helpers or _several("Helpers of shared-utils", " ".join(HELPERS), _HELPER)
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
        sharing=sharing,
    )
    with waiting(f"writing {folder}") as update:
        outcome = create(folder, choices, add=add, dry_run=dry_run, step=update)
    if as_json:
        facts = {"folder": str(folder.resolve()), "dry_run": dry_run}
        print_json(facts | {"written": list(outcome.written), "kept": list(outcome.kept)})
        return
    _tell(folder, outcome, dry_run=dry_run)


def _ask(question: str, option: str, asked: bool, kind: Any = None, default: str | None = None) -> str:
    if not asked:
        raise click.UsageError(f"Missing option {option!r}, which only a terminal can be asked for.")
    return str(click.prompt(question, type=kind, default=default, err=True))


def _several(question: str, default: str, kind: click.ParamType[Any]) -> tuple[str, ...]:
    """Ask for words; again as long as one is not of that kind."""

    def words(text: str) -> tuple[str, ...]:
        return tuple(str(kind.convert(word, None, None)) for word in text.replace(",", " ").split())

    answer: tuple[str, ...] = _prompt(question, default, words)
    return answer


def _prompt(question: str, default: str, read: Callable[[str], Any]) -> Any:
    def value(text: str) -> Any:
        try:
            return read(text)
        except LayerctlError as error:  # asked again
            raise click.UsageError(f"{error.what}: {error.hint}") from None

    shown = "" if default else " (Enter: none)"
    return click.prompt(
        f"{question}, with spaces between{shown}",
        default=default,
        show_default=bool(default),
        value_proc=value,
        err=True,
    )


def _tell(folder: Path, outcome: CreatedFiles, *, dry_run: bool) -> None:
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
