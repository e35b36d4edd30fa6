"""Makes the bucket that `sam deploy` uploads to, where it is not there yet: ``python layer/bucket.py dev``.

`make deploy` calls it first. The names are those of samconfig.toml.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from layerctl.aws.failures import describe


def ensure_bucket(settings: dict[str, Any]) -> str:
    """Make the bucket of one environment of samconfig.toml, private and of the caller's account; say what was done.

    Raises:
        SystemExit: it cannot be had, with a message that says what to do.
    """
    region = settings["global"]["parameters"]["region"]
    bucket = settings["deploy"]["parameters"]["s3_bucket"]
    client = boto3.client("s3", region_name=region)
    try:
        client.head_bucket(Bucket=bucket)
        return f"the bucket {bucket} is there"
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            sys.exit(  # S3 does not say which
                f"error: the bucket {bucket} is somebody else's, or you may not s3:ListBucket there; "
                "name one of your own in samconfig.toml (s3_bucket)"
            )
    except BotoCoreError as error:
        failure = describe(error, region)
        sys.exit(f"error: the bucket {bucket} cannot be looked at: {failure}; or try it on `make local-aws`")
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        client.create_bucket(Bucket=bucket, **where)
        blocks = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(blocks, True))
    except (ClientError, BotoCoreError) as error:
        failure = describe(error, region)
        another = "" if failure.kind == "denied" else "; name another in samconfig.toml (s3_bucket)"
        sys.exit(f"error: {bucket} cannot be made in {region}: {failure}{another}")
    return f"made the bucket {bucket} in {region}"


if __name__ == "__main__":
    stage = sys.argv[1] if len(sys.argv) > 1 else "dev"
    config = tomllib.loads((Path(__file__).parents[1] / "samconfig.toml").read_text("utf-8"))
    environment = "default" if stage == "dev" else stage
    if environment not in config:
        sys.exit(f"error: samconfig.toml has no environment {environment!r}")
    print(ensure_bucket(config[environment]))  # noqa: T201 - a script
