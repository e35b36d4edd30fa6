"""Starts and stops a local AWS in a process of its own."""

from __future__ import annotations

import contextlib
import functools
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[3]
DEFAULT_ADAPTERS = (
    "tests.support.local_aws.lambda_api",
    "tests.support.local_aws.aliases",
    "tests.support.local_aws.cloudformation",
    "tests.support.local_aws.s3",
    "tests.support.local_aws.appconfig",
    "tests.support.local_aws.secrets",
)


def environment(endpoint: str, region: str = "eu-central-1") -> dict[str, str]:
    """The variables that lead boto3, the AWS CLI and the SAM CLI to `endpoint`, and to nothing of the user's."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@dataclass(frozen=True)
class LocalAws:
    """A running local AWS.

    Attributes:
        endpoint: ``http://localhost:PORT``.
        account: the account of the default credentials.
    """

    endpoint: str
    account: str = "123456789012"

    @property
    def environ(self) -> dict[str, str]:
        """What a child process (or `monkeypatch.setenv`) needs to talk to it."""
        return environment(self.endpoint)

    def client(self, service: str, region: str = "eu-central-1", **credentials: str) -> Any:
        """A boto3 client of this AWS, whatever the environment says."""
        return _client(self.endpoint, service, region, tuple(sorted(credentials.items())))

    def reset(self) -> None:
        """Forget every resource."""
        request = urllib.request.Request(f"{self.endpoint}/moto-api/reset", method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()


@functools.cache
def _client(endpoint: str, service: str, region: str, credentials: tuple[tuple[str, str], ...]) -> Any:
    """Make a client once: it takes longer than what most tests ask of it."""
    import boto3

    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"} | dict(credentials)
    return boto3.session.Session(region_name=region).client(service, endpoint_url=endpoint, **keys)  # type: ignore[call-overload]


running: list[LocalAws] = []  # one that is kept for the tests of several processes, or none


@contextlib.contextmanager
def start_or_take() -> Iterator[LocalAws]:
    """Serve a local AWS for the time of a `with` block, unless one is kept: a test resets it."""
    if running:
        yield running[0]
    else:
        with start() as aws:
            yield aws


@contextlib.contextmanager
def start(adapters: Sequence[str] = (), *, port: int = 0) -> Iterator[LocalAws]:
    """Serve a local AWS on localhost for the time of a `with` block.

    Args:
        adapters: dotted names of modules with ``install(app)``, besides `DEFAULT_ADAPTERS`.
        port: 0 takes a free one.

    Raises:
        RuntimeError: it did not come up; the message has what it said.
    """
    command = [sys.executable, "-m", "tests.support.local_aws", "--port", str(port), "--stop-at-eof"]
    for adapter in adapters:
        command += ["--adapter", adapter]
    process = subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if " on " not in line:
            raise RuntimeError(f"the local AWS did not start: {line or process.wait()!r}")
        yield LocalAws(line.split(" on ")[1].strip())
    finally:
        process.stdin.close()  # which ends it, see __main__
        process.stdout.close()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
