"""A context object like the one that Lambda's runtime passes to a handler, and the fixture that gives one."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest

__all__ = ["LambdaContext", "lambda_context"]


class LambdaContext:
    """What a handler gets as its second argument, with the attributes of the Python runtime's own class.

    Args:
        function_name: the function's name; the ARN and the log group follow from it.
        timeout: seconds from now until Lambda would end the invocation; the remaining time falls as in Lambda.
        memory_mb: configured memory in MB. The runtime gives it as a string, and so does this class.
        aws_request_id: a fixed request id; by default a fresh one for each context.
        tenant_id: the tenant of a function in tenant-isolation mode.
        region: the region in the ARN.
        version: function version; anything but ``$LATEST`` also ends the ARN.
        client_context: what a mobile SDK would send.

    Source of the attributes: Lambda developer guide, "Using the Lambda context object to retrieve Python function
    information".
    """

    def __init__(
        self,
        function_name: str = "test-function",
        *,
        timeout: float = 3.0,
        memory_mb: int = 128,
        aws_request_id: str | None = None,
        tenant_id: str | None = None,
        region: str = "eu-west-1",
        version: str = "$LATEST",
        client_context: Any = None,
    ) -> None:
        self.function_name = function_name
        self.function_version = version
        self.memory_limit_in_mb = str(memory_mb)
        self.aws_request_id = aws_request_id or str(uuid.uuid4())
        self.tenant_id = tenant_id
        qualifier = "" if version == "$LATEST" else f":{version}"
        self.invoked_function_arn = f"arn:aws:lambda:{region}:123456789012:function:{function_name}{qualifier}"
        self.log_group_name = f"/aws/lambda/{function_name}"
        self.log_stream_name = f"2026/01/31/[{version}]{uuid.uuid4().hex}"
        self.identity = None
        self.client_context = client_context
        self._deadline = time.monotonic() + timeout

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the time-out, never below 0."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))

    def __repr__(self) -> str:
        return f"LambdaContext(function_name={self.function_name!r}, aws_request_id={self.aws_request_id!r})"


@pytest.fixture
def lambda_context() -> LambdaContext:
    """A context of a 128 MB function with 3 seconds left; each test has its own, in an environment not yet used."""
    from shared_utils.invocation import lifecycle as _invocation

    _invocation.reset()
    return LambdaContext()
