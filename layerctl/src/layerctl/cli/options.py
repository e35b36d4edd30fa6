"""Options that several commands share. Each name means the same wherever it stands.

`Target` is what `aws_options` makes of the command lines that work in regions.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from layerctl.cli.findings import findings_options
from layerctl.cli.output import detail, error, note, progress, set_verbosity
from layerctl.config import LayerConfig, find_layer_config
from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import timedelta

    from layerctl.aws.clients import Aws
    from layerctl.aws.failures import Failure
    from layerctl.aws.regions import InRegions
    from layerctl.cli.findings import Report

__all__ = [
    "FILE",
    "Age",
    "LayerTarget",
    "Pairs",
    "apply_option",
    "aws_findings_options",
    "aws_options",
    "dry_run_option",
    "index_option",
    "json_option",
    "layer_config_option",
    "layer_option",
    "load_layer_config",
    "optional_layer_config",
    "parameter_option",
    "parse_layer_options",
    "profile_option",
    "region_option",
    "stage_option",
    "verbosity_options",
]

F = TypeVar("F", bound="Callable[..., Any]")
T = TypeVar("T")

FILE = click.Path(path_type=Path, dir_okay=False)


if TYPE_CHECKING:
    PairType = click.ParamType[tuple[str, str]]
    AgeType = click.ParamType["timedelta"]
else:  # click before 8.2, which the SAM CLI pins, has no generic types
    PairType = AgeType = click.ParamType


class Pairs(PairType):
    """``NAME=VALUE``, as a tuple. The first ``=`` divides: no name and no ARN holds one."""

    name = "NAME=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Divide it."""
        if isinstance(value, tuple):
            return value
        name, equals, rest = str(value).partition("=")
        if not (name and equals):
            self.fail(f"{value!r} is not {param.metavar if param else self.name}", param, ctx)
        return name, rest


class Age(AgeType):
    """An age like ``90d``, ``12w`` or ``36h``."""

    name = "AGE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read it."""
        from layerctl.core.text import parse_age

        try:
            return parse_age(value)
        except LayerctlError as problem:
            self.fail(str(problem), param, ctx)


# --- what every command has -------------------------------------------------------------------------------


def verbosity_options() -> list[click.Option]:
    """Return -q and -v, which the group adds to each command."""
    shared: dict[str, Any] = {"is_flag": True, "expose_value": False, "callback": set_verbosity}
    return [
        click.Option(["-q", "--quiet"], **shared, help="Show results, warnings and errors only."),
        click.Option(["-v", "--verbose"], **shared, help="Say more about what is done."),
    ]


json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON for machines.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
profile_option = click.option("--profile", metavar="NAME", help="The AWS profile.  [default: AWS's own search order]")
stage_option = click.option(
    "--stage", default="dev", show_default=True, help="Whose parameters: /NAME/STAGE/latest, …/versions/RELEASE."
)
parameter_option = click.option(
    "--parameter",
    "parameters",
    multiple=True,
    type=Pairs(),
    metavar="NAME=VALUE",
    help="A template parameter's value, in place of its default. Repeatable.",
)


def apply_option(what: str) -> Callable[[F], F]:
    """Add --apply, without which a command that deletes or revokes only says what it would do."""
    return click.option("--apply", "apply_", is_flag=True, help=f"{what} Without it nothing is changed.")


def index_option(text: str, *, default: Path | None = None) -> Callable[[F], F]:
    """Add --index, the layers.json, with a help text of its own."""
    return click.option(
        "--index", "index_file", type=FILE, default=default, show_default=default is not None, help=text
    )


def region_option(default: str, *, repeatable: bool = False, envvar: Sequence[str] = ()) -> Callable[[F], F]:
    """Add --region: where layers and functions are."""
    return click.option(
        "--region",
        "regions" if repeatable else "region",
        multiple=repeatable,
        metavar="REGION",
        envvar=list(envvar) or None,
        help=f"Where layers and functions are.{' Repeatable.' * repeatable}  [default: {default}]",
    )


# --- layers and their layer.toml --------------------------------------------------------------------------

layer_config_option = click.option(
    "--layer-config", type=FILE, help="The layer.toml.  [default: layer/layer.toml here or above]"
)
layer_option = click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="NAME=PATH",
    help="The zip or folder that stands for a layer. NAME is a logical id, a layer's name, or an ARN. Repeatable.",
)


def load_layer_config(path: Path | None) -> LayerConfig:
    """Load the layer.toml that was named, or the one that is found.

    Raises:
        LayerctlError: it is not valid, or there is none.
    """
    path = path or find_layer_config()
    detail(f"layer.toml: {path}")
    return LayerConfig.load(path)


def optional_layer_config(path: Path | None) -> LayerConfig | None:
    """Load the layer.toml that was named or is found; None where there is none, as for a layer of others.

    Raises:
        LayerctlError: it is not valid.
    """
    if path is None:
        try:
            path = find_layer_config()
        except LayerctlError:
            return None
    return load_layer_config(path)


