"""What tests that run alone share all the same: fixtures in place of pytest-xdist's, and what is slow to start."""

from __future__ import annotations

import contextlib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["start_what_lasts", "worker_id"]

# Libraries that take a second or more, none of them ours: by the fixture that loads them, or where the tests are.
LIBRARIES = {
    "moto": ("moto.server", "moto.ssm.urls", "moto.secretsmanager.urls", "moto.dynamodb.urls"),
    "tests/layerctl": ("jsonschema",),
    "tests/layerctl/pins/test_corpus.py": ("cfnlint",),
}


@pytest.fixture(scope="session")
def worker_id() -> str:
    """As one of several workers, a test takes the layer that another file's test has built."""
    return "alone"


@contextlib.contextmanager
def start_what_lasts(items: list[pytest.Item]) -> Iterator[None]:
    """Start what each child would start for these tests: libraries, and a local AWS, which its tests reset."""
    fixtures = {name for item in items for name in getattr(item, "fixturenames", ())}
    files = {Path(item.nodeid.partition("::")[0]) for item in items}
    places = {str(place) for file in files for place in (file, *file.parents)}
    for name in (fixtures | places) & LIBRARIES.keys():
        for module in LIBRARIES[name]:
            importlib.import_module(module)
    with contextlib.ExitStack() as stack:
        if "shared_aws" in fixtures:
            from tests.support.local_aws import server

            server.running.append(stack.enter_context(server.start()))
        yield
