"""Lines for a person at a terminal: structlog's console renderer."""

from __future__ import annotations

from structlog.dev import ConsoleRenderer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["render_console"]

_renderer: ConsoleRenderer | None = None


def render_console(record: dict[str, Any]) -> str:
    """Return the record as structlog shows it: time, level, message, then key=value; a traceback below."""
    global _renderer  # noqa: PLW0603 - made once, on first use
    if _renderer is None:
        _renderer = ConsoleRenderer(event_key="message", timestamp_key="timestamp", sort_keys=False)
    level = str(record.get("level", "info")).lower()
    record["level"] = level
    trace = record.pop("exception", None)
    if trace is not None:
        for key in ("exception_name", "exception_notes", "stack_trace"):
            record.pop(key, None)
    line = str(_renderer(None, level, record))
    return line if not isinstance(trace, str) else f"{line}\n{trace}"
