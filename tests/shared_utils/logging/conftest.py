"""What several tests of logging look at."""

from __future__ import annotations

import io

import pytest


@pytest.fixture
def written(captured_logs, monkeypatch):
    """What is written to standard output, as text."""
    stream = io.StringIO()
    monkeypatch.setattr("shared_utils.logging.output.observers", [lambda line: stream.write(line + "\n")])
    return stream
