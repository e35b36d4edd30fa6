"""The first `make deploy` finds its bucket: layer/bucket.py makes it, or says what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "layer" / "bucket.py"
BUCKET = "shared-utils-artifacts-dev"


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
    assert "is not yours to use; name one of your own in samconfig.toml" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert proxy.count(f"PUT /{BUCKET}") == 0
