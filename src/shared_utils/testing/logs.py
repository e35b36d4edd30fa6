"""The fixture that gives a test the lines which it logged, parsed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CapturedLogs", "captured_logs"]


class CapturedLogs(list[dict[str, Any]]):
    """The lines logged so far, oldest first, each as the dict that its JSON says."""

    @property
    def messages(self) -> list[Any]:
        """The message of every line."""
        return [line.get("message") for line in self]

    def find(self, **values: Any) -> CapturedLogs:
        """Return the lines in which each of `values` stands: ``captured_logs.find(level="ERROR", user_id="u-1")``."""
        missing = object()
        return CapturedLogs(
            line for line in self if all(line.get(key, missing) == value for key, value in values.items())
        )

    def one(self, **values: Any) -> dict[str, Any]:
        """Return the only line in which each of `values` stands; fail the test when there is none, or another."""
        found = self.find(**values)
        if len(found) != 1:
            shown = "\n".join(json.dumps(line) for line in self) or "(nothing was logged)"
            pytest.fail(f"{len(found)} lines with {values}, not one. Logged:\n{shown}")
        return found[0]


@pytest.fixture
def captured_logs() -> Iterator[CapturedLogs]:
    """Every line that the test logs, parsed, with logging as it is in a fresh environment.

    The test may call `shared_utils.logging.configure`; afterwards everything is as if nothing had been logged.
    The lines also go to standard output, where pytest shows them when the test fails.
    """
    from shared_utils import logging
    from shared_utils.invocation import lifecycle
    from shared_utils.logging import output, state, takeover

    lines = CapturedLogs()

    def observe(line: str) -> None:
        lines.append(json.loads(line))

    state.reset()
    lifecycle.reset()
    logging.clear()
    logging.configure(format="json")
    output.observers.append(observe)
    try:
        yield lines
    finally:
        output.observers.remove(observe)
        takeover.uninstall()
        logging.clear()
        lifecycle.reset()
        state.reset()
