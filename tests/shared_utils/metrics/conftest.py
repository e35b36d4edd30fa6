"""A fresh, cold environment for each test of metrics, and what it wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared_utils import metrics
from shared_utils.invocation import lifecycle
from tests.support import emf


@pytest.fixture(autouse=True)
def _cold_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in production: not strict, a namespace in the environment, no service."""
    metrics._registry.reset()
    lifecycle.reset()
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Tests")
    monkeypatch.delenv("POWERTOOLS_SERVICE_NAME", raising=False)
    yield
    metrics._registry.reset()
    lifecycle.reset()


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strict as the pytest plugin sets it for users, with a service in the environment."""
    metrics.configure(strict=True)
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "todos")


@pytest.fixture
def documents(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """Call it for the documents written since the last call; other lines are left out."""

    def read() -> list[dict[str, Any]]:
        return [emf.parse(line) for line in capsys.readouterr().out.splitlines(keepends=True) if '"_aws"' in line]

    return read


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """Call it to flush and get all that was written since the last call, which must be documents."""

    def read() -> list[dict[str, Any]]:
        metrics.flush()
        return emf.parse_all(capsys.readouterr().out)

    return read
