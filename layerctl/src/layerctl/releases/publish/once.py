"""Publishing exactly once: `PublishLayerVersion` is not idempotent, so nothing here repeats it blindly.

A request that was throttled did nothing and is sent again. One that ended in a time-out, a broken connection or a
5xx may have made a version: the list is read again before it is repeated. And because listing and publishing are
two requests, two publishers can each make a version of the same content. All of them then take the lowest number and
name the rest. Nothing is deleted: a list that AWS answers late would make one publisher delete what another has
reported and shared; `layerctl prune` deletes what nobody uses.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from layerctl.aws.failures import UNREACHABLE, is_ambiguous, is_throttled
from layerctl.core.arn import LayerVersionArn
from layerctl.releases.versions import list_versions

if TYPE_CHECKING:
    from collections.abc import Callable

    from layerctl.releases.publish.payload import Payload
    from layerctl.releases.versions import LayerVersion

__all__ = ["Once", "publish_once", "same_content"]

_ATTEMPTS = 6  # the last pause is 16 s at most


@dataclass(frozen=True, slots=True)
class Once:
    """What publishing came to.

    Attributes:
        arn: the version that has the content.
        published: whether this run made it; False when another publisher was faster.
        notes: what people should know.
    """

    arn: LayerVersionArn
    published: bool
    notes: tuple[str, ...] = ()


def publish_once(
    client: Any,
    single: Any,
    payload: Payload,
    content: dict[str, Any],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Once:
    """Publish a payload that the region does not have.

    Args:
        client: the region's Lambda client.
        single: a Lambda client that sends each request once.
        payload: what to publish.
        content: `PublishLayerVersion`'s Content.
        sleep: waits between attempts; tests pass their own.

    Raises:
        botocore.exceptions.ClientError, BotoCoreError: it could not be published.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            answer = single.publish_layer_version(
                LayerName=payload.layer,
                Description=payload.description,
                Content=content,
                CompatibleRuntimes=list(payload.runtimes),
                CompatibleArchitectures=list(payload.architectures),
                LicenseInfo=payload.licence,
            )
        except UNREACHABLE as error:
            if attempt == _ATTEMPTS or not (is_throttled(error) or is_ambiguous(error)):
                raise
            sleep(random.uniform(0, 2**attempt / 2))  # noqa: S311 - full jitter, not cryptography
            if is_ambiguous(error) and same_content(client, payload):
                return _settle(client, payload, None)
        else:
            return _settle(client, payload, LayerVersionArn.parse(answer["LayerVersionArn"]))


def same_content(client: Any, payload: Payload) -> list[LayerVersion]:
    """The versions whose description names the payload's content, lowest number (the one to use) first."""
    found = [
        version for version in list_versions(client, payload.layer) if version.content_digest == payload.content_digest
    ]
    return sorted(found, key=lambda version: version.number)


def _settle(client: Any, payload: Payload, mine: LayerVersionArn | None) -> Once:
    """Agree with other publishers on the lowest number, and name the duplicates."""
    found = {version.arn for version in same_content(client, payload)} | ({mine} if mine else set())
    first, *rest = sorted(found)
    notes = ["another publisher was faster"] if mine and mine != first else []
    notes += [f"version {arn.version} is a duplicate, which nobody needs" for arn in rest]
    return Once(first, published=mine in (None, first), notes=tuple(notes))
