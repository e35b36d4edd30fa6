"""structlog's configuration where it has no other. Loaded when structlog is.

A `structlog.configure` of the user's is left alone, made before or after: where it names other processors, the loggers
and their class are structlog's own again unless it names those too.
"""

from __future__ import annotations

import structlog

from shared_utils.logging.context import follow_structlog
from shared_utils.logging.logger import PROCESSORS, BoundLogger
from shared_utils.logging.output import LineLogger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["set_up"]

_make_print_logger = structlog.PrintLoggerFactory()
_Unfiltered: Any = structlog.make_filtering_bound_logger(0)


def set_up() -> None:
    """Let ``structlog.get_logger()``, in whatever library, return loggers like ours, unless structlog is configured."""
    follow_structlog(getattr(structlog.contextvars, "_CONTEXT_VARS", {"unknown": None}))
    _let_resets_return_here()
    if not structlog.is_configured():
        structlog.configure(
            processors=PROCESSORS,
            wrapper_class=_wrap,  # type: ignore[arg-type]
            context_class=dict,
            logger_factory=_make_logger,
            cache_logger_on_first_use=False,
        )


def _wrap(logger: Any, processors: Any, context: Any) -> Any:
    """Return the bound logger: ours for our lines, structlog's own around any other logger."""
    if processors is PROCESSORS and isinstance(logger, LineLogger):
        return BoundLogger(logger, processors, context)
    return _Unfiltered(logger, processors, context)


def _make_logger(*args: Any) -> Any:
    """Return the logger behind ``structlog.get_logger(name)``."""
    processors = structlog.get_config()["processors"]
    if processors is not PROCESSORS:
        from shared_utils.logging.processors import render

        if list(processors)[-1:] != [render]:
            return _make_print_logger()
    return LineLogger(args[0] if args and isinstance(args[0], str) else None)


class _Defaults:
    """What `structlog.reset_defaults` copies: our chain, which must stay the one object that it is."""

    def __init__(self, builtin: Any) -> None:
        self._builtin = builtin

    def __getitem__(self, key: Any) -> Any:
        # structlog.stdlib.recreate_defaults takes single ones of its own.
        return PROCESSORS if isinstance(key, slice) else self._builtin[key]


def _let_resets_return_here() -> None:
    """Make ours what structlog goes back to, in the places where its present releases keep that."""
    config: Any = getattr(structlog, "_config", None)
    builtin = getattr(config, "_BUILTIN_DEFAULT_PROCESSORS", None)
    if isinstance(builtin, list):
        config._BUILTIN_DEFAULT_PROCESSORS = _Defaults(builtin)
        config._BUILTIN_DEFAULT_WRAPPER_CLASS = _wrap
        config._BUILTIN_DEFAULT_LOGGER_FACTORY = _make_logger
