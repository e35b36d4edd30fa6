"""Records of the standard library's logging, warnings, and what ends a thread, as our lines.

Loaded for the first of them.
"""

from __future__ import annotations

import logging
import warnings

from shared_utils.invocation import lifecycle
from shared_utils.logging.context import bound_values, values_when_raised
from shared_utils.logging.fields import interpolate
from shared_utils.logging.output import write_line, write_or_buffer
from shared_utils.logging.settings import SETTINGS
from shared_utils.logging.state import current

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Set as AbstractSet
    from typing import Any

__all__ = ["write_record", "write_thread_failure", "write_warning"]

# What else a record carries came as `extra`. The last ones are set by formatters, from Python 3.12 on, and by Lambda's
# runtime.
_ATTRIBUTES = logging.LogRecord("", 0, "", 0, "", (), None).__dict__.keys() | {
    *("message", "asctime", "taskName", "aws_request_id", "tenant_id", "_frame_type")
}


def write_record(record: logging.LogRecord, quietened: AbstractSet[str]) -> None:
    """Write a record, with its `extra` values and its exception. Never raises.

    Args:
        record: what reached the root logger.
        quietened: names of the loggers whose level is none of the application's.
    """
    if lifecycle.replays and lifecycle.is_replayed():
        return
    state = current()
    asked_for = record.levelno < state.written_from and _has_own_level(record.name, quietened)
    if (record.levelno < state.threshold and not asked_for) or _writes_itself(record.name):
        return
    line = record.__dict__.get("shared_utils_line")
    if line is not None:  # a structlog chain has made it: see shared_utils.logging.processors.render
        write_or_buffer(record.levelno, line, state)
        return
    extra = {key: value for key, value in record.__dict__.items() if key not in _ATTRIBUTES}
    values = {**bound_values(), **extra}
    if record.exc_info:
        values["exc_info"] = record.exc_info
    elif record.exc_text:  # of another process, by a queue
        values["exception"] = record.exc_text
    if record.stack_info:
        values["stack"] = record.stack_info
    location = f"{record.funcName}:{record.lineno}" if SETTINGS.location else None
    write_line(record.levelno, _message(record), values, location, record.name, at_once=asked_for, is_record=True)


def _has_own_level(name: str, quietened: AbstractSet[str]) -> bool:
    """Whether a level is set on the logger itself, or on one between it and the root logger."""
    logger: logging.Logger | None = logging.getLogger(name)
    while logger is not None and logger is not logging.root:
        if logger.level and logger.name not in quietened:
            return True
        logger = logger.parent
    return False


def _message(record: logging.LogRecord) -> Any:
    if not record.args:
        return record.msg
    from shared_utils._json import text_of

    args = record.args if isinstance(record.args, tuple) else (record.args,)  # logging unwraps a single mapping
    return interpolate(record.msg if isinstance(record.msg, str) else text_of(record.msg), args)


def _writes_itself(name: str) -> bool:
    """Whether the record comes from a Powertools Logger, which has written it by its own handler already."""
    while name:
        if getattr(logging.root.manager.loggerDict.get(name), "init", False) is True:
            return True
        name = name.rpartition(".")[0]
    return False


def write_warning(  # noqa: PLR0917 - the signature of warnings.showwarning
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,
    line: str | None = None,
) -> None:
    """Write a warning as a line; one that is meant for a certain file goes there."""
    if file is not None:
        file.write(warnings.formatwarning(message, category, filename, lineno, line))
        return
    if SETTINGS.threshold <= logging.WARNING and not (lifecycle.replays and lifecycle.is_replayed()):
        values = {**bound_values(), "category": category.__name__, "file": filename, "line": lineno}
        write_line(logging.WARNING, str(message), values, None, "py.warnings")


def write_thread_failure(args: threading.ExceptHookArgs) -> None:
    """Write the exception that ended a thread as a line."""
    if args.exc_type is SystemExit or SETTINGS.threshold > logging.ERROR:
        return
    name = args.thread.name if args.thread is not None else None
    bound = bound_values() if args.exc_value is None else values_when_raised(args.exc_value)
    values = {**bound, "thread": name, "exc_info": args.exc_value}
    write_line(logging.ERROR, "uncaught exception in a thread", values, None, "threading")
