"""What an invocation came to."""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

__all__ = ["Answer"]

_TIMED_OUT = re.compile(rb"Task timed out after [\d.]+ seconds")
_ERROR_KEYS = {"errorMessage", "errorType", "requestId", "stackTrace"}


@dataclass(frozen=True)
class Answer:
    """What an invocation came to.

    Attributes:
        status: the HTTP status of the emulator: 200, or 502 when the function's process died.
        payload: the answer as it came.
        lines: what the function wrote to stdout and stderr during the invocation (and, when it was a cold one,
            during init), without line ends and without the platform's own lines.
        init_ms: how long the emulator says init took, in milliseconds; None for a warm invocation.
        duration_ms: the REPORT line's duration, in milliseconds; None when there was none.
        request_id: the invocation's id, as the function's context had it.
        log: the same lines with the platform's own, START, END and REPORT, as they came.
        crash: which extension of a layer ended, and how, or None.
    """

    status: int
    payload: bytes
    lines: tuple[str, ...]
    init_ms: float | None
    duration_ms: float | None
    request_id: str
    log: tuple[str, ...] = ()
    crash: str | None = None

    @property
    def failure(self) -> str | None:
        """What went wrong in the function, in one line, or None."""
        if self.error is None:
            return None
        kind, message = self.error.get("errorType"), self.error.get("errorMessage")
        return message if self.timed_out else " ".join(f"{kind}: {message}".split())

    @property
    def timed_out(self) -> bool:
        """Whether the function's time was up. The emulator says so with status 200 and plain text, not JSON."""
        return _TIMED_OUT.fullmatch(self.payload.strip()) is not None

    @cached_property
    def error(self) -> dict[str, Any] | None:
        """The function error (``errorType``, ``errorMessage``, …), or None when the function returned.

        The emulator has no error header, so the runtime client's error document is told from an equal-looking
        return value by its keys and by the request id in it.
        """
        if self.timed_out:
            return {"errorType": "Sandbox.Timedout", "errorMessage": self.payload.decode()}
        try:
            document = json.loads(self.payload) if self.payload else {}
        except (ValueError, RecursionError):
            document = {}
        if self.status != 200:
            found = document if isinstance(document, dict) else {}
            if self.crash:
                return {"errorType": "Extension.Crash", "errorMessage": self.crash, **found}
            return {"errorType": "Runtime.ExitError", "errorMessage": "the function's process ended", **found}
        if isinstance(document, dict) and set(document) == _ERROR_KEYS and document["requestId"] == self.request_id:
            return document
        return None

    def json(self) -> Any:
        """The answer as JSON.

        Raises:
            ValueError: it is none (a time-out, a dead process).
        """
        return json.loads(self.payload)

    def log_records(self) -> list[dict[str, Any]]:
        """The lines that are JSON objects, parsed: log lines and metric documents alike."""
        records = []
        for line in self.lines:
            with contextlib.suppress(ValueError, RecursionError):
                record = json.loads(line)
                if isinstance(record, dict):
                    records.append(record)
        return records
