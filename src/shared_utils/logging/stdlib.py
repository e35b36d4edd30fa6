"""The rest of the process in the same lines: the standard library's loggers, and warnings."""

from __future__ import annotations

import logging
import warnings

from shared_utils.logging.context import bound_values
from shared_utils.logging.fields import interpolate
from shared_utils.logging.output import write_line
from shared_utils.logging.settings import SETTINGS
from shared_utils.logging.state import on_threshold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["install"]

# Attributes that every record has: what else a record carries came as `extra`. Filled for the first record.
_record_attributes: set[str] = set()
# At DEBUG the SDK prints requests with signatures and bodies, secrets included, and asyncio its selector: they stay at
# INFO unless their own level is set.
_VERBOSE = ("asyncio", "boto3", "botocore", "s3transfer", "urllib3")


class RootHandler(logging.Handler):
    """Writes every record that reaches the root logger as one of our lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, with its `extra` values and its exception. Never raises."""
        if record.levelno < SETTINGS.threshold or _writes_itself(record.name):
            return
        values = {**bound_values(), **_extra(record)}
        if record.exc_info:
            values["exc_info"] = record.exc_info
        if record.stack_info:
            values["stack"] = record.stack_info
        location = f"{record.funcName}:{record.lineno}" if SETTINGS.location else None
        write_line(record.levelno, _message(record), values, location, record.name)


def _message(record: logging.LogRecord) -> Any:
    if not record.args:
        return record.msg
    from shared_utils._json import text_of

    return interpolate(record.msg if isinstance(record.msg, str) else text_of(record.msg), _arguments(record.args))


def _arguments(args: Any) -> tuple[Any, ...]:
    """Return the arguments as the call had them: logging unwraps a single mapping."""
    return args if isinstance(args, tuple) else (args,)


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    if not _record_attributes:
        _record_attributes.update(logging.LogRecord("", 0, "", 0, "", (), None).__dict__)
        # By formatters, from Python 3.12 on, and by Lambda's runtime.
        _record_attributes.update({"message", "asctime", "taskName", "aws_request_id", "tenant_id", "_frame_type"})
    return {key: value for key, value in record.__dict__.items() if key not in _record_attributes}


def _writes_itself(name: str) -> bool:
    """Whether the record comes from a Powertools Logger, which has written it by its own handler already."""
    while name:
        if getattr(logging.root.manager.loggerDict.get(name), "init", False) is True:
            return True
        name = name.rpartition(".")[0]
    return False


_handler = RootHandler()
_quietened: set[str] = set()
_python_shows = warnings.showwarning


def install() -> None:
    """Take the place of the runtime's own handler at the root logger, and set the root logger's level to ours."""
    root = logging.root
    for handler in root.handlers[:]:
        if type(handler).__module__ == "awslambdaric.bootstrap":
            root.removeHandler(handler)
    if _handler not in root.handlers:
        root.addHandler(_handler)
    follow_level()
    if warnings.showwarning is not _show_warning:
        warnings.showwarning = _show_warning


def uninstall() -> None:
    """Leave the root logger and warnings as they were, the runtime's handler excepted. For tests."""
    logging.root.removeHandler(_handler)
    logging.root.setLevel(logging.WARNING)
    if warnings.showwarning is _show_warning:
        warnings.showwarning = _python_shows


def follow_level() -> None:
    """Let the standard library's loggers make records from our present level on, the SDK's from INFO at most."""
    level = SETTINGS.threshold
    if logging.root.level == level:
        return
    logging.root.setLevel(level)
    for name in _VERBOSE:
        logger = logging.getLogger(name)
        if level < logging.INFO and logger.level == logging.NOTSET:
            logger.setLevel(logging.INFO)
            _quietened.add(name)
        elif level >= logging.INFO and name in _quietened:
            logger.setLevel(logging.NOTSET)
            _quietened.discard(name)


def _show_warning(  # noqa: PLR0917 - the signature of warnings.showwarning
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
    if SETTINGS.threshold <= logging.WARNING:
        values = {**bound_values(), "category": category.__name__, "file": filename, "line": lineno}
        write_line(logging.WARNING, str(message), values, None, "py.warnings")


SETTINGS.on_resolved.append(install)
on_threshold.append(follow_level)
