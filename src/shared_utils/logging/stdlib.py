"""The rest of the process in the same lines: the standard library's loggers, and warnings.

The root logger is taken over only while it has no handlers but the runtime's, and another handler takes it back. Beside
the handlers of others ours stands only when `configure` or `instrument` has asked for it, and then their levels hold.
"""

from __future__ import annotations

import logging
import sys
import threading
import warnings

from shared_utils.invocation import lifecycle
from shared_utils.logging.context import bound_values, values_when_raised
from shared_utils.logging.fields import interpolate
from shared_utils.logging.output import QUIET, write_line, write_or_buffer
from shared_utils.logging.settings import SETTINGS
from shared_utils.logging.state import current, on_threshold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, SupportsIndex

__all__ = ["install", "uninstall"]

# Attributes that every record has: what else a record carries came as `extra`. Filled for the first record.
_record_attributes: set[str] = set()
# At DEBUG the SDK prints requests with signatures and bodies, secrets included, and asyncio its selector: they stay at
# INFO unless their own level is set.
_VERBOSE = ("asyncio", "boto3", "botocore", "s3transfer", "urllib3")


class RootHandler(logging.Handler):
    """Writes every record that reaches the root logger as one of our lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, with its `extra` values and its exception. Never raises."""
        if lifecycle.replays and lifecycle.is_replayed():
            return
        state = current()
        asked_for = record.levelno < state.written_from and _has_own_level(record.name)
        if (record.levelno < state.threshold and not asked_for) or _writes_itself(record.name):
            return
        line = record.__dict__.get("shared_utils_line")
        if line is not None:  # a structlog chain has made it: see shared_utils.logging.processors.render
            write_or_buffer(record.levelno, line, state)
            return
        values = {**bound_values(), **_extra(record)}
        if record.exc_info:
            values["exc_info"] = record.exc_info
        elif record.exc_text:  # of another process, by a queue
            values["exception"] = record.exc_text
        if record.stack_info:
            values["stack"] = record.stack_info
        location = f"{record.funcName}:{record.lineno}" if SETTINGS.location else None
        write_line(record.levelno, _message(record), values, location, record.name, at_once=asked_for, is_record=True)


def _has_own_level(name: str) -> bool:
    """Whether a level is set on the logger itself, or on one between it and the root logger."""
    logger: logging.Logger | None = logging.getLogger(name)
    while logger is not None and logger is not logging.root:
        if logger.level and logger.name not in _quietened:
            return True
        logger = logger.parent
    return False


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


class _RootHandlers(list[logging.Handler]):
    """The root logger's handlers while ours is among them.

    When it is there only because no other was, another one takes its place.
    """

    def __len__(self) -> int:
        # basicConfig does nothing where there are handlers, and ours must not keep an application from using it.
        asks = sys._getframe(1).f_code
        asked = asks is logging.basicConfig.__code__ and _handler in self
        gives_way = asked and not SETTINGS.takes_over and not _others()
        return 0 if gives_way else super().__len__()

    def append(self, handler: logging.Handler) -> None:
        """Add a handler; an application's takes the place of ours."""
        super().append(handler)
        QUIET.handlers = None
        if _is_an_applications(handler) and not SETTINGS.takes_over:
            self._give_way()

    def copy(self) -> _RootHandlers:
        """Return a list of this kind: the standard library changes a copy, and takes that (python/cpython gh-79366)."""
        return _RootHandlers(self)

    def _give_way(self, *, level: bool = True) -> None:
        logging.root.handlers = self  # as it is, or as it will be when a copy was changed
        uninstall(level=level)
        self[:] = logging.root.handlers

    def insert(self, index: SupportsIndex, handler: logging.Handler) -> None:
        """Add a handler at a place of its own."""
        super().insert(index, handler)
        QUIET.handlers = None

    def remove(self, handler: logging.Handler) -> None:
        """Take a handler out. What takes ours out sets the level itself, except for basicConfig, which need not."""
        super().remove(handler)
        if handler is _handler and not SETTINGS.takes_over:
            self._give_way(level=sys._getframe(2).f_code is logging.basicConfig.__code__)


