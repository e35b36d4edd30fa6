"""`layerctl attest`: sign who built a layer from what; make and show keys."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from layerctl.cli.groups import Group
from layerctl.cli.options import FILE, Age, dry_run_option, profile_option, region_option
from layerctl.cli.output import note, print_json, warning
from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from datetime import timedelta

    from layerctl.attest import Signer

__all__ = ["command"]

_KMS = click.option(
    "--kms-key", metavar="ID", help="A key in AWS KMS of --region: id, ARN or alias/NAME; ECC_NIST_P256 or P384."
)
_REGION = region_option("AWS's own search order")


@click.group(cls=Group)
def command() -> None:
    """State who built a layer from what, signed, so that others can check it without a network.

    An in-toto statement with a SLSA v1 provenance predicate, in a DSSE envelope beside the zip. It is checked by
    `layerctl verify --attestation FILE --trusted-key KEY`.
    """


@command.command()
@click.argument("artifact", type=FILE)
@click.option("--key", type=FILE, help="A private Ed25519 key in PEM; `layerctl attest new-key` makes one.")
@_KMS
@_REGION
@profile_option
@click.option("--builder", metavar="URI", help="Who builds.  [default: what the pipeline says, else a local build]")
@click.option("--valid-for", type=Age(), help="After which time the statement is not to be trusted: 365d, 52w.")
@click.option("--out", type=FILE, help="Where to write it.  [default: NAME-VERSION.intoto.json beside ARTIFACT]")
@dry_run_option
def sign(
    *,
    artifact: Path,
    key: Path | None,
    kms_key: str | None,
    region: str | None,
    profile: str | None,
    builder: str | None,
    valid_for: timedelta | None,
    out: Path | None,
    dry_run: bool,
) -> None:
    """Sign the provenance of ARTIFACT, a zip with its manifest and SBOM beside it."""
    from datetime import UTC, datetime

    from layerctl.attest import Builder, Envelope, attestation_path, statement

    signer = _signer(key, kms_key, region, profile)
    who = Builder(builder) if builder else Builder.from_environment(os.environ)
    expires = datetime.now(UTC) + valid_for if valid_for is not None else None
    said = statement(artifact, who, expires=expires)
    if dry_run:
        print_json(said)
        return
    if any(dependency.get("annotations", {}).get("dirty") for dependency in _dependencies(said)):
        warning("the layer was built from files that differ from the commit; the statement says so")
    target = out or attestation_path(artifact)
    _write(target, Envelope.sign(said, signer).to_json())
    click.echo(f"wrote {target}, signed by key {signer.public.id}")


@command.command("new-key")
@click.argument("path", type=FILE)
def new_key_(path: Path) -> None:
    """Make an Ed25519 key: the private one in PATH, the public one in PATH.pub."""
    from layerctl.attest import new_key

    public = new_key(path)
    click.echo(f"wrote {path} and {path}.pub, key {public.id}")
    note(f"keep {path} secret; give {path.name}.pub to those who use the layer")


@command.command("public-key")
@click.option("--key", type=FILE, help="The private key's file.")
@_KMS
@_REGION
@profile_option
def public_key(*, key: Path | None, kms_key: str | None, region: str | None, profile: str | None) -> None:
    """Write the public key in PEM, as `verify --trusted-key` takes it."""
    click.echo(_signer(key, kms_key, region, profile).public.pem, nl=False)


def _signer(key: Path | None, kms_key: str | None, region: str | None, profile: str | None) -> Signer:
    from layerctl.attest import FileKey, KmsKey

    if (key is None) == (kms_key is None):
        raise click.UsageError("name one key, with --key or --kms-key")
    if key is not None:
        return FileKey.load(key)
    assert kms_key is not None
    from layerctl.aws.clients import Aws

    return KmsKey(Aws(profile=profile).client("kms", region), kms_key)


def _dependencies(said: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = said["predicate"]["buildDefinition"]["resolvedDependencies"]
    return found


def _write(path: Path, text: str) -> None:
    from layerctl.core.files.atomic import ChangedMeanwhileError, replace_bytes

    try:
        replace_bytes(path, text.encode(), expected=path.read_bytes() if path.exists() else None)
    except ChangedMeanwhileError:
        raise LayerctlError(f"{path} was changed meanwhile", hint="run again") from None
    except OSError as error:
        raise LayerctlError(
            f"{path} cannot be written: {error.strerror}", hint="name another file with --out"
        ) from None
