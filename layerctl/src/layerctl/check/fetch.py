"""Layer versions and deployed code from AWS, kept in the user's cache: neither ever changes, so each is fetched once.

The zip is limited in size, compared with the checksum that Lambda states, and only ever read through
`layerctl.artifact`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from layerctl.core.errors import LayerctlError
from layerctl.core.files.cache import cached_folder

if TYPE_CHECKING:
    from pathlib import Path

    from layerctl.aws.clients import Aws
    from layerctl.check.model import Layer
    from layerctl.core.arn import LayerVersionArn

__all__ = ["Fetched", "Fetcher"]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A layer version's zip, and what its publisher says it fits."""

    path: Path
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]


class Fetcher:
    """Asks AWS, with a profile's credentials or those of the environment, and only for what is not in the cache."""

    def __init__(self, profile: str | None = None) -> None:
        self._profile = profile
        self._aws: Aws | None = None

    def layer(self, layer: Layer) -> Fetched:
        """Get a layer version by its ARN, from the cache or from AWS (`GetLayerVersionByArn`).

        Raises:
            LayerctlError: the ARN is not fully known, or AWS does not give it.
        """
        arn = layer.declared.arn
        if arn is None:
            raise LayerctlError("its ARN is not fully known", hint="name the region with --region")
        return self.version(arn)

    def version(self, arn: LayerVersionArn) -> Fetched:
        """Get a layer version, from the cache or from AWS (`GetLayerVersionByArn`).

        Raises:
            LayerctlError: AWS does not give it.
        """
        key = f"layers/{arn.partition}/{arn.region}/{arn.account}/{arn.name}/{arn.version}"
        folder = cached_folder(key, lambda scratch: self._download_layer(arn, scratch))
        facts = json.loads((folder / "facts.json").read_text("utf-8"))
        return Fetched(folder / "layer.zip", tuple(facts["runtimes"]), tuple(facts["architectures"]))

    def deployed_code(self, stack: str, region: str | None) -> dict[str, Path]:
        """Get the code of every function of a deployed stack: logical id -> zip.

        Raises:
            LayerctlError: AWS does not tell, or a zip could not be had.
        """
        code: dict[str, Path] = {}
        answer = self._call("cloudformation", region, "list_stack_resources", StackName=stack)
        for resource in answer["StackResourceSummaries"]:
            if resource["ResourceType"] == "AWS::Lambda::Function" and "PhysicalResourceId" in resource:
                path = self._deployed(resource["PhysicalResourceId"], region)
                if path is not None:
                    code[resource["LogicalResourceId"]] = path
        return code

    def _deployed(self, function: str, region: str | None) -> Path | None:
        answer = self._call("lambda", region, "get_function", FunctionName=function)
        location, checksum = answer["Code"].get("Location"), answer["Configuration"].get("CodeSha256", "")
        if not location:  # a container image
            return None
        size = answer["Configuration"].get("CodeSize", 0)
        name = hashlib.sha256(checksum.encode()).hexdigest()
        return cached_folder(f"code/{name}", lambda scratch: _save(checksum, size, location, scratch)) / "layer.zip"

    def _download_layer(self, arn: LayerVersionArn, folder: Path) -> None:
        answer = self._call("lambda", arn.region, "get_layer_version_by_arn", Arn=str(arn))
        content = answer["Content"]
        _save(content["CodeSha256"], content["CodeSize"], content["Location"], folder)
        facts = {
            "runtimes": answer.get("CompatibleRuntimes", []),
            "architectures": answer.get("CompatibleArchitectures", []),
        }
        (folder / "facts.json").write_text(json.dumps(facts), "utf-8")

    def _call(self, service: str, region: str | None, operation: str, **arguments: Any) -> dict[str, Any]:
        from layerctl.aws.clients import Aws
        from layerctl.aws.failures import UNREACHABLE, describe

        self._aws = self._aws or Aws(timeout=30, profile=self._profile)
        try:
            client = self._aws.client(service, region)
            if client.can_paginate(operation):
                pages: dict[str, Any] = client.get_paginator(operation).paginate(**arguments).build_full_result()
                return pages
            answer: dict[str, Any] = getattr(client, operation)(**arguments)
        except UNREACHABLE as error:
            failure = describe(error, region or "the default region")
            raise LayerctlError(failure.what, hint=failure.hint) from None
        return answer


def _save(checksum: str, size: int, location: str, folder: Path) -> None:
    from layerctl.releases.versions import StoredContent, download

    download(StoredContent(checksum, size, location), folder / "layer.zip")
