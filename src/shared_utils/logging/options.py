"""`logging.configure`: what it takes, and refuses. Loaded when it is called."""

from __future__ import annotations

import re

from shared_utils.logging.fields import CONTROL_KEYS, RESERVED_KEYS, parse_level
from shared_utils.logging.settings import SETTINGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, Literal

    from shared_utils.errors import LoggingError

__all__ = ["configure"]

# Less would not hold the line's own keys.
SMALLEST_LINE_BYTES = 1024


class _Unset:
    """The option was not given."""


_UNSET: Any = _Unset()


def configure(
    *,
    service: str | None = _UNSET,
    level: str | int | None = _UNSET,
    levels: Mapping[str, str | int] | None = _UNSET,
    format: Literal["json", "console"] | None = _UNSET,  # noqa: A002
    processors: Iterable[Callable[[Any, str, Any], Any]] | None = _UNSET,
    keys: Mapping[str, str | None] | None = _UNSET,
    values: Mapping[str, object] | None = _UNSET,
    serializer: Callable[[dict[str, Any]], str | bytes] | None = _UNSET,
    stdlib: bool | None = _UNSET,
    buffer: bool | int | None = _UNSET,
    sample_rate: float | None = _UNSET,
    redact: Iterable[str] | None = _UNSET,
    redact_patterns: bool | Iterable[str] | None = _UNSET,
    location: bool | None = _UNSET,
    exception_locals: bool | None = _UNSET,
    max_line_bytes: int | None = _UNSET,
) -> None:
    """Set up logging for the process. Options not given stay as they are; None goes back to environment or default.

    Args:
        service: name of the service; else ``SHARED_UTILS_SERVICE``, ``POWERTOOLS_SERVICE_NAME``.
        level: lowest level to write; else ``SHARED_UTILS_LOG_LEVEL``, ``POWERTOOLS_LOG_LEVEL``, ``LOG_LEVEL``, INFO.
            Never below ``AWS_LAMBDA_LOG_LEVEL``, which alone also lowers it. Applies to loggers that exist already too.
        levels: levels of single loggers, ours and the standard library's, and of those below them:
            ``{"app.db": "DEBUG", "botocore": "WARNING"}``.
        format: "json", or "console" for people; by default console on a terminal outside Lambda.
        processors: callables of structlog's protocol, ``(logger, method_name, event_dict) -> event_dict``, for every
            line of the process. They see ``event`` and the line's own keys; redaction and the size limit come after
            them. One that raises is left out, and the line says so once.
        keys: other names for the line's own keys, or None for not at all: ``{"message": "msg", "function_arn": None}``.
        values: fields that every line has from now on: ``{"stage": "dev"}``.
        serializer: makes the line of its dict: ``orjson.dumps``. A line that it fails for is written as JSON.
        stdlib: whether the standard library's root logger and warnings write the same lines; by default they do.
        buffer: keep lines below the level for each invocation, and write them when it logs an error, raises or is
            about to time out. True for 20 KB, or a size in bytes; the oldest give way.
        sample_rate: share of invocations (0 to 1) that write everything from DEBUG on.
        redact: more keys whose values are masked, in any case and nesting; "!token" takes one off the default list.
        redact_patterns: mask AWS keys, JSON web tokens and bearer tokens wherever they stand (True), or what your own
            regular expressions find.
        location: whether lines say which function and line wrote them.
        exception_locals: whether exceptions show local variables (redacted).
        max_line_bytes: longest line in bytes, newline included; longer values are cut, the JSON stays valid.

    Raises:
        LoggingError: an option that cannot be used; the earlier set-up stays.
    """
    given = {name: value for name, value in locals().items() if value is not _UNSET}
    for name in ("processors", "redact", "redact_patterns"):
        if hasattr(given.get(name), "__iter__") and not isinstance(given[name], str):
            given[name] = tuple(given[name])  # it may be an iterator
    for name in ("keys", "levels", "values"):
        if hasattr(given.get(name), "keys"):
            given[name] = dict(given[name])
    options = {name: value for name, value in {**SETTINGS.options, **given}.items() if value is not None}
    _check(options)
    SETTINGS.configure(options)


def _check(options: dict[str, Any]) -> None:
    """Raise LoggingError for the first option that cannot be used."""

    def refuse(name: str, expected: str) -> LoggingError:
        from shared_utils.errors import LoggingError  # loaded when there is one

        return LoggingError(f"logging.configure({name}={options[name]!r}): expected {expected}")

    if "processors" in options and not _are(options["processors"], callable):
        raise refuse("processors", "a list of callables (logger, method_name, event_dict) -> event_dict")
    if "serializer" in options and not callable(options["serializer"]):
        raise refuse("serializer", "a callable dict -> str or bytes")
    if "values" in options:
        _check_values(options["values"], refuse)
    if "keys" in options:
        _check_keys(options["keys"], refuse)
    if "levels" in options:
        _check_levels(options["levels"], refuse)
    if "level" in options and parse_level(options["level"]) is None:
        raise refuse("level", "DEBUG, INFO, WARNING, ERROR, CRITICAL or a number")
    if "format" in options and options["format"] not in ("json", "console"):
        raise refuse("format", "'json' or 'console'")
    if "service" in options and not isinstance(options["service"], str):
        raise refuse("service", "a string")
    for name in ("location", "exception_locals", "stdlib"):
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


def _check_levels(levels: Any, refuse: Callable[[str, str], LoggingError]) -> None:
    if not isinstance(levels, dict) or not all(isinstance(name, str) and name for name in levels):
        raise refuse("levels", "a mapping of logger names to levels")
    for name, level in levels.items():
        if parse_level(level) is None:
            raise refuse("levels", f"DEBUG, INFO, WARNING, ERROR, CRITICAL or a number for {name!r}, not {level!r}")


def _are(values: Any, test: Callable[[Any], bool]) -> bool:
    return isinstance(values, tuple) and all(map(test, values))


def _check_values(values: Any, refuse: Callable[[str, str], LoggingError]) -> None:
    if not isinstance(values, dict) or not all(isinstance(key, str) and key for key in values):
        raise refuse("values", "a mapping of names to values")
    taken = sorted(values.keys() & (RESERVED_KEYS | CONTROL_KEYS))
    if taken:
        raise refuse("values", f"names that the line does not have itself; {taken[0]!r} is one of its own")


def _check_keys(keys: Any, refuse: Callable[[str, str], LoggingError]) -> None:
    if not isinstance(keys, dict):
        raise refuse("keys", "a mapping of the line's keys to other names, or None for not at all")
    for key, name in keys.items():
        if key not in RESERVED_KEYS:
            from difflib import get_close_matches

            near = get_close_matches(str(key), RESERVED_KEYS, 1)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            raise refuse("keys", f"keys of the line ({', '.join(sorted(RESERVED_KEYS))}), and {key!r} is none{meant}")
        if name is not None and (not isinstance(name, str) or not name or name in CONTROL_KEYS):
            raise refuse("keys", f"a name, or None for not at all, for {key!r}")
    shown = [name for key in RESERVED_KEYS if (name := keys.get(key, key)) is not None]
    twice = sorted({name for name in shown if shown.count(name) > 1})
    if twice:
        raise refuse("keys", f"a name of its own for each key; {twice[0]!r} would stand twice")
