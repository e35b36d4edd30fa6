"""The SAM CLI as a developer has it: in its own environment, beside the checkout's."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAM = ROOT / ".venv-sam" / "bin" / "sam"


def sam_environment(endpoint: str | None = None) -> dict[str, str]:
    """The process environment for the SAM CLI: no telemetry, dummy credentials, and the local AWS when given.

    Args:
        endpoint: the URL of the local AWS, or None for commands that call no AWS API.
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    environment |= {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
        # Seconds between two looks at the stack's events; the default of 5 is made for real stacks.
        "SAM_CLI_POLL_DELAY": "0.3",
    }
    if endpoint is not None:
        environment["AWS_ENDPOINT_URL"] = endpoint
    return environment
