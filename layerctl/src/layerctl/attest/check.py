"""Holds an artifact against its attestation: key, statement, builder, time, and the digests down to the content."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from layerctl.artifact import ArtifactError, open_artifact
from layerctl.attest import rules
from layerctl.attest.envelope import PAYLOAD_TYPE, Envelope
from layerctl.attest.statement import (
    BUILD_TYPE,
    CONTENT_DIGEST,
    DATE,
    EXPIRES,
    PREDICATE_TYPE,
    STATEMENT_TYPE,
    sha256_of,
)
from layerctl.build.manifest import manifest_path, sbom_path
from layerctl.core.text import some

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from layerctl.attest.keys import PublicKey
    from layerctl.core.diagnostics import Finding

__all__ = ["Trust", "check_attestation"]


@dataclass(frozen=True, slots=True)
class Trust:
    """Who is trusted.

    Attributes:
        keys: any of these must have signed.
        builders: the builder must be one of these; empty: whichever the signer names.
    """

    keys: Sequence[PublicKey]
    builders: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Statement:
    """What is read of a statement: subjects (name -> SHA-256), the content digest, the builder, its end, its source."""

    subjects: dict[str, str]
    zip_name: str
    content_digest: str
    builder: str
    expires: datetime | None
    commit: str | None
    dirty: bool


def check_attestation(artifact: Path, attestation: Path, trust: Trust, *, now: datetime | None = None) -> list[Finding]:
    """Check that a trusted key attests this artifact. Nothing is asked of a network.

    Args:
        artifact: the zip, or the folder it unpacks to. Manifest and SBOM beside a zip are held against it too.
        attestation: the envelope's file.
        trust: whom to trust.
        now: the time (UTC) that the statement must not have expired at; default: now.

    Returns:
        what breaks the chain, the first break only of those that make the rest meaningless; empty when it holds.

    Raises:
        LayerctlError: the artifact or the envelope cannot be read.
    """
    where = attestation.name
    try:
        envelope = Envelope.load(attestation)
    except ValueError as error:
        return [rules.ATTESTATION_FORMAT.finding(where, f"it is no DSSE envelope: {error}", _AGAIN)]
    found = _signed(envelope, trust.keys, where)
    if found is None:
        try:
            statement = _read(envelope)
        except ValueError as error:
            return [rules.ATTESTATION_FORMAT.finding(where, f"it attests no layer's build: {error}", _AGAIN)]
        findings = [*_conditions(statement, trust, where, now or datetime.now(UTC)), *_content(artifact, statement)]
    else:
        findings = [found]
    return [replace(finding, artifact=str(artifact)) for finding in findings]


_AGAIN = "get the release's .intoto.json again"
_REFUSE = "don't use it: it is not what was built and signed"


def _signed(envelope: Envelope, keys: Sequence[PublicKey], where: str) -> Finding | None:
    """What is wrong with the signatures; the key ids in the envelope only tell which message fits."""
    if any(key.accepts(signature.value, envelope.signed_bytes) for signature in envelope.signatures for key in keys):
        return None
    ids = {key.id: key.name for key in keys}
    claimed = [ids[signature.key_id] for signature in envelope.signatures if signature.key_id in ids]
    if claimed:
        message = f"the statement, or its signature by {some(claimed, 3)}, was changed after it was signed"
        return rules.ATTESTATION_SIGNATURE.finding(where, message, _REFUSE)
    signers = [signature.key_id[:16] or "an unnamed key" for signature in envelope.signatures]
    trusted = [f"{key.id[:16]} ({key.name})" for key in keys]
    message = f"signed by key {some(signers, 3)}, which is not trusted; trusted: {some(trusted, 3)}"
    hint = "get the publisher's public key from where you trust it to be, or don't use the layer"
    return rules.ATTESTATION_KEY.finding(where, message, hint)


def _read(envelope: Envelope) -> _Statement:
    """Read a statement whose signature holds.

    Raises:
        ValueError: it is of another kind, or lacks something.
    """
    if envelope.payload_type != PAYLOAD_TYPE:
        raise ValueError(f"its payload is {envelope.payload_type}")
    try:
        data = json.loads(envelope.payload)
    except (ValueError, RecursionError):
        raise ValueError("its payload is not JSON") from None
    for name, wanted in (("_type", STATEMENT_TYPE), ("predicateType", PREDICATE_TYPE)):
        if not isinstance(data, dict) or data.get(name) != wanted:
            raise ValueError(f"{name} is not {wanted}")
    try:
        return _parse(data)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(
            f"it lacks {error}" if isinstance(error, KeyError) else "its fields are not as they must be"
        ) from None


def _parse(data: dict[str, Any]) -> _Statement:
    definition, run = data["predicate"]["buildDefinition"], data["predicate"]["runDetails"]
    if definition["buildType"] != BUILD_TYPE:
        raise ValueError(f"its build type is {definition['buildType']}")
    zips = [subject for subject in data["subject"] if CONTENT_DIGEST in subject.get("annotations", {})]
    if len(zips) != 1:
        raise ValueError("it names no content digest")
    source: dict[str, Any] = next(
        (
            dependency
            for dependency in definition.get("resolvedDependencies", ())
            if "gitCommit" in dependency.get("digest", {})
        ),
        {},
    )
    end = run.get("metadata", {}).get(EXPIRES)
    return _Statement(
        subjects={str(subject["name"]): str(subject["digest"]["sha256"]) for subject in data["subject"]},
        zip_name=str(zips[0]["name"]),
        content_digest=str(zips[0]["annotations"][CONTENT_DIGEST]),
        builder=str(run["builder"]["id"]),
        expires=datetime.strptime(end, DATE).replace(tzinfo=UTC) if end is not None else None,
        commit=source.get("digest", {}).get("gitCommit"),
        dirty=bool(source.get("annotations", {}).get("dirty")),
    )


def _conditions(statement: _Statement, trust: Trust, where: str, now: datetime) -> Iterator[Finding]:
    if statement.expires is not None and now >= statement.expires:
        message = f"it expired on {statement.expires:%Y-%m-%d}"
        yield rules.ATTESTATION_EXPIRED.finding(where, message, "take a newer release, or ask for a new statement")
    if trust.builders and statement.builder not in trust.builders:
        message = f"built by {statement.builder}, expected {' or '.join(trust.builders)}"
        yield rules.ATTESTATION_BUILDER.finding(where, message, "don't use it, or name the right --builder")
    if statement.dirty:
        message = f"built from files that differed from commit {statement.commit}"
        yield rules.ATTESTATION_SOURCE.finding(where, message, "release from a clean checkout")
    elif statement.commit is None:
        message = "built from files that are no git checkout"
        yield rules.ATTESTATION_SOURCE.finding(where, message, "release from a clean checkout")


def _content(artifact: Path, statement: _Statement) -> Iterator[Finding]:
    name = artifact.name
    sha256 = None if artifact.is_dir() else sha256_of(artifact)
    try:
        with open_artifact(artifact) as opened:
            digest = opened.content_digest()
    except ArtifactError as error:
        if not artifact.exists():
            raise
        digest = f"unreadable ({error.what})"
    if digest != statement.content_digest:
        if sha256 is not None and name not in statement.subjects:
            message = f"the statement is about {statement.zip_name} ({statement.content_digest}), not {digest}"
            yield rules.ATTESTATION_SUBJECT.finding(name, message, "get the attestation that belongs to it")
        else:
            message = f"its content is {digest}, but {statement.content_digest} was attested: it was changed"
            yield rules.ATTESTATION_CONTENT.finding(name, message, _REFUSE)
        return
    attested = statement.subjects[statement.zip_name]
    if sha256 is not None and sha256 != attested:
        message = f"its content is the attested one, but it was packed anew (SHA-256 {sha256}, attested {attested})"
        yield rules.ATTESTATION_PACKED.finding(
            name, message, "take the original zip, if nobody is known to have packed it"
        )
    if sha256 is not None:
        yield from _beside(artifact, statement)


def _beside(artifact: Path, statement: _Statement) -> Iterator[Finding]:
    original = artifact.with_name(statement.zip_name)
    for path, here in ((manifest_path(original), manifest_path(artifact)), (sbom_path(original), sbom_path(artifact))):
        attested = statement.subjects.get(path.name)
        if here.exists() and attested is not None and sha256_of(here) != attested:
            yield rules.ATTESTATION_CONTENT.finding(here.name, "it was changed after it was attested", _REFUSE)
