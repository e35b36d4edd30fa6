"""What is to be published: a zip, its identity, and what its description and `layer.toml` say of it."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from packaging.version import Version

from layerctl.artifact import open_artifact
from layerctl.build.manifest import manifest_path
from layerctl.core.errors import LayerctlError
from layerctl.core.files.read import read_json
from layerctl.releases.versions import describe_content

if TYPE_CHECKING:
    from pathlib import Path

    from layerctl.config import LayerConfig

__all__ = ["Payload"]

# Lambda takes zips of 50 MB directly: base64 in a request of less than 69,905,067 bytes (its own error message says
# so). The rest of the request is the description, runtimes and architectures: well under 4 KB.
_MAX_REQUEST = 69_905_067
_ENVELOPE = 4096


@dataclass(frozen=True, slots=True)
class Payload:
    """A layer's zip, ready to publish.

    Attributes:
        layer: the layer's name.
        release: the version that people know, e.g. ``1.4.0``.
        content_digest: ``sha256:<hex>`` over the content.
        code_sha256: base64 of the zip's own sha256, as Lambda reports it.
        size: of the zip, in bytes.
    """

    path: Path
    layer: str
    release: str
    content_digest: str
    code_sha256: str
    size: int
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]
    licence: str

    @classmethod
    def read(
        cls, path: Path, config: LayerConfig | None, *, layer: str | None = None, release: str | None = None
    ) -> Payload:
        """Read an artifact and check it against its manifest.

        Args:
            path: the zip; its manifest is looked for beside it.
            config: what the layer is. None: the manifest says what it runs on, and `layer` what it is called.
            layer: another name than the one in `config`.
            release: the version; default: the manifest's, else the one in the file's name.

        Raises:
            LayerctlError: the zip is missing, unsafe, or not what its manifest says; or its version is unknown.
        """
        if path.is_dir():
            raise LayerctlError(f"{path} is a folder", hint="publish the zip that `layerctl build` writes")
        with open_artifact(path) as artifact:
            digest = artifact.content_digest()
        manifest = _manifest(path)
        if manifest and manifest.get("content_digest", digest) != digest:
            raise LayerctlError(
                f"{path} is not what its manifest says: its content is {digest},"
                f" the manifest has {manifest['content_digest']}",
                hint="build again with `layerctl build`",
            )
        with path.open("rb") as file:
            checksum = hashlib.file_digest(file, "sha256")
        release = release or _release(path, manifest)
        _require_version(release, path)
        facts = _facts(path, config, manifest)
        payload = cls(
            path=path,
            layer=layer or facts.name,
            release=release,
            content_digest=digest,
            code_sha256=base64.b64encode(checksum.digest()).decode(),
            size=path.stat().st_size,
            runtimes=facts.runtimes,
            architectures=facts.architectures,
            licence=facts.licence,
        )
        _ = payload.description
        return payload

    @property
    def description(self) -> str:
        """What the published version's description says."""
        return describe_content(self.release, self.content_digest)

    @property
    def fits_request(self) -> bool:
        """Whether the zip can be sent to Lambda directly; a larger one goes through S3."""
        return 4 * -(-self.size // 3) + _ENVELOPE < _MAX_REQUEST


class _Facts(NamedTuple):
    name: str
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]
    licence: str


def _facts(path: Path, config: LayerConfig | None, manifest: dict[str, Any]) -> _Facts:
    """What layer.toml says of the artifact, else its manifest. A zip of others has neither: nothing is claimed then."""
    if config is not None:
        config = config.for_artifact(path)
        return _Facts(config.name, tuple(config.runtimes), config.architectures, config.licence)
    try:
        runtimes = tuple(str(runtime["runtime"]) for runtime in manifest.get("runtimes", ()))
        architectures = tuple(str(architecture) for architecture in manifest.get("architectures", ()))
        return _Facts(str(manifest.get("name", "")), runtimes, architectures, str(manifest.get("licence", "")))
    except (KeyError, TypeError):
        raise LayerctlError(f"{manifest_path(path)} is no manifest", hint="build again with `layerctl build`") from None


def _manifest(path: Path) -> dict[str, Any]:
    manifest = manifest_path(path)
    data = read_json(manifest, hint="build again with `layerctl build`") if manifest.exists() else {}
    if not isinstance(data, dict):
        raise LayerctlError(f"{manifest} is no manifest", hint="build again with `layerctl build`")
    return data


def _release(path: Path, manifest: dict[str, Any]) -> str:
    named = manifest.get("version")
    if not named:
        match = re.fullmatch(r".+?-(\d+\.\d+\S*)\.zip", path.name)
        named = match[1] if match else None
    if not named:
        raise LayerctlError(
            f"{path} has no manifest, and its name tells no version", hint="name the version with --release"
        )
    return str(named)


def _require_version(release: str, path: Path) -> None:
    """Refuse a release that consumers could not put in order."""
    try:
        if str(release).strip() != release:  # `Version` overlooks spaces
            raise ValueError
        Version(release)
    except ValueError:
        raise LayerctlError(
            f"{path}: {release[:60]!r} is no version as PEP 440 knows them",
            hint="name one with --release, e.g. 1.4.0 or 1.4.0rc1",
        ) from None
