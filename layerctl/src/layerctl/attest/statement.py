"""The statement: in-toto Statement v1 with a SLSA v1 provenance predicate, made from a layer's manifest.

Sources: https://github.com/in-toto/attestation/tree/main/spec/v1 and https://slsa.dev/spec/v1.0/provenance, whose
extension fields carry the vendor's name in front (``layerctl_expiresOn``).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from layerctl import __version__
from layerctl.build.manifest import Manifest, manifest_path, sbom_path
from layerctl.core.errors import LayerctlError
from layerctl.core.files.read import unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

__all__ = [
    "BUILD_TYPE",
    "CONTENT_DIGEST",
    "EXPIRES",
    "PREDICATE_TYPE",
    "STATEMENT_TYPE",
    "Builder",
    "attestation_path",
    "sha256_of",
    "statement",
]

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:layerctl:layer-build:1"  # docs/trust.md describes its parameters
CONTENT_DIGEST = "layerctl.contentDigest"
EXPIRES = "layerctl_expiresOn"
DATE = "%Y-%m-%dT%H:%M:%SZ"
_LOCAL = "urn:layerctl:local-build"


@dataclass(frozen=True, slots=True)
class Builder:
    """Who builds.

    Attributes:
        id: a URI that names what ran the build and whom to trust for it, e.g. a workflow and its ref.
        invocation: a URI of this very run; empty where there is none.
        source: a URI of the repository; empty where it is not known.
    """

    id: str = _LOCAL
    invocation: str = ""
    source: str = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Builder:
        """Return the builder that GitHub Actions, GitLab CI or CodeBuild say they are, else a local build."""
        if environ.get("GITHUB_ACTIONS") == "true":
            server, repository = environ.get("GITHUB_SERVER_URL", ""), environ.get("GITHUB_REPOSITORY", "")
            run = f"{environ.get('GITHUB_RUN_ID', '')}/attempts/{environ.get('GITHUB_RUN_ATTEMPT', '1')}"
            return cls(
                f"{server}/{environ.get('GITHUB_WORKFLOW_REF', repository)}",
                f"{server}/{repository}/actions/runs/{run}",
                f"git+{server}/{repository}",
            )
        if environ.get("GITLAB_CI") == "true":
            project = environ.get("CI_PROJECT_URL", "")
            job = f"{project}/-/jobs/{environ.get('CI_JOB_ID', '')}"
            return cls(
                f"{project}/-/blob/{environ.get('CI_COMMIT_REF_NAME', '')}/.gitlab-ci.yml", job, f"git+{project}"
            )
        if arn := environ.get("CODEBUILD_BUILD_ARN"):
            source = environ.get("CODEBUILD_SOURCE_REPO_URL", "")
            return cls(arn.rpartition(":")[0].replace(":build/", ":project/"), arn, f"git+{source}" if source else "")
        return cls()


def statement(zip_path: Path, builder: Builder, *, expires: datetime | None = None) -> dict[str, Any]:
    """Return the statement about a built layer: its zip, manifest and SBOM, and what they were made from.

    Args:
        zip_path: the zip; manifest and SBOM lie beside it, as `layerctl build` writes them.
        builder: who built it.
        expires: when the statement is no longer to be trusted (UTC); None: it has no end.

    Raises:
        LayerctlError: a file is missing, or the zip is not the one that the manifest describes.
    """
    manifest = Manifest.load(manifest_path(zip_path))
    digests = {path.name: sha256_of(path) for path in (zip_path, manifest_path(zip_path), sbom_path(zip_path))}
    if digests[zip_path.name] != manifest.zip.sha256:
        raise LayerctlError(
            f"{zip_path} is not the zip that {manifest_path(zip_path).name} describes", hint="build the layer anew"
        )
    subject: list[dict[str, Any]] = [{"name": name, "digest": {"sha256": digest}} for name, digest in digests.items()]
    subject[0]["annotations"] = {CONTENT_DIGEST: manifest.content_digest}
    metadata = {"invocationId": builder.invocation} if builder.invocation else {}
    if expires is not None:
        metadata[EXPIRES] = expires.strftime(DATE)
    return {
        "_type": STATEMENT_TYPE,
        "subject": subject,
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "layer": manifest.name,
                    "version": manifest.version,
                    "architectures": list(manifest.architectures),
                    "runtimes": {runtime.runtime: runtime.named for runtime in manifest.runtimes},
                    "leaveOut": [part.pattern for part in manifest.left_out],
                },
                "resolvedDependencies": _dependencies(manifest, builder),
            },
            "runDetails": {
                "builder": {"id": builder.id, "version": {"layerctl": __version__}},
                **({"metadata": metadata} if metadata else {}),
            },
        },
    }


def _dependencies(manifest: Manifest, builder: Builder) -> list[dict[str, Any]]:
    source = manifest.source
    found: list[dict[str, Any]] = []
    if source.commit:
        commit: dict[str, Any] = {"name": "source", "digest": {"gitCommit": source.commit}}
        commit |= {"uri": builder.source} if builder.source else {}
        found.append(commit | ({"annotations": {"dirty": True}} if source.dirty else {}))
    found += [
        {"name": name, "digest": {"sha256": digest.removeprefix("sha256:")}} for name, digest in source.locks.items()
    ]
    found += [
        {"name": runtime.runtime, "uri": f"pkg:generic/cpython@{runtime.interpreter}"}
        for runtime in manifest.runtimes
        if runtime.interpreter
    ]
    return found


def sha256_of(path: Path) -> str:
    """Return the hex SHA-256 of a file.

    Raises:
        LayerctlError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(path, error, missing="`layerctl build` writes zip, manifest and SBOM") from None


def attestation_path(zip_path: Path) -> Path:
    """Return where the attestation of a zip lies: beside it."""
    return zip_path.with_name(f"{zip_path.name.removesuffix('.zip')}.intoto.json")
