"""Signing with a key in AWS KMS, against a local AWS; checking needs the public key only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from layerctl.__main__ import main
from tests.support.local_aws import LocalAws, start
from tests.support.released import released

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def local_aws() -> Iterator[LocalAws]:
    """A local AWS."""
    with start() as aws:
        yield aws


@pytest.fixture
def aws(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> LocalAws:
    """The same, found by boto3 through the environment."""
    for name, value in local_aws.environ.items():
        monkeypatch.setenv(name, value)
    return local_aws


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_P384"])
def test_kms_signs_and_the_public_key_checks(
    aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], spec: str
) -> None:
    """A statement signed in KMS is accepted by the key's public half, without AWS."""
    key = aws.client("kms", "eu-central-1").create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    where = ["--kms-key", key, "--region", "eu-central-1"]
    artifact = released(tmp_path)
    assert main(["attest", "public-key", *where]) == 0
    (tmp_path / "kms.pub").write_text(capsys.readouterr().out)
    assert main(["attest", "sign", str(artifact), *where]) == 0
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    attested = ["--attestation", str(tmp_path / "good-1.0.0.intoto.json"), "--trusted-key", str(tmp_path / "kms.pub")]
    assert main(["verify", str(artifact), *attested, "--select", "attestation-*"]) == 0


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), "KMS key"),
        (("RSA_2048", "SIGN_VERIFY"), "is of another kind"),
        (None, "KMS key 11111111-2222-3333-4444-555555555555"),
    ],
    ids=["no-signing-key", "rsa", "not-there"],
)
def test_a_key_that_cannot_sign(
    aws: LocalAws, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: tuple[str, str] | None, said: str
) -> None:
    """A key of another kind, or one that is not there: exit 2, one line that names it, nothing written."""
    key = "11111111-2222-3333-4444-555555555555"
    if kind is not None:
        kms = aws.client("kms", "eu-central-1")
        key = kms.create_key(KeySpec=kind[0], KeyUsage=kind[1])["KeyMetadata"]["KeyId"]
    assert main(["attest", "sign", str(released(tmp_path)), "--kms-key", key, "--region", "eu-central-1"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "good-1.0.0.intoto.json").exists()