def parse_layer_options(options: Iterable[str]) -> dict[str, Path]:
    """Read the values of --layer.

    Raises:
        LayerctlError: one is not NAME=PATH, names a layer twice, or a path that does not exist.
    """
    sources: dict[str, Path] = {}
    for option in options:
        name, equals, path = option.partition("=")
        if not equals or not name or not path:
            raise LayerctlError(
                f"--layer {option!r} is not NAME=PATH", hint="e.g. --layer shared-utils=dist/shared-utils-1.0.0.zip"
            )
        if name in sources:
            raise LayerctlError(f"--layer names {name!r} twice")
        if not Path(path).exists():
            raise LayerctlError(f"--layer {name}: {path} does not exist", hint="`layerctl build` makes a layer's zip")
        sources[name] = Path(path)
    return sources


# --- AWS, region by region --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LayerTarget:
    """Which layer, where, and how to report: what `aws_options` makes of a command line."""

    config: LayerConfig | None  # None: no layer.toml, --layer names the layer
    layer: str
    regions: list[str]
    aws: Aws
    as_json: bool

    @property
    def named_layer(self) -> str | None:
        """The layer's name, where it is not layer.toml's own."""
        return self.layer if self.config is None or self.layer != self.config.name else None

    def everywhere(self, what: str, work: Callable[[str], T], regions: Iterable[str] | None = None) -> InRegions[T]:
        """Do `work` in every region, with a progress bar that says `what`."""
        from layerctl.aws.regions import in_regions

        names = list(self.regions if regions is None else regions)
        with progress(what, names) as done:
            return in_regions(names, work, done=done)

    def data(self, failures: Mapping[str, Failure]) -> dict[str, Any]:
        """Return what every --json has: failures by region, and the requests that were sent."""
        return {
            "failures": {
                region: {"kind": failure.kind, "error": failure.what, "hint": failure.hint}
                for region, failure in failures.items()
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
            error(f"{region}: {failure}")
        note(self.aws.summary())


_IN_REGIONS = (
    click.option(
        "--timeout", type=click.FloatRange(min=0.1), default=60, show_default=True, help="Seconds to wait for AWS."
    ),
    profile_option,
    click.option("--layer", metavar="NAME", help="The layer's name.  [default: the one in layer.toml]"),
    layer_config_option,
    click.option("--all-regions", is_flag=True, help="Every region that the account has enabled."),
    click.option("--regions", "regions_file", type=FILE, help="A file of regions, one a line or a JSON list."),
    region_option("[publish] regions of layer.toml", repeatable=True),
)


def aws_options(command: F) -> F:
    """Add the options that say which layer, where and how to report; the function gets them as `target`."""

    @functools.wraps(command)
    def with_target(*, as_json: bool, **given: Any) -> Any:
        target, rest = _target(as_json=as_json, **given)
        return command(target=target, **rest)

    return _decorated(with_target, json_option, *_IN_REGIONS)  # type: ignore[no-any-return]


def aws_findings_options(command: F) -> F:
    """Add the options of a command that finds something in regions; the function gets `target` and `report`."""

    @functools.wraps(command)
    def with_target(*, report: Report, **given: Any) -> Any:
        target, rest = _target(as_json=report.form == "json", **given)
        return command(target=target, report=report, **rest)

    return _decorated(with_target, findings_options, *_IN_REGIONS)  # type: ignore[no-any-return]


def _decorated(function: Any, *decorators: Any) -> Any:
    for decorator in decorators:
        function = decorator(function)
    return function


def _target(
    *,
    as_json: bool,
    regions: Sequence[str],
    regions_file: Path | None,
    all_regions: bool,
    layer_config: Path | None,
    layer: str | None,
    profile: str | None,
    timeout: float,
    **rest: Any,
) -> tuple[LayerTarget, dict[str, Any]]:
    """Take the options of regions out of a command line, and resolve them."""
    from layerctl.aws.clients import Aws
    from layerctl.aws.regions import enabled_regions, read_regions

    config = optional_layer_config(layer_config)
    if config is None and not layer:
        raise LayerctlError("no layer is named", hint="use --layer NAME, or run where a layer.toml is (--layer-config)")
    name = layer or (config.name if config else "")
    if not re.fullmatch(r"[a-zA-Z0-9-_]{1,140}", name):
        raise LayerctlError(f"{name!r} is no layer name", hint="letters, digits, - and _, at most 140")
    names = [*regions, *(read_regions(regions_file) if regions_file else ())]
    if names and all_regions:
        raise click.UsageError("--all-regions excludes --region and --regions")
    names = names or list(config.regions if config else ())
    if not names:
        raise LayerctlError(
            "no region is named", hint="use --region, --regions FILE or [publish] regions in layer.toml"
        )
    aws = Aws(timeout=timeout, profile=profile, profiles=config.profiles if config else {})
    if all_regions:
        names = enabled_regions(aws, names[0])
    detail(f"regions: {', '.join(names)}")
    return LayerTarget(config, name, list(dict.fromkeys(names)), aws, as_json), rest
