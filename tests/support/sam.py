"""The SAM CLI as a developer has it: in its own environment, beside the checkout's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.local_aws import LocalAws

ROOT = Path(__file__).resolve().parents[2]
SAM = ROOT / ".venv-sam" / "bin" / "sam"


def sam_environment(aws: LocalAws | None = None) -> dict[str, str]:
    """The process environment for the SAM CLI: no telemetry, nothing of the user's AWS account.

    Args:
        aws: the local AWS to talk to, or None for commands that call no AWS API.
    """
    ours = ("AWS_", "PYTHON", "MAKE", "MFLAGS")  # `make test PYTHON=…` would name another environment to `sam build`
    environment = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    environment |= {
        "AWS_DEFAULT_REGION": "eu-central-1",
        "SAM_CLI_TELEMETRY": "0",
        # Seconds between two looks at the stack's events; the default of 5 is made for real stacks.
        "SAM_CLI_POLL_DELAY": "0.3",
    }
    if aws is not None:
        environment |= aws.environ
    return environment
