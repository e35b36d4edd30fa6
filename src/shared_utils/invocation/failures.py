"""What a handler raised: the line that says it, and what is raised in its place when it says a secret.

Loaded when a handler raises.
"""

from __future__ import annotations

import sys

from shared_utils.logging.context import values_when_raised
from shared_utils.logging.output import flush_buffer, write_line
from shared_utils.logging.settings import SETTINGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared_utils.invocation.serving import Serving

__all__ = ["fail", "log_uncaught"]


def fail(serving: Serving, error: BaseException) -> BaseException:
    """Log what the handler raised, and return what to raise; see `Serving.fail`."""
    if serving.invocation.is_replaying is not None:
        from shared_utils.invocation.durable import is_suspension

        if is_suspension(error):
            return error
    log_uncaught(serving, error)
    wanted = serving.options.redact_uncaught
    # What ends a process, a task or a generator by intent is no failure.
    if wanted is False or isinstance(error, (SystemExit, KeyboardInterrupt, GeneratorExit)) or _cancels(error):
        return error
    from shared_utils.logging.substitutes import without_secrets

    instead = without_secrets(error, always=wanted is True)
    if instead is not error:
        serving.substituted = (instead, error.__traceback__, instead.__context__)
    return instead


def log_uncaught(serving: Serving, error: BaseException) -> None:
    """Write the line of an exception that the handler does not catch; once."""
    if serving.failure is error:
        return
    serving.failure = error
    flush_buffer()
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = None if trace is None or not SETTINGS.location else f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}"
    write_line(40, "uncaught exception", {**values_when_raised(error), "exc_info": error}, where)


def _cancels(error: BaseException) -> bool:
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and isinstance(error, asyncio.CancelledError)
