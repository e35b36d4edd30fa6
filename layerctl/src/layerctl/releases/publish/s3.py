"""Large zips reach Lambda through a bucket in its own region."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from layerctl.aws.failures import code_of
from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from layerctl.releases.publish.payload import Payload

__all__ = ["put_zip"]


def put_zip(client: Any, payload: Payload, bucket: str, prefix: str, *, owner: str) -> str:
    """Put a zip into a bucket, unless it is there, and return its key. The key names the content, so that is safe.

    Args:
        client: the region's S3 client.
        payload: the zip; one request carries up to 5 GB.
        bucket: its name; a bucket of another account than `owner` is refused by S3 (a name can be taken by others).
        prefix: of the key.
        owner: the account that must own the bucket.

    Raises:
        LayerctlError: the bucket does not exist.
        botocore.exceptions.ClientError, BotoCoreError: S3 refused.
    """
    name = base64.b64decode(payload.code_sha256).hex()
    key = "/".join(part for part in (prefix.strip("/"), payload.layer, f"{name}.zip") if part)
    place = {"Bucket": bucket, "Key": key, "ExpectedBucketOwner": owner}
    try:
        if client.head_object(**place)["ContentLength"] == payload.size:
            return key
    except client.exceptions.ClientError as error:
        if code_of(error) not in ("404", "403"):  # without s3:ListBucket a missing object is a 403
            raise
    try:
        with payload.path.open("rb") as body:
            client.put_object(**place, Body=body, ContentType="application/zip", ChecksumSHA256=payload.code_sha256)
    except client.exceptions.NoSuchBucket:
        raise LayerctlError(f"the bucket {bucket} does not exist", hint="create it in the layer's region") from None
    return key
