"""The rest of the process in the same lines: the standard library's loggers, warnings, and structlog.

The root logger is taken over only while it has no handlers but the runtime's, and another handler takes it back. Beside
the handlers of others ours stands only when `configure` or `instrument` has asked for it, and then their levels hold.

structlog is set up the moment it is imported; it is not imported here. Its import is most of what a first line used to
cost: seventeen modules of its own, dataclasses, inspect and asyncio. Our logger speaks its bound-logger protocol
without it, so a function whose libraries do not use structlog never loads it. Where one does, a finder on
`sys.meta_path` sees the import, lets it happen as ever, and calls back.
"""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from types import SimpleNamespace

from shared_utils.logging.output import set_quiet
from shared_utils.logging.settings import SETTINGS
from shared_utils.logging.state import on_threshold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any, SupportsIndex

__all__ = ["install", "join_structlog", "uninstall"]

# At DEBUG the SDK prints requests with signatures and bodies, secrets included, and asyncio its selector: they stay at
# INFO unless their own level is set.
_VERBOSE = ("asyncio", "boto3", "botocore", "s3transfer", "urllib3")


class RootHandler(logging.Handler):
    """Writes every record that reaches the root logger as one of our lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record. Never raises."""
        from shared_utils.logging.records import write_record

        write_record(record, _quietened)


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
        set_quiet(None)
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
        set_quiet(None)

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
            set_quiet(root.handlers)
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
    if level < logging.INFO:
        for name in _VERBOSE:
            logger = logging.getLogger(name)
            if logger.level == logging.NOTSET:
                logger.setLevel(logging.INFO)
                _quietened.add(name)
    else:
        for name in _quietened:
            logging.getLogger(name).setLevel(logging.NOTSET)
        _quietened.clear()


def _show_warning(*args: Any, **options: Any) -> None:
    """Write a warning as a line; takes what `warnings.showwarning` takes."""
    from shared_utils.logging.records import write_warning

    write_warning(*args, **options)


def _thread_failed(args: threading.ExceptHookArgs) -> None:
    """Write the exception that ended a thread as a line."""
    from shared_utils.logging.records import write_thread_failure

    write_thread_failure(args)


def join_structlog() -> None:
    """Set structlog up now if it is imported, else right after it will be."""
    if "structlog" in sys.modules:
        _structlog_imported()
    elif _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def _structlog_imported() -> None:
    from shared_utils.logging.structlog_defaults import set_up

    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
    set_up()


def _find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
    """Return the spec of structlog, and None for every other module (importlib's finder protocol)."""
    if name != "structlog":
        return None
    from shared_utils.logging.structlog_import import find

    return find(_finder, path, target, _structlog_imported)


_finder: Any = SimpleNamespace(find_spec=_find_spec)  # a class of its own costs a cold start as much as an import

SETTINGS.on_use.append(install)
SETTINGS.on_use.append(join_structlog)
on_threshold.append(_follow_level)
