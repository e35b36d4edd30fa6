"""What type checkers see of our functions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

USAGE = """
from collections.abc import Callable
from typing import Any, assert_type

from shared_utils import get_logger, instrument, logging
from shared_utils.logging import BoundLogger, correlation_paths
from shared_utils.testing import CapturedLogs, LambdaContext


@instrument
def bare(event: dict[str, str], context: LambdaContext) -> int:
    return 1


@instrument(correlation_id=correlation_paths.SQS, log_event=500, redact_uncaught=True)
def called(event: dict[str, str], context: LambdaContext) -> str:
    return ""


@instrument
async def awaited(event: dict[str, str], context: LambdaContext) -> float:
    return 1.0


def test(captured_logs: CapturedLogs, lambda_context: LambdaContext) -> None:
    assert_type(bare({}, lambda_context), int)
    assert_type(called(event={}, context=lambda_context), str)
    assert_type(awaited({}, lambda_context), float)
    bare({})  # type: ignore[call-arg]
    called(1, lambda_context)  # type: ignore[arg-type]

    log = get_logger("name", user="ann")
    assert_type(log, BoundLogger)
    assert_type(log.bind(a=1), BoundLogger)
    assert_type(log.unbind("a"), BoundLogger)
    log.info("x", event={}, level=1, name="n", message="m")
    logging.exception("x %s", 1, key=2)
    logging.configure(level="DEBUG", buffer=True, redact=["a"], format="json")
    logging.configure(levle="DEBUG")  # type: ignore[call-arg]
    logging.configure(format="xml")  # type: ignore[arg-type]
    with logging.bound(a=1):
        logging.bind(b=2)
    assert_type(captured_logs.one(level="INFO"), dict[str, Any])
    assert_type(lambda_context.get_remaining_time_in_millis(), int)
"""


def test_a_typed_usage_passes_mypy_strict(tmp_path: Path) -> None:
    """Signatures and types survive the decorator; wrong calls are found (each ignore must be needed)."""
    usage = tmp_path / "usage.py"
    usage.write_text(USAGE, "utf-8")
    command = ["-m", "mypy", "--strict", "--python-version", "3.11", "--cache-dir", str(tmp_path / "cache"), str(usage)]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout
