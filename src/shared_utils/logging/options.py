"""What `logging.configure` takes, and refuses. Loaded when it is called."""

from __future__ import annotations

import re

from shared_utils.errors import LoggingError
from shared_utils.logging.fields import parse_level

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["check"]

# Less would not hold the line's own keys.
SMALLEST_LINE_BYTES = 1024


def check(options: dict[str, Any]) -> None:
    """Raise LoggingError for the first option that cannot be used."""

    def refuse(name: str, expected: str) -> LoggingError:
        return LoggingError(f"logging.configure({name}={options[name]!r}): expected {expected}")

    if "level" in options and parse_level(options["level"]) is None:
        raise refuse("level", "DEBUG, INFO, WARNING, ERROR, CRITICAL or a number")
    if "format" in options and options["format"] not in ("json", "console"):
        raise refuse("format", "'json' or 'console'")
    if "service" in options and not isinstance(options["service"], str):
        raise refuse("service", "a string")
    for name in ("location", "exception_locals"):
        if name in options and not isinstance(options[name], bool):
            raise refuse(name, "True or False")
    buffer = options.get("buffer", False)
    if not isinstance(buffer, int) or buffer < 0:
        raise refuse("buffer", "True, False or a size in bytes")
    rate = options.get("sample_rate", 0)
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
        raise refuse("sample_rate", "a number from 0 to 1")
    size = options.get("max_line_bytes", SMALLEST_LINE_BYTES)
    if isinstance(size, bool) or not isinstance(size, int) or size < SMALLEST_LINE_BYTES:
        raise refuse("max_line_bytes", f"a size in bytes, {SMALLEST_LINE_BYTES} or more")
    keys = options.get("redact", ())
    if not isinstance(keys, tuple) or not all(isinstance(key, str) for key in keys):
        raise refuse("redact", "a list of key names")
    patterns = options.get("redact_patterns", False)
    if not isinstance(patterns, bool):
        try:
            for pattern in patterns if isinstance(patterns, tuple) else (None,):
                re.compile(pattern)
        except (re.error, TypeError):
            raise refuse("redact_patterns", "True, False or a list of regular expressions") from None
