"""`layerctl doctor`: what is there, what is missing, and how to get it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent


def doctor(tmp_path: Path, *options: str, **environment: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Run it with nothing of this machine's environment; return the exit code, and each check by its name."""
    clean = {"HOME": str(tmp_path), "PATH": "/nowhere", "AWS_EC2_METADATA_DISABLED": "true"} | environment
    command = [sys.executable, "-m", "layerctl", "doctor", "--json", *options]
    done = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, {check["name"]: check for check in json.loads(done.stdout)}


def test_what_is_missing_is_named_with_how_to_get_it(tmp_path: Path) -> None:
    """On a bare machine each thing that is missing has a hint, and the exit code is 1."""
    code, checks = doctor(tmp_path, "--offline")
    assert code == 1
    for name in ("git", "sam", "AWS region", "AWS credentials"):
        assert checks[name]["found"] is None
        assert checks[name]["hint"]


def test_what_is_there_is_told_with_its_place(tmp_path: Path) -> None:
    """Programs are told with their path, credentials with where they come from; no key is shown."""
    keys = {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "not-to-be-shown",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    _, checks = doctor(tmp_path, "--offline", PATH=os.environ["PATH"], **keys)
    running = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    assert "/" in checks[running]["found"]
    assert checks["uv"]["found"]
    assert checks["AWS region"]["found"] == "eu-west-1"
    assert checks["AWS credentials"]["found"] == "env, not tried"
    assert "not-to-be-shown" not in json.dumps(checks)


def test_credentials_that_are_refused_are_missing(tmp_path: Path) -> None:
    """Credentials count when AWS takes them; an address that nobody answers at is told in one line."""
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "eu-west-1"}
    code, checks = doctor(tmp_path, AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1", **keys)
    assert code == 1
    assert checks["AWS credentials"]["found"] is None
    assert "\n" not in checks["AWS credentials"]["hint"]


def test_a_profile_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A profile's name that no file has is named."""
    _, checks = doctor(tmp_path, "--profile", "nobody")
    assert "nobody" in checks["AWS credentials"]["hint"]
