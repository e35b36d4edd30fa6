"""The rules of `layerctl verify --attestation`: each way in which a chain can be broken has one of its own."""

from __future__ import annotations

from layerctl.core.diagnostics import Severity
from layerctl.rules import Rule
from layerctl.rules.registry import rules_in

__all__ = [
    "ATTESTATION_BUILDER",
    "ATTESTATION_CONTENT",
    "ATTESTATION_EXPIRED",
    "ATTESTATION_FORMAT",
    "ATTESTATION_KEY",
    "ATTESTATION_PACKED",
    "ATTESTATION_SIGNATURE",
    "ATTESTATION_SOURCE",
    "ATTESTATION_SUBJECT",
    "RULES",
]

_VERIFY = ("verify",)

ATTESTATION_FORMAT = Rule(
    id="attestation-format",
    commands=_VERIFY,
    summary="The attestation is a DSSE envelope with an in-toto statement about a layer's build.",
    looks_at="Envelope, payload type, statement type, predicate type, and the fields that are read.",
    example="An SBOM, or half a download, in place of the attestation.",
    fix="Get the `.intoto.json` of the release again.",
)
ATTESTATION_KEY = Rule(
    id="attestation-key",
    commands=_VERIFY,
    summary="A key that is trusted signed the statement.",
    looks_at="The keys of `--trusted-key`, against each signature.",
    example="A statement that somebody signed with a key of their own.",
    fix="Get the publisher's public key from where you trust it to be; if it is the one you have, don't use the layer.",
)
ATTESTATION_SIGNATURE = Rule(
    id="attestation-signature",
    commands=_VERIFY,
    summary="The statement is what was signed.",
    looks_at="The signature that names a trusted key, against the statement's bytes.",
    example="A statement in which the commit was replaced after it was signed.",
    fix="Don't use the layer: statement or signature were changed.",
)
ATTESTATION_EXPIRED = Rule(
    id="attestation-expired",
    commands=_VERIFY,
    summary="The statement has not expired.",
    looks_at="`layerctl_expiresOn` of the statement, against the clock.",
    example="A statement signed with `--valid-for 90d`, a year later.",
    fix="Take a newer release, or ask its publisher for a new statement.",
)
ATTESTATION_BUILDER = Rule(
    id="attestation-builder",
    commands=_VERIFY,
    summary="The builder is the one that is expected.",
    looks_at="The builder's id in the statement, against `--builder`.",
    example="A build on somebody's own machine, where the release workflow is expected.",
    fix="Don't use the layer, or name the right builder.",
)
ATTESTATION_SUBJECT = Rule(
    id="attestation-subject",
    commands=_VERIFY,
    summary="The statement is about this file.",
    looks_at="The subjects of the statement, against the name and content of the artifact and the files beside it.",
    example="The attestation of 1.3.0 beside the zip of 1.4.0.",
    fix="Get the attestation that belongs to the artifact.",
)
ATTESTATION_CONTENT = Rule(
    id="attestation-content",
    commands=_VERIFY,
    summary="The artifact, its manifest and its SBOM are what was attested.",
    looks_at="The zip's SHA-256 and content digest, and the SHA-256 of manifest and SBOM, against the statement.",
    example="A zip in which one file was changed after it was signed.",
    fix="Don't use it: it is not what was built. Download or build it anew.",
)
ATTESTATION_PACKED = Rule(
    id="attestation-packed",
    commands=_VERIFY,
    summary="The zip is the very one that was attested.",
    looks_at="The zip's SHA-256, where its content is the attested one.",
    example="A zip that was unpacked and packed again on the way.",
    fix="Nothing needs to be done where that is known; else take the original zip.",
    severity=Severity.WARNING,
)
ATTESTATION_SOURCE = Rule(
    id="attestation-source",
    commands=_VERIFY,
    summary="The layer was built from a commit as it is.",
    looks_at="The source in the statement: whether there is a commit, and whether the files differed from it.",
    example="A build with changes that were not committed.",
    fix="Release from a clean checkout.",
    severity=Severity.WARNING,
)

RULES = rules_in(__name__)
