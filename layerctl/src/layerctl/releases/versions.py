"""Published layer versions as AWS tells of them, and the content digest that identifies what is in them."""

from __future__ import annotations

import base64
import hashlib
import re
import tempfile
import threading
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layerctl.aws.failures import code_of, is_denied
from layerctl.core.arn import LayerVersionArn
from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = [
    "DigestCache",
    "LayerVersion",
    "StoredContent",
    "describe_content",
    "download",
    "existing_versions",
    "fetch_content",
    "get_version",
    "list_versions",
]

# What we write: "<release> sha256:<hex>". Other words around it (a stack's own description) do no harm.
_DESCRIPTION = re.compile(r"(?:^|\s)(?:(?P<release>\S+)\s)?(?P<digest>sha256:[0-9a-f]{64})(?=\s|$)")
_MAX_DESCRIPTION = 256
# Code and layers together may have 262,144,000 bytes unzipped; a zip of them is hardly ever larger.
_MAX_ZIP = 300_000_000


@dataclass(frozen=True, slots=True)
class LayerVersion:
    """One version in `ListLayerVersions`.

    Attributes:
        created: when it was published, UTC.
        description: as published; `release` and `content_digest` are read from it.
    """

    arn: LayerVersionArn
    created: datetime
    description: str = ""
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """The version number that Lambda gave."""
        return self.arn.version

    @property
    def release(self) -> str | None:
        """The release that the description names; None for a version that `layerctl publish` did not make."""
        match = _DESCRIPTION.search(self.description)
        return match["release"] if match else None

    @property
    def content_digest(self) -> str | None:
        """The content digest that the description names, ``sha256:<hex>``."""
        match = _DESCRIPTION.search(self.description)
        return match["digest"] if match else None

    @property
    def date(self) -> str:
        """`created` as text: UTC, to the second."""
        return self.created.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class StoredContent:
    """What Lambda stores of a version: its `CodeSha256` (base64), the zip's size in bytes, and where it lies.

    `location` is a pre-signed address: whoever sees it can download the layer, so it is never shown.
    """

    code_sha256: str
    size: int
    location: str

    def __repr__(self) -> str:
        return f"StoredContent({self.code_sha256}, {self.size} bytes)"


def describe_content(release: str, content_digest: str) -> str:
    """The description of a published version.

    Raises:
        LayerctlError: it would be longer than Lambda takes.
    """
    text = f"{release} {content_digest}"
    if len(text) > _MAX_DESCRIPTION:
        raise LayerctlError(f"the version {release[:40]!r}... is too long for a layer's description")
    return text


def list_versions(client: Any, layer: str) -> Iterator[LayerVersion]:
    """List the versions of a layer, newest first, page by page.

    Args:
        client: boto3's Lambda client of a region.
        layer: the layer's name or ARN.

    Raises:
        botocore.exceptions.ClientError, BotoCoreError: as AWS answers; an unknown layer is an empty list.
    """
    try:
        for page in client.get_paginator("list_layer_versions").paginate(LayerName=layer):
            yield from (_version(item) for item in page["LayerVersions"])
    except client.exceptions.ResourceNotFoundException:
        return


def _version(item: dict[str, Any]) -> LayerVersion:
    return LayerVersion(
        arn=LayerVersionArn.parse(item["LayerVersionArn"]),
        created=_moment(item["CreatedDate"]),
        description=item.get("Description", ""),
        runtimes=tuple(item.get("CompatibleRuntimes", ())),
        architectures=tuple(item.get("CompatibleArchitectures", ())),
    )


def _moment(text: str) -> datetime:
    """Read Lambda's dates: ``2026-01-31T12:00:00.123+0000``."""
    return datetime.fromisoformat(text).astimezone(UTC)


def get_version(client: Any, arn: LayerVersionArn) -> tuple[LayerVersion, StoredContent]:
    """Ask for one version, with what Lambda stores of it (`GetLayerVersion`)."""
    answer = client.get_layer_version(LayerName=arn.name, VersionNumber=arn.version)
    content = answer["Content"]
    return _version(answer), StoredContent(content["CodeSha256"], content["CodeSize"], content.get("Location", ""))