_handler = RootHandler()
_runtimes: list[logging.Handler] = []  # the runtime's handlers, whose place ours has
_levels: tuple[int, int] | None = None  # the root logger's level before it followed ours, and as it was set last
_quietened: set[str] = set()  # whose level is INFO while ours is lower
_set: set[str] = set()  # whose levels `configure` has set
_python_shows = warnings.showwarning


def _is_an_applications(handler: logging.Handler) -> bool:
    """Whether a handler is neither ours, nor the runtime's, nor there for a test's report."""
    module = type(handler).__module__
    return handler is not _handler and module != "awslambdaric.bootstrap" and not module.startswith("_pytest.")


def _others() -> bool:
    return any(map(_is_an_applications, logging.root.handlers))


def install() -> None:
    """Take over the root logger and warnings where that is wanted, and let go of them where it is not."""
    if not SETTINGS.stdlib:
        uninstall()
        return
    root = logging.root
    others = _others()
    if others and not SETTINGS.takes_over:
        return
    for handler in root.handlers[:]:
        if type(handler).__module__ == "awslambdaric.bootstrap":
            root.removeHandler(handler)
            _runtimes.append(handler)
    if _handler not in root.handlers:
        root.addHandler(_handler)
    if type(root.handlers) is list:
        root.handlers = _RootHandlers(root.handlers)
        if root.handlers == [_handler] and logging.Logger.callHandlers.__module__ == "logging":
            QUIET.handlers, QUIET.call = root.handlers, logging.Logger.callHandlers
    _set_levels()
    _follow_level()
    if warnings.showwarning is not _show_warning:
        warnings.showwarning = _show_warning
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _thread_failed


def _set_levels() -> None:
    """Set the levels of single loggers, and take back those that are set no longer."""
    for name in _set - SETTINGS.levels.keys():
        logging.getLogger(name).setLevel(logging.NOTSET)
    for name, level in SETTINGS.levels.items():
        logging.getLogger(name).setLevel(level)
        _quietened.discard(name)
    _set.clear()
    _set.update(SETTINGS.levels)


def uninstall(*, level: bool = True) -> None:
    """Leave the root logger, with its `level`, and warnings as they were found."""
    global _levels  # noqa: PLW0603
    root = logging.root
    if _handler in root.handlers:
        root.handlers = [handler for handler in root.handlers if handler is not _handler]
        if not root.handlers:
            root.handlers += _runtimes
    _runtimes.clear()
    if _levels is not None:
        if level and root.level == _levels[1]:
            root.setLevel(_levels[0])
        _levels = None
    for name in _quietened | _set:
        logging.getLogger(name).setLevel(logging.NOTSET)
    _quietened.clear()
    _set.clear()
    if warnings.showwarning is _show_warning:
        warnings.showwarning = _python_shows
    if threading.excepthook is _thread_failed:
        threading.excepthook = threading.__excepthook__


def _follow_level() -> None:
    """Let the standard library's loggers make records from our present level on, the SDK's from INFO at most.

    An application that has handlers of its own at the root logger has set its level too, and that holds.
    """
    global _levels  # noqa: PLW0603 - the one place that remembers them
    root = logging.root
    level = SETTINGS.general_threshold
    if _handler not in root.handlers or _others() or root.level == level:
        return
    _levels = (root.level if _levels is None else _levels[0], level)
    root.setLevel(level)
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
    if SETTINGS.threshold <= logging.WARNING and not (lifecycle.replays and lifecycle.is_replayed()):
        values = {**bound_values(), "category": category.__name__, "file": filename, "line": lineno}
        write_line(logging.WARNING, str(message), values, None, "py.warnings")


def _thread_failed(args: threading.ExceptHookArgs) -> None:
    """Write the exception that ended a thread as a line."""
    if args.exc_type is SystemExit or SETTINGS.threshold > logging.ERROR:
        return
    name = args.thread.name if args.thread is not None else None
    bound = bound_values() if args.exc_value is None else values_when_raised(args.exc_value)
    values = {**bound, "thread": name, "exc_info": args.exc_value}
    write_line(logging.ERROR, "uncaught exception in a thread", values, None, "threading")


SETTINGS.on_use.append(install)
on_threshold.append(_follow_level)
