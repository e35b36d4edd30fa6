"""Our lines as records, for what listens to the standard library's logging: Sentry, OpenTelemetry, handlers of others.

Loaded when something does.
"""

from __future__ import annotations

import logging
from _contextvars import ContextVar

from shared_utils._json import JSONConverter
from shared_utils.logging.full import error_of
from shared_utils.logging.settings import SETTINGS
from shared_utils.logging.substitutes import without_secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

__all__ = ["forward"]

# True while a record is handed on: a line that a handler logs is not handed on, it would have no end.
_forwarding: ContextVar[bool] = ContextVar("shared_utils_forwarding", default=False)


def forward(  # noqa: PLR0917 - as render
    handlers: list[logging.Handler],
    number: int,
    event: Any,
    values: dict[str, Any],
    where: FrameType | str | None,
    name: str | None,
) -> None:
    """Hand one line to `handlers` as a record, redacted, with its exception. What they raise does not concern us."""
    if _forwarding.get():
        return
    token = _forwarding.set(True)
    try:
        # A logger of its own, so that the handlers are only these; Sentry hears of every logger's records.
        relay = logging.Logger(name or "root")
        relay.handlers = [*handlers, logging.NullHandler()]
        relay.callHandlers(_record(number, event, values, where, name))
    except Exception:
        if logging.raiseExceptions:
            import traceback

            traceback.print_exc()
    finally:
        _forwarding.reset(token)


def _record(
    number: int, event: Any, values: dict[str, Any], where: FrameType | str | None, name: str | None
) -> logging.LogRecord:
    values = dict(values)
    error = error_of(values.pop("exc_info", None))
    for key in ("stack_info", "stacklevel"):
        values.pop(key, None)
    path, line, function = "(unknown)", 0, None
    if isinstance(where, str):
        function, _, text = where.rpartition(":")
        line = int(text) if text.isdecimal() else 0
    elif where is not None:
        path, line, function = where.f_code.co_filename, where.f_lineno, where.f_code.co_name
    converter = JSONConverter(SETTINGS.max_line_bytes)
    message = converter.message(event)
    exc_info = None
    if error is not None:
        error = without_secrets(error)
        exc_info = (type(error), error, error.__traceback__)
    record = logging.getLogRecordFactory()(name or "root", number, path, line, message, (), exc_info, function)
    taken = record.__dict__.keys() | {"message", "asctime"}
    for key, value in converter.items(values.items(), {}).items():
        record.__dict__[f"{key}_" if key in taken else key] = value
    return record