def existing_versions(client: Any, arns: Collection[LayerVersionArn]) -> dict[LayerVersionArn, LayerVersion]:
    """Those of some versions that exist and may be used.

    Only its owner can list a layer; a version that somebody else shares is asked for by itself.

    Raises:
        botocore.exceptions.ClientError, BotoCoreError: AWS refused.
    """
    found: dict[LayerVersionArn, LayerVersion] = {}
    for layer in dict.fromkeys(arn.layer_arn for arn in arns):
        wanted = [arn for arn in arns if arn.layer_arn == layer]
        try:
            listed = {version.arn: version for version in list_versions(client, layer)}
        except client.exceptions.ClientError as error:
            if not is_denied(error):
                raise
            listed = {arn: shared for arn in wanted if (shared := _shared_version(client, arn)) is not None}
        found |= {arn: listed[arn] for arn in wanted if arn in listed}
    return found


def _shared_version(client: Any, arn: LayerVersionArn) -> LayerVersion | None:
    """A version of another account; None where it is gone or not shared, which Lambda does not tell apart."""
    try:
        return _version(client.get_layer_version_by_arn(Arn=str(arn)))
    except client.exceptions.ClientError as error:
        if is_denied(error) or code_of(error) == "ResourceNotFoundException":
            return None
        raise


class DigestCache:
    """Content digests worked out from stored zips, each distinct zip downloaded once per run."""

    def __init__(self) -> None:
        self._digests: dict[str, str] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()

    def put(self, code_sha256: str, digest: str) -> None:
        """Remember the digest of a zip that is at hand."""
        with self._lock:
            self._digests[code_sha256] = digest

    def digest(self, stored: StoredContent) -> str:
        """The content digest of a stored zip.

        Raises:
            LayerctlError: it could not be downloaded, or is no readable layer.
        """
        with self._lock:
            one_at_a_time = self._locks[stored.code_sha256]
        with one_at_a_time:
            if stored.code_sha256 not in self._digests:
                self.put(stored.code_sha256, _download_digest(stored))
            return self._digests[stored.code_sha256]


def _download_digest(stored: StoredContent) -> str:
    with tempfile.TemporaryDirectory(prefix="layerctl-") as folder:
        path = Path(folder) / "layer.zip"
        download(stored, path)
        return _digest_of(path)


def _digest_of(path: Path) -> str:
    from layerctl.artifact import open_artifact

    with open_artifact(path) as artifact:
        return str(artifact.content_digest())


def fetch_content(client: Any, arn: LayerVersionArn, content_digest: str, target: Path) -> None:
    """Download a version's zip, and keep it if it has the content that it should have.

    Raises:
        LayerctlError: it could not be downloaded, is no readable layer, or has another content.
        botocore.exceptions.ClientError, BotoCoreError: AWS refused.
    """
    _, stored = get_version(client, arn)
    download(stored, target)
    try:
        if (found := _digest_of(target)) != content_digest:
            raise LayerctlError(f"{arn} holds {found}, not {content_digest}")
    except LayerctlError:
        target.unlink()
        raise


def download(stored: StoredContent, target: Path) -> None:
    """Download a stored zip through botocore's own HTTP session, with the user's proxy and CA bundle.

    Args:
        stored: of a layer version, or of a function's code.
        target: the file to write.

    Raises:
        LayerctlError: it is larger than any layer can be, it came incomplete, or not at all.
    """
    import botocore.session
    import urllib3.exceptions
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import HTTPClientError
    from botocore.httpsession import URLLib3Session
    from botocore.utils import get_environ_proxies

    bundle = botocore.session.get_session().get_config_variable("ca_bundle")
    http = URLLib3Session(verify=bundle or True, proxies=get_environ_proxies(stored.location), timeout=60)
    try:
        answer = http.send(AWSRequest("GET", stored.location, stream_output=True).prepare())
        if answer.status_code != 200:
            raise LayerctlError(f"the stored zip could not be downloaded (HTTP {answer.status_code})")
        checksum = hashlib.sha256()
        size = 0
        with target.open("wb") as file:
            for chunk in answer.raw.stream(1 << 18):
                size += len(chunk)
                if size > _MAX_ZIP:
                    raise LayerctlError(f"the stored zip is larger than the {_MAX_ZIP:,} bytes that are read at most")
                checksum.update(chunk)
                file.write(chunk)
        if base64.b64encode(checksum.digest()).decode() != stored.code_sha256:
            raise LayerctlError("the stored zip was not downloaded whole", hint="run again")
    except (HTTPClientError, urllib3.exceptions.HTTPError):
        raise LayerctlError("the stored zip could not be downloaded: the connection broke", hint="run again") from None
    finally:
        http.close()
