"""What tests that run alone share all the same: fixtures in place of pytest-xdist's, and what is slow to start."""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["start_what_lasts", "worker_id"]

# By the fixture that loads them: libraries that take seconds, none of them ours.
LIBRARIES = {"moto": ("moto.server", "moto.ssm.urls", "moto.secretsmanager.urls", "moto.dynamodb.urls")}


@pytest.fixture(scope="session")
def worker_id() -> str:
    """As one of several workers, a test takes the layer that another file's test has built."""
    return "alone"


@contextlib.contextmanager
def start_what_lasts(fixtures: set[str]) -> Iterator[None]:
    """Start what these fixtures would start for each child: libraries, and a local AWS, which its tests reset."""
    for module in (module for name in fixtures & LIBRARIES.keys() for module in LIBRARIES[name]):
        importlib.import_module(module)
    with contextlib.ExitStack() as stack:
        if "shared_aws" in fixtures:
            from tests.support.local_aws import server

            server.running.append(stack.enter_context(server.start()))
        yield
