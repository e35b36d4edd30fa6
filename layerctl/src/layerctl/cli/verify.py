"""`layerctl verify`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from layerctl.cli.findings import findings_options
from layerctl.cli.options import FILE, layer_config_option, optional_layer_config
from layerctl.cli.output import transfer
from layerctl.cli.rules import all_rules
from layerctl.core.runtimes import ARCHITECTURES
from layerctl.core.text import count_text

if TYPE_CHECKING:
    from layerctl.cli.findings import Report

__all__ = ["command"]


@click.command("verify")
@click.argument("artifacts", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="ARTIFACT|DIR...")
@click.option("--rebuild", is_flag=True, help="Build again from the checkout, and compare file by file.")
@click.option("--import", "imports", is_flag=True, help="Import its modules. This runs its code: own builds only.")
@click.option("--manifest", type=click.Path(path_type=Path), help="The manifest.  [default: the one beside the zip]")
@click.option(
    "--runtime",
    "runtimes",
    multiple=True,
    metavar="NAME",
    help="What the layer is for, e.g. python3.12. Repeatable.  [default: layer.toml's, else what its file names tell]",
)
@click.option(
    "--architecture", "architectures", multiple=True, type=click.Choice(list(ARCHITECTURES)), help="The same."
)
@click.option("--attestation", type=FILE, help="Hold one artifact against this signed statement (.intoto.json) too.")
@click.option(
    "--trusted-key", "trusted_keys", multiple=True, type=FILE, help="Whose signature counts: PEM, public. Repeatable."
)
@click.option("--builder", "builders", multiple=True, metavar="URI", help="Who must have built it. Repeatable.")
@layer_config_option
@findings_options
def command(
    artifacts: tuple[Path, ...],
    *,
    rebuild: bool,
    imports: bool,
    manifest: Path | None,
    runtimes: tuple[str, ...],
    architectures: tuple[str, ...],
    attestation: Path | None,
    trusted_keys: tuple[Path, ...],
    builders: tuple[str, ...],
    layer_config: Path | None,
    report: Report,
) -> int:
    """Check what an artifact is: layout, modes, sizes, hashes, dependencies, bytecode, shared libraries, licences.

    Exit code 0: nothing is wrong with it, or warnings only. 1: something is. 2: it could not be checked.
    """
    for name in runtimes:
        if not re.fullmatch(r"python3\.\d+", name):
            raise click.UsageError(f"--runtime {name!r} is no Python runtime of Lambda; expected e.g. python3.13")
    if attestation and (len(artifacts) > 1 or not trusted_keys):
        raise click.UsageError("--attestation is about one artifact, and needs --trusted-key")
    if (trusted_keys or builders) and not attestation:
        raise click.UsageError("--trusted-key and --builder need --attestation")
    from layerctl.attest import RULES as ATTESTATION_RULES
    from layerctl.attest import PublicKey, Trust, check_attestation
    from layerctl.verify import RULES, Options, verify

    config = optional_layer_config(layer_config)
    trust = Trust([PublicKey.load(path) for path in trusted_keys], builders)
    options = Options(imports, rebuild, runtimes, architectures)
    found = []
    for artifact in artifacts:
        with transfer(f"verifying {artifact.name}") as progress:
            found += verify(
                artifact,
                config and config.for_artifact(artifact),
                options,
                manifest=manifest,
                progress=progress,
                known=lambda: all_rules().keys(),
            )
        if attestation:
            found += check_attestation(artifact, attestation, trust)
    rules = RULES | ATTESTATION_RULES if attestation else RULES
    names = ", ".join(str(artifact) for artifact in artifacts)
    return report.close(found, tool="verify", rules=rules, looked_at=f"{names}: {count_text(len(rules), 'rule')}")
