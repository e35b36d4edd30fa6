"""The manifest's word against the files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from layerctl.core.diagnostics import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.verify.case import Context

__all__ = ["check_manifest"]

_RULE = "manifest-mismatch"
_REMEDY = "don't use it: it is not what was built; build it anew with `layerctl build`"


def check_manifest(context: Context) -> Iterator[Finding]:
    """Files added, removed, changed; then the digests as a whole, if no file explains the difference."""
    manifest, artifact = context.manifest, context.artifact
    if manifest is None:
        return
    listed = {file.path: file for file in manifest.files}
    told = bool(context.damaged) or bool(artifact.problems)
    for path in sorted(listed.keys() - {entry.path for entry in artifact.entries}):
        told = True
        yield Finding(_RULE, path, "the manifest lists it, but it is not there", _REMEDY)
    for entry in context.readable:
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
        yield Finding(_RULE, entry.path, message, _REMEDY)
    if told:
        return
    name = artifact.path.name
    if artifact.content_digest() != manifest.content_digest:
        yield Finding(_RULE, name, f"its content is not {manifest.content_digest}", _REMEDY)
    elif artifact.zipped_size is not None:
        with artifact.path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        if sha256 != manifest.zip.sha256:
            yield Finding(_RULE, name, "the zip's SHA-256 is not the manifest's, though its files are", _REMEDY)
