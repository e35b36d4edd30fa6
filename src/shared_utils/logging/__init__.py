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

from shared_utils import _lazy_names
from shared_utils.logging import takeover as _takeover  # noqa: F401 - joins in when logging is first used
from shared_utils.logging.logger import PROCESSORS, BoundLogger
from shared_utils.logging.output import LineLogger, clear_buffer, flush_buffer
from shared_utils.logging.settings import SETTINGS
from shared_utils.logging.state import current as _current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from shared_utils.invocation.correlation import correlation_paths
    from shared_utils.logging import processors
    from shared_utils.logging.blocks import bound
    from shared_utils.logging.context import bind, bound_values, clear, unbind
    from shared_utils.logging.options import configure
else:
    __getattr__, _ = _lazy_names(
        globals(),
        {
            "bind": "shared_utils.logging.context:bind",
            "bound": "shared_utils.logging.blocks:bound",
            "bound_values": "shared_utils.logging.context:bound_values",
            "clear": "shared_utils.logging.context:clear",
            "configure": "shared_utils.logging.options:configure",
            "correlation_paths": "shared_utils.invocation.correlation:correlation_paths",
            "processors": "shared_utils.logging.processors",
            "unbind": "shared_utils.logging.context:unbind",
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
