"""Provenance: who built a layer from what, as a signed in-toto statement that can be checked without a network.

`statement` says it, `envelope` wraps it (DSSE), `keys` sign and check signatures, `check` holds an artifact against it.
"""

from layerctl.attest.check import Trust, check_attestation
from layerctl.attest.envelope import Envelope
from layerctl.attest.keys import FileKey, KmsKey, PublicKey, Signer, new_key
from layerctl.attest.rules import RULES
from layerctl.attest.statement import Builder, attestation_path, statement

__all__ = [
    "RULES",
    "Builder",
    "Envelope",
    "FileKey",
    "KmsKey",
    "PublicKey",
    "Signer",
    "Trust",
    "attestation_path",
    "check_attestation",
    "new_key",
    "statement",
]
