"""What one test registers as secret, the next one does not know; and what several rooms' tests look at."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from shared_utils.redaction.values import forget

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def secrets_are_forgotten() -> Iterator[None]:
    """Take back what a test loaded or registered: a short secret would be masked in the lines of the next one."""
    yield
    forget()


@pytest.fixture
def written(captured_logs: object, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What is written to standard output, as text."""
    stream = io.StringIO()
    monkeypatch.setattr("shared_utils.logging.output.observers", [lambda line: stream.write(line + "\n")])
    return stream
