"""The manifest's word against the files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from layerctl.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.core.diagnostics import Finding
    from layerctl.verify.case import ArtifactCase

__all__ = ["check_manifest"]

MANIFEST_MISMATCH = Rule(
    id="manifest-mismatch",
    commands=("verify",),
    summary="The files, the digest and the zip are those of the manifest.",
    looks_at="The manifest beside the zip (or --manifest): paths, modes, SHA-256 of each file, the content digest, "
    "the zip.",
    example="A file that was changed in the zip after it was built.",
    fix="Don't use it: it is not what was built. Build it anew.",
)
_HINT = "don't use it: it is not what was built; build it anew with `layerctl build`"


def check_manifest(case: ArtifactCase) -> Iterator[Finding]:
    """Files added, removed, changed; then the digests as a whole, if no file explains the difference."""
    manifest, artifact = case.manifest, case.artifact
    if manifest is None:
        return
    listed = {file.path: file for file in manifest.files}
    told = bool(case.damaged) or bool(artifact.problems)
    for path in sorted(listed.keys() - {entry.path for entry in artifact.entries}):
        told = True
        yield MANIFEST_MISMATCH.finding(path, "the manifest lists it, but it is not there", _HINT)
    for entry in case.readable:
        file = listed.get(entry.path)
        if file is None:
            message = "it is there, but the manifest doesn't list it"
        elif file.sha256 != artifact.sha256(entry):
            message = f"its content is not what the manifest says ({entry.size:,} bytes, {file.size:,} there)"
        elif file.mode != f"{entry.canonical_mode:04o}":
            message = f"its mode is {entry.canonical_mode:04o}, {file.mode} in the manifest"
        else:
            continue
        told = True
        yield MANIFEST_MISMATCH.finding(entry.path, message, _HINT)
    if told:
        return
    name = artifact.path.name
    if artifact.content_digest() != manifest.content_digest:
        yield MANIFEST_MISMATCH.finding(name, f"its content is not {manifest.content_digest}", _HINT)
    elif artifact.zipped_size is not None:
        with artifact.path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        if sha256 != manifest.zip.sha256:
            yield MANIFEST_MISMATCH.finding(
                name, "the zip's SHA-256 is not the manifest's, though its files are", _HINT
            )
