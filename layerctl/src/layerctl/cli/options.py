"""Options that the commands about AWS share, resolved to one `Target`."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from layerctl.aws.clients import Aws
from layerctl.aws.regions import enabled_regions, in_regions, read_regions
from layerctl.cli.output import note, progress
from layerctl.config import LayerConfig, find_layer_config
from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from layerctl.aws.failures import Failure
    from layerctl.aws.regions import InRegions

__all__ = ["Target", "aws_options", "dry_run_option", "index_option"]

F = TypeVar("F", bound="Callable[..., Any]")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Target:
    """Which layer, where, and how to report: what `aws_options` makes of a command line."""

    config: LayerConfig
    layer: str
    regions: list[str]
    aws: Aws
    as_json: bool

    def everywhere(self, what: str, work: Callable[[str], T], regions: Iterable[str] | None = None) -> InRegions[T]:
        """Do `work` in every region, with a progress bar that says `what`."""
        names = list(self.regions if regions is None else regions)
        with progress(what, len(names)) as done:
            return in_regions(names, work, done=done)

    def data(self, failures: Mapping[str, Failure]) -> dict[str, Any]:
        """What every --json has: failures by region, and the requests that were sent."""
        return {
            "failures": {
                region: {"kind": one.kind, "error": one.what, "remedy": one.remedy} for region, one in failures.items()
            },
            "requests": dict(sorted(self.aws.requests.items())),
        }

    def note_if_none(self, versions: Sequence[object]) -> None:
        """Say so when the layer has no version anywhere: its name may be mistyped."""
        if not versions:
            note(f"note: {self.layer} has no version in {', '.join(self.regions)}")

    def close(self, failures: Mapping[str, Failure]) -> None:
        """Say on standard error what failed, and how many requests were sent."""
        for region, failure in failures.items():
            click.echo(f"error: {region}: {failure}", err=True)
        note(self.aws.summary())


def aws_options(command: F) -> F:
    """Add the options that say which layer, where and how to report; the function gets them as `target`."""

    @functools.wraps(command)
    def with_target(
        *,
        regions: Sequence[str],
        regions_file: Path | None,
        all_regions: bool,
        layer_config: Path | None,
        layer: str | None,
        timeout: float,
        as_json: bool,
        **rest: Any,
    ) -> Any:
        config = LayerConfig.load(layer_config or find_layer_config())
        name = layer or config.name
        if not re.fullmatch(r"[a-zA-Z0-9-_]{1,140}", name):
            raise LayerctlError(f"{name!r} is no layer name", remedy="letters, digits, - and _, at most 140")
        names = [*regions, *(read_regions(regions_file) if regions_file else ())]
        if names and all_regions:
            raise click.UsageError("--all-regions excludes --region and --regions")
        names = names or list(config.regions)
        if not names:
            remedy = "use --region, --regions FILE or [publish] regions in layer.toml"
            raise LayerctlError("no region is named", remedy=remedy)
        aws = Aws(timeout=timeout)
        if all_regions:
            names = enabled_regions(aws, names[0])
        return command(target=Target(config, name, list(dict.fromkeys(names)), aws, as_json), **rest)

    file = click.Path(path_type=Path, dir_okay=False)
    wrapped: Any = with_target
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table."),
        click.option(
            "--timeout", type=click.FloatRange(min=0.1), default=60, show_default=True, help="Seconds to wait for AWS."
        ),
        click.option("--layer", metavar="NAME", help="The layer's name; default: the one in layer.toml."),
        click.option("--layer-config", type=file, help="The layer.toml; default: layer/layer.toml here or above."),
        click.option("--all-regions", is_flag=True, help="Every region that the account has enabled."),
        click.option("--regions", "regions_file", type=file, help="A file of regions, one a line or a JSON list."),
        click.option("--region", "regions", multiple=True, metavar="REGION", help="Repeatable; default: layer.toml's."),
    ):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[no-any-return]


def index_option(text: str, *, default: Path | None = None) -> Callable[[F], F]:
    """Add --index with a help text of its own."""
    file = click.Path(path_type=Path, dir_okay=False)
    return click.option(
        "--index", "index_file", type=file, default=default, show_default=default is not None, help=text
    )


def dry_run_option(command: F) -> F:
    """Add --dry-run."""
    return click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")(command)
