"""`layerctl deploy-parameters`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from layerctl.cli.options import LayerTarget, aws_options, index_option, stage_option
from layerctl.cli.output import note, print_json
from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from layerctl.releases.publish.stack import StackParameters


@click.command()
@click.argument("artifact", type=click.Path(path_type=Path))
@aws_options
@stage_option
@click.option("--built", type=click.Path(path_type=Path), help="What `sam build` made: refused if its content differs.")
@click.option("--unreleased", is_flag=True, help="Work in progress: described by its content only, without a release.")
@click.option("--stack", metavar="NAME", help="The stack: a parameter that it does not have is left to `publish`.")
@index_option("The index file: it knows what was yanked.")
def command(
    *,
    target: LayerTarget,
    artifact: Path,
    stage: str,
    built: Path | None,
    unreleased: bool,
    stack: str | None,
    index_file: Path | None,
) -> int:
    """Tell what `sam deploy` is to be given, so that a stack publishes nothing that is there already.

    For a template with the parameters ExistingVersionArn, LatestVersionArn, LatestOwner and VersionDescription, in one
    region: which version has ARTIFACT's content, what /NAME/STAGE/latest goes on naming because it is newer, who writes
    that, and the description that `publish` would give. Written as NAME=VALUE, quoted for a shell, for `sam deploy
    --parameter-overrides`.

    Exit code 0: told. 2: the region could not be asked, or the artifact cannot be read.
    """
    from layerctl.releases.index.model import LayerIndex
    from layerctl.releases.publish.payload import Payload
    from layerctl.releases.publish.stack import has_parameter, require_built, stack_parameters

    if len(target.regions) != 1:
        raise LayerctlError("a stack is in one region", hint="name it with --region")
    payload = Payload.read(artifact, target.config, layer=target.named_layer)
    if built is not None:
        require_built(payload, built)
    index = LayerIndex.load(index_file) if index_file else None

    def work(region: str) -> StackParameters:
        clients = target.aws.client("lambda", region), target.aws.client("ssm", region)
        owned = has_parameter(target.aws.client("cloudformation", region), stack) if stack else True
        return stack_parameters(*clients, payload, stage, released=not unreleased, owned=owned, index=index)

    outcome = target.everywhere("looking", work)
    found = next(iter(outcome.results.values()), None)
    if target.as_json:
        print_json({"parameters": found.values() if found else None} | target.data(outcome.failures))
        return 2 if outcome.failures else 0
    if found is not None:
        _show(found, payload.layer, stage)
    target.close(outcome.failures)
    return 2 if outcome.failures else 0


def _show(found: StackParameters, layer: str, stage: str) -> None:
    if found.existing is not None:
        note(f"version {found.existing.number} has this content already: none will be published")
    if found.latest is not None:
        release = found.latest.release
        note(f"/{layer}/{stage}/latest stays at version {found.latest.number}{f' ({release})' if release else ''}")
    for name, value in found.values().items():
        click.echo(f"{name}={shlex.quote(value)}")
