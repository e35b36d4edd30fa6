"""The options that `run` and `invoke` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from layerctl.cli.options import FILE, Pairs, layer_option, parameter_option, parse_layer_options, region_option
from layerctl.core.errors import LayerctlError
from layerctl.local.runner.env_vars import EnvVars
from layerctl.local.runner.planning import RunOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

__all__ = ["logs_option", "run_options", "with_run_options"]

logs_option = click.option(
    "--logs",
    type=click.Choice(["auto", "pretty", "raw"]),
    default="auto",
    show_default=True,
    help="How to show the functions' lines; auto is pretty on a terminal, else raw.",
)
_OPTIONS = (
    layer_option,
    click.option(
        "--env", "environment", multiple=True, type=Pairs(), metavar="NAME=VALUE", help="A variable for every function."
    ),
    click.option(
        "--env-vars",
        type=FILE,
        metavar="FILE",
        help="Values of variables that templates set, as for `sam local`: a JSON object per function.",
    ),
    parameter_option,
    region_option("the profile's, else eu-central-1"),
    click.option(
        "--profile",
        metavar="NAME",
        help="Give the functions the credentials of this AWS profile.  [default: credentials that are worth nothing]",
    ),
    click.option("--endpoint-url", help="AWS_ENDPOINT_URL for the functions, e.g. a local AWS."),
    click.option("--exact-runtime", is_flag=True, help="Refuse an interpreter of another version than the template's."),
)


def with_run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the shared options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def run_options(
    *,
    layers: Iterable[str],
    environment: Iterable[tuple[str, str]],
    env_vars: Path | None,
    parameters: Iterable[tuple[str, str]],
    region: str | None,
    profile: str | None,
    endpoint_url: str | None,
    exact_runtime: bool,
) -> RunOptions:
    """Read the options' values.

    Raises:
        LayerctlError: a layer or a file is not there, or the profile has no credentials.
    """
    variables = dict(environment)
    if endpoint_url:
        variables.setdefault("AWS_ENDPOINT_URL", endpoint_url)
    credentials: dict[str, str] = {}
    if profile:
        credentials, profile_region = _profile(profile)
        region = region or profile_region
    return RunOptions(
        layers=parse_layer_options(layers),
        parameters=dict(parameters),
        environment=variables,
        env_vars=EnvVars(env_vars) if env_vars else None,
        credentials=credentials,
        region=region,
        exact_runtime=exact_runtime,
    )


def _profile(name: str) -> tuple[dict[str, str], str | None]:
    """A profile's credentials as variables, and its region."""
    import botocore.session
    from botocore.exceptions import BotoCoreError

    try:
        session = botocore.session.Session(profile=name)
        found = session.get_credentials()
        frozen = found.get_frozen_credentials() if found else None
        region = session.get_config_variable("region")
    except BotoCoreError as error:
        raise LayerctlError(f"--profile {name}: {error}", hint="`aws configure list-profiles` names them") from None
    if frozen is None or not frozen.access_key:
        raise LayerctlError(f"--profile {name} has no credentials", hint=f"run `aws sso login --profile {name}`")
    variables = {"AWS_ACCESS_KEY_ID": frozen.access_key, "AWS_SECRET_ACCESS_KEY": frozen.secret_key or ""}
    # The emulator makes an unset token an empty one, which is how the SDK takes long-lived keys too.
    return {**variables, "AWS_SESSION_TOKEN": frozen.token or ""}, region
