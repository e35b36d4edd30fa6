"""The first `make deploy` finds its bucket: layer/bucket.py makes it, or says what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "layer" / "bucket.py"
BUCKET = "shared-utils-artifacts-dev"
DENIED = "User: x is not authorized to perform: s3:CreateBucket on resource: r"


def run(aws, *arguments: str):
    """Run the script against the local AWS."""
    environment = os.environ | {"AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL": aws.endpoint}
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_bucket_of_the_first_deploy_is_made_once(aws):
    """On a fresh account the bucket is made, private; the next time it is there; an unknown stage is an error."""
    assert "made the bucket" in run(aws, "dev").stdout
    block = aws.client("s3").get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    assert "is there" in run(aws, "dev").stdout
    wrong = run(aws, "staging")
    assert (wrong.returncode, "no environment 'staging'" in wrong.stderr) == (1, True)


def test_a_bucket_that_cannot_be_had_is_one_line(proxy):
    """A name that somebody else has ends in one line that names samconfig.toml; nothing is made."""
    refused = (403, {"Content-Type": "application/xml"}, b"")
    proxy.add(f"HEAD /{BUCKET}", lambda call: refused)
    ran = run(proxy, "dev")
    assert ran.returncode == 1
    assert "is somebody else's, or you may not s3:ListBucket there; name one of your own" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert proxy.count(f"PUT /{BUCKET}") == 0


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (DENIED, "give the caller s3:CreateBucket"),
        (
            f"{DENIED} with an explicit deny in a service control policy",
            "a service control policy forbids to s3:CreateBucket on r; no grant of the caller's own overrides that",
        ),
    ],
)
def test_a_bucket_that_may_not_be_made_says_why(proxy, message, said):
    """A grant that is missing and a policy that forbids are told apart; another name would not help with either."""
    xml = f"<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>".encode()
    proxy.add(f"PUT /{BUCKET}", lambda call: (403, {"Content-Type": "application/xml"}, xml))
    ran = run(proxy, "dev")
    assert ran.returncode == 1
    assert said in ran.stderr
    assert "name another" not in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
