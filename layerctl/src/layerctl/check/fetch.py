"""Layer versions from AWS, kept in the user's cache: a version never changes, so each is fetched once.

The zip is limited in size, compared with the checksum that Lambda states, and only ever read through
`layerctl.artifact`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from layerctl.cache import cached_folder
from layerctl.errors import LayerctlError

if TYPE_CHECKING:
    from pathlib import Path

    from layerctl.arn import LayerVersionArn
    from layerctl.check.model import Layer

__all__ = ["Fetched", "deployed_code", "fetch_layer"]

# Code and layers together may have 262,144,000 bytes unzipped; a zip of them is hardly ever larger.
_MAX_ZIP = 300_000_000
_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Fetched:
    """A layer version's zip, and what its publisher says it fits."""

    path: Path
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]


def fetch_layer(layer: Layer) -> Fetched:
    """Get a layer version by its ARN, from the cache or from AWS (`GetLayerVersionByArn`).

    Raises:
        LayerctlError: the ARN is not fully known, or AWS does not give it.
    """
    arn = layer.arn
    if arn is None:
        raise LayerctlError("its ARN is not fully known", remedy="name the region with --region")
    key = f"layers/{arn.partition}/{arn.region}/{arn.account}/{arn.name}/{arn.version}"
    folder = cached_folder(key, lambda scratch: _download(arn, scratch))
    facts = json.loads((folder / "facts.json").read_text("utf-8"))
    return Fetched(folder / "layer.zip", tuple(facts["runtimes"]), tuple(facts["architectures"]))


def _download(arn: LayerVersionArn, folder: Path) -> None:
    answer = _call("lambda", arn.region, "get_layer_version_by_arn", f"layer {arn.name}:{arn.version}", Arn=str(arn))
    content = answer["Content"]
    _save(content["Location"], content.get("CodeSha256"), folder / "layer.zip", f"{arn.name}:{arn.version}")
    facts = {
        "runtimes": answer.get("CompatibleRuntimes", []),
        "architectures": answer.get("CompatibleArchitectures", []),
    }
    (folder / "facts.json").write_text(json.dumps(facts), "utf-8")


def deployed_code(stack: str, region: str | None) -> dict[str, Path]:
    """Download the code of every function of a deployed stack: logical id -> zip.

    Raises:
        LayerctlError: AWS does not tell, or a zip could not be had.
    """
    code: dict[str, Path] = {}
    resources = _call("cloudformation", region, "describe_stack_resources", f"stack {stack}", StackName=stack)
    for resource in resources["StackResources"]:
        if resource["ResourceType"] != "AWS::Lambda::Function" or "PhysicalResourceId" not in resource:
            continue
        name = resource["PhysicalResourceId"]
        answer = _call("lambda", region, "get_function", f"function {name}", FunctionName=name)
        location, checksum = answer["Code"].get("Location"), answer["Configuration"].get("CodeSha256", "")
        if not location:  # a container image
            continue
        entry = f"code/{hashlib.sha256(checksum.encode()).hexdigest()}"

        def fill(folder: Path, location: str = location, checksum: str = checksum, name: str = name) -> None:
            _save(location, checksum, folder / "code.zip", name)

        code[resource["LogicalResourceId"]] = cached_folder(entry, fill) / "code.zip"
    return code


def _call(service: str, region: str | None, operation: str, what: str, **arguments: Any) -> dict[str, Any]:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    config = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 3})
    try:
        client: Any = boto3.client(service, region_name=region, config=config)
        answer: dict[str, Any] = getattr(client, operation)(**arguments)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise LayerctlError(f"AWS does not give {what}: {code} at {error.operation_name}") from None
    except BotoCoreError as error:
        raise LayerctlError(f"AWS can't be asked for {what}: {error}") from None
    return answer


def _save(location: str, checksum: str | None, target: Path, what: str) -> None:
    """Download to `target`. `location` is pre-signed, so it is never shown."""
    address = urlsplit(location)
    if address.scheme != "https" and address.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise LayerctlError(f"the zip of {what} is not offered over https")
    digest = hashlib.sha256()
    size = 0
    try:
        with urllib.request.urlopen(location, timeout=60) as answer, target.open("wb") as file:  # noqa: S310 (scheme checked)
            while chunk := answer.read(_CHUNK):
                size += len(chunk)
                if size > _MAX_ZIP:
                    raise LayerctlError(
                        f"the zip of {what} is larger than the {_MAX_ZIP:,} bytes that are read at most"
                    )
                digest.update(chunk)
                file.write(chunk)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        raise LayerctlError(f"the zip of {what} could not be downloaded: {reason}") from None
    if checksum and base64.b64encode(digest.digest()).decode() != checksum:
        raise LayerctlError(f"the zip of {what} was not downloaded whole: its checksum differs")
