"""Where lines go: standard output, whole, one write each; or the invocation's buffer first."""

from __future__ import annotations

import logging
import os
import sys
from json.encoder import encode_basestring

from shared_utils.invocation import lifecycle
from shared_utils.logging.fields import ERROR, MISSING, WARNING, escape, name_of, timestamp
from shared_utils.logging.render import render
from shared_utils.logging.settings import SETTINGS
from shared_utils.logging.state import OUTSIDE, current
from shared_utils.redaction import REDACTION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

    from shared_utils.logging.render import Context
    from shared_utils.logging.state import LogState

__all__ = [
    "LineLogger",
    "clear_buffer",
    "flush_buffer",
    "log_line",
    "observers",
    "report_failure",
    "set_quiet",
    "write",
    "write_line",
    "write_or_buffer",
    "wrote_whole",
]

_root, _Logger, _modules = logging.root, logging.Logger, sys.modules
_quiet_handlers: object = None  # how the standard library's logging looks while nothing in it wants our lines
_quiet_call: object = None
# For tests: each is given every line, without its newline, before it is written.
observers: list[Callable[[str], None]] = []


class LineLogger:
    """What a structlog logger finally calls: it writes or buffers finished lines. `name` is that of the logger."""

    __slots__ = ("name",)

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    def debug(self, line: str) -> None:
        """Take a line of level DEBUG."""
        write_or_buffer(10, line, current())

    def info(self, line: str) -> None:
        """Take a line of level INFO."""
        write_or_buffer(20, line, current())

    def warning(self, line: str) -> None:
        """Take a line of level WARNING."""
        write_or_buffer(30, line, current())

    def error(self, line: str) -> None:
        """Take a line of level ERROR."""
        write_or_buffer(40, line, current())

    def critical(self, line: str) -> None:
        """Take a line of level CRITICAL."""
        write_or_buffer(50, line, current())

    msg = log = info
    warn = warning
    err = exception = error
    fatal = critical


def log_line(  # noqa: PLR0917 - called for every line; keywords would cost
    number: int,
    event: Any,
    values: dict[str, Any],
    where: FrameType | str | None,
    name: str | None,
    contexts: tuple[Context, ...],
    state: LogState,
    is_record: bool = False,
) -> None:
    """Render one line and write or buffer it. For the arguments see `render`.

    What listens to the standard library's records gets it as one, unless it is one (`is_record`).
    """
    if "opentelemetry.trace" in _modules:
        values = _with_span(values, contexts)
    line = _render(number, event, values, where, name, contexts, state)
    if line is None:  # a processor has dropped it
        return
    if state.buffer is None:
        write(line)
    else:
        write_or_buffer(number, line, state)
    if (_root.handlers is not _quiet_handlers or _Logger.callHandlers is not _quiet_call) and not is_record:
        _forward(number, event, values, where, name, contexts, state)


def set_quiet(handlers: object) -> None:
    """Take note that nothing wants our lines as records while the root logger has this list of handlers.

    None: something may. To look for each line would be dear.
    """
    global _quiet_handlers, _quiet_call
    _quiet_handlers, _quiet_call = handlers, _Logger.callHandlers


def _forward(  # noqa: PLR0917
    number: int,
    event: Any,
    values: dict[str, Any],
    where: FrameType | str | None,
    name: str | None,
    contexts: tuple[Context, ...],
    state: LogState,
) -> None:
    if number < state.written_from:
        return
    from shared_utils.logging.listeners import listeners

    handlers = listeners()
    if handlers is None:
        if type(_root.handlers) is not list:  # the one that tells us when it changes
            set_quiet(_root.handlers)
        return
    for context in contexts:
        values = {**context._context, **values}
    if event is MISSING:
        event = values.get("event", "")
    from shared_utils.logging.forwarding import forward

    forward(handlers, number, event, values, where, name)


def _with_span(values: dict[str, Any], contexts: tuple[Context, ...]) -> dict[str, Any]:
    global _with_span  # noqa: PLW0603 - what is imported stands here from the first such line on
    from shared_utils.logging.tracing import with_span

    _with_span = with_span
    return with_span(values, contexts)


_render: Callable[..., str | None] = render


def _choose_renderer() -> None:
    """Have lines made as the settings ask for it."""
    global _render  # noqa: PLW0603 - so that no line has to look
    if SETTINGS.processors:
        from shared_utils.logging.pipeline import process

        _render = process
    elif SETTINGS.serializer is not None:
        from shared_utils.logging.plain import render_serialized

        _render = render_serialized
    else:
        _render = render


