"""Who wants our lines as records of the standard library.

Handlers on the console, the runtime's among them, are left out: the line is there already.
"""

from __future__ import annotations

import logging
import sys

__all__ = ["listeners"]


def listeners() -> list[logging.Handler] | None:
    """Return the root logger's handlers that want our lines; None when nothing does.

    Sentry is no handler: it puts a function of its own in the place of `logging.Logger.callHandlers`.
    """
    handlers = [handler for handler in logging.root.handlers if _wants(handler)]
    return handlers if handlers or logging.Logger.callHandlers.__module__ != "logging" else None


def _wants(handler: logging.Handler) -> bool:
    module = type(handler).__module__
    if module.startswith(("shared_utils.", "awslambdaric.")):
        return False
    if module.startswith("_pytest."):  # caplog's, and none that is only there for a report's sake
        return type(handler).__name__ == "LogCaptureHandler"
    console = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    stream = getattr(handler, "stream", None)
    return not (isinstance(handler, logging.StreamHandler) and any(stream is shown for shown in console))
