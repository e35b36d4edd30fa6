"""Structured logging: one line of JSON for each call, with what is known of the invocation in it.

    from shared_utils import get_logger, logging

    log = get_logger()
    log.info("todos listed", count=3)

    logging.bind(user_id="u-1")          # in every line until the invocation ends
    logging.info("also on the module")

The keys are those of Powertools' Logger. The environment can set what `configure` does not: ``SHARED_UTILS_LOG_LEVEL``
(or ``POWERTOOLS_LOG_LEVEL``, ``LOG_LEVEL``), ``SHARED_UTILS_LOG_FORMAT``, ``SHARED_UTILS_LOG_SAMPLE_RATE`` (or
``POWERTOOLS_LOGGER_SAMPLE_RATE``) and ``SHARED_UTILS_SERVICE`` (or ``POWERTOOLS_SERVICE_NAME``).
"""

from __future__ import annotations

from shared_utils._lazy import lazy_names
from shared_utils.logging import stdlib as _stdlib  # noqa: F401 - joins in when logging is first used
from shared_utils.logging import structlog_hook as _structlog_hook  # noqa: F401 - likewise
from shared_utils.logging.context import bind, bound, bound_values, clear, unbind
from shared_utils.logging.logger import PROCESSORS, BoundLogger
from shared_utils.logging.output import LineLogger, clear_buffer, flush_buffer
from shared_utils.logging.settings import SETTINGS
from shared_utils.logging.state import current as _current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, Literal

    from shared_utils.invocation.correlation import correlation_paths
    from shared_utils.logging import processors
else:
    __getattr__, _ = lazy_names(
        globals(),
        {
            "correlation_paths": "shared_utils.invocation.correlation:correlation_paths",
            "processors": "shared_utils.logging.processors",
        },
    )

__all__ = [
    "BoundLogger",
    "bind",
    "bound",
    "bound_values",
    "clear",
    "clear_buffer",
    "configure",
    "correlation_paths",
    "critical",
    "debug",
    "error",
    "exception",
    "flush_buffer",
    "get_correlation_id",
    "get_logger",
    "info",
    "log",
    "processors",
    "set_correlation_id",
    "unbind",
    "warning",
]


class _Unset:
    """The option was not given."""


_UNSET: Any = _Unset()
_ROOT = BoundLogger(LineLogger(), PROCESSORS, {})

debug = _ROOT.debug
info = _ROOT.info
warning = _ROOT.warning
error = _ROOT.error
critical = _ROOT.critical
exception = _ROOT.exception
log = _ROOT.log


def get_logger(name: str | None = None, /, **values: Any) -> BoundLogger:
    """Return a logger that has `values` in each of its lines, and its `name` under ``logger`` when it has one.

    Raises:
        LoggingError: `name` is not a string.
    """
    if type(name) not in (str, type(None)):
        _refuse_name(name)
    SETTINGS.use()
    return BoundLogger(LineLogger(name), PROCESSORS, values)


def _refuse_name(name: object) -> None:
    if not isinstance(name, str):
        from shared_utils.errors import LoggingError

        raise LoggingError(f"get_logger({name!r}): expected a name, a string; values are given as keywords")


def get_correlation_id() -> str | None:
    """Return the correlation id of the invocation, to be passed on in a request; None when there is none.

    It is what came in, at most 4,096 characters of it; lines show the first 256, redacted.
    """
    return _current().correlation_id


def set_correlation_id(correlation_id: object) -> None:
    """Set the correlation id of the invocation, or outside of one that of the lines there; None takes it out."""
    _current().correlate(None if correlation_id is None else str(correlation_id))


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
    SETTINGS.configure(given)