def write_or_buffer(number: int, line: str, state: LogState) -> None:
    """Write the line, or keep it in the invocation's buffer when its level is below the level that is written."""
    if lifecycle.replays and lifecycle.is_replayed():
        return
    buffer = state.buffer
    if buffer is not None:
        if number < state.written_from:
            buffer.add(line)
            return
        if number >= ERROR:
            flush_buffer()
    write(line)


def write_line(
    number: int,
    event: Any,
    values: dict[str, Any],
    where: FrameType | str | None = None,
    name: str | None = None,
    *,
    at_once: bool = False,
    is_record: bool = False,
) -> None:
    """Render one line and write or buffer it. Never raises: a handler must not fail because of a line.

    Args:
        number: the level.
        event: the message.
        values: what goes with it.
        where: the frame that logged it, or its finished text.
        name: the logger's name.
        at_once: write it, also when its level is below the level that is written.
        is_record: it comes from the standard library's logging.
    """
    state = OUTSIDE
    try:
        SETTINGS.ensure_configured()
        state = current()
        if at_once and state.buffer is not None:
            state = state.unbuffered()
        log_line(number, event, values, where, name, (), state, is_record)
    except Exception as error:
        report_failure(number, event, error, state)


def flush_buffer() -> None:
    """Write what the invocation's buffer holds, and say how much had been dropped."""
    state = current()
    buffer = state.buffer
    if buffer is None:
        return
    lines, dropped = buffer.take()
    if dropped:
        message = "log buffer was full: the oldest lines are missing"
        write(render(WARNING, message, {"dropped_lines": dropped}, None, None, (), state))
    for line in lines:
        write(line)


def clear_buffer() -> None:
    """Throw away what the invocation's buffer holds."""
    buffer = current().buffer
    if buffer is not None:
        buffer.take()


def report_failure(number: int, event: Any, error: Exception, state: LogState) -> None:
    """Write that a line could not be made; with nothing in it that could fail again."""
    message = event if type(event) is str and len(event) < 1000 else type(event).__name__
    text = REDACTION.scrub(f"logging failed: {type(error).__name__}; the line was: {message}")
    level = name_of(max(number, ERROR), SETTINGS.names)
    base = state.base_fields_json or ""
    write(escape(f'{{"level":"{level}","message":{encode_basestring(text)},"timestamp":"{timestamp()}"{base}}}'))


def _write_warnings() -> None:
    """Write what is wrong with the settings, each once."""
    while SETTINGS.warnings:
        write_line(WARNING, *SETTINGS.warnings.pop(0))


# Up to so many characters, of four bytes at most, a line is a record on any pipe: see `shared_output`.
_SURELY_WHOLE = 1024
_shared = False  # whether this process has forked, or is a fork, or its output must be written bit by bit
_looked_at: object = None  # the stream of the line before


def _share() -> None:
    global _shared  # noqa: PLW0603
    _shared = True


def _look_at(stream: Any) -> None:
    """Find out whether a stream's descriptor does not block: Python's streams lose what it does not take at once."""
    global _looked_at  # noqa: PLW0603
    _looked_at = stream
    try:
        if not os.get_blocking(stream.fileno()):
            _share()
    except Exception:  # noqa: S110 - any object may be the standard output; not on Windows
        pass


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_share)


def write(line: str) -> None:
    """Write `line` and its newline to the standard output of this moment (it may be redirected), and flush.

    One write call for the whole line, so that lines of several threads never mix; no lock, so that a fork or a signal
    handler cannot block on it. Where several processes write, and for long lines, `shared_output` sees to it that each
    is one record. Never raises: a reader that has gone away or a stream that is closed, missing or unable to encode the
    line is no reason for a handler to fail.
    """
    for observer in observers:
        observer(line)
    stream = sys.stdout
    text = line + "\n"
    if wrote_whole(stream, text):
        return
    try:
        stream.write(text)
    except Exception as error:  # UnicodeEncodeError, or closed (ValueError), None (AttributeError), entered twice, ...
        from shared_utils.logging.shared_output import write_despite

        write_despite(error, stream, line)
    else:
        try:  # noqa: SIM105 - contextlib.suppress would take as long as the flush
            stream.flush()
        except Exception:  # noqa: S110 - what the stream cannot pass on now it keeps
            pass


def wrote_whole(stream: Any, text: str) -> bool:
    """Write lines as `shared_output` does, when that is called for; return whether they have been written."""
    if stream is not _looked_at:
        _look_at(stream)
    is_shared = _shared or "multiprocessing.process" in _modules
    if len(text) <= _SURELY_WHOLE and not is_shared:
        return False
    from shared_utils.logging.shared_output import write_whole

    return write_whole(stream, text, is_shared=is_shared)


SETTINGS.on_resolved += [_choose_renderer, _write_warnings]
