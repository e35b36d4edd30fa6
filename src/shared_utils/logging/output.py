"""Where lines go: standard output, whole, one write each; or the invocation's buffer first."""

from __future__ import annotations

import os
import sys
from json.encoder import encode_basestring

from shared_utils.invocation import lifecycle
from shared_utils.logging.fields import ERROR, WARNING, escape, name_of, timestamp
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
    "flush_buffer",
    "log_line",
    "observers",
    "report_failure",
    "write",
    "write_descriptor",
    "write_line",
    "write_or_buffer",
]

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
) -> None:
    """Render one line and write or buffer it. For the arguments see `render`."""
    if SETTINGS.processors:
        processed = _process(number, event, values, where, name, contexts, state)
        if processed is None:
            return
        line = processed
    else:
        line = render(number, event, values, where, name, contexts, state)
    if state.buffer is None:
        write(line)
    else:
        write_or_buffer(number, line, state)


def _process(  # noqa: PLR0917
    number: int,
    event: Any,
    values: dict[str, Any],
    where: FrameType | str | None,
    name: str | None,
    contexts: tuple[Context, ...],
    state: LogState,
) -> str | None:
    from shared_utils.logging.pipeline import process, processing

    if processing.get():
        return render(number, event, values, where if SETTINGS.location else None, name, contexts, state)
    return process(number, event, values, where, name, contexts, state)


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
) -> None:
    """Render one line and write or buffer it. Never raises: a handler must not fail because of a line.

    Args:
        number: the level.
        event: the message.
        values: what goes with it.
        where: the frame that logged it, or its finished text.
        name: the logger's name.
        at_once: write it, also when its level is below the level that is written.
    """
    state = OUTSIDE
    try:
        SETTINGS.ensure_configured()
        state = current()
        if at_once and state.buffer is not None:
            state = state.unbuffered()
        log_line(number, event, values, where, name, (), state)
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


def write(line: str) -> None:
    """Write `line` and its newline to the standard output of this moment (it may be redirected), and flush.

    One write call for the whole line, so that lines of several threads never mix; no lock, so that a fork or a signal
    handler cannot block on it. Never raises: a reader that has gone away or a stream that is closed, missing or unable
    to encode the line is no reason for a handler to fail.
    """
    for observer in observers:
        observer(line)
    stream = sys.stdout
    try:
        stream.write(line + "\n")
    except UnicodeEncodeError:
        _print_ascii(stream, _ascii(line))
    except Exception:  # closed (ValueError), None (AttributeError), entered twice (RuntimeError), ...
        write_descriptor(line)
    else:
        try:  # noqa: SIM105 - contextlib.suppress would take as long as the flush
            stream.flush()
        except Exception:  # noqa: S110 - what the stream cannot pass on now it keeps
            pass


def _print_ascii(stream: object, line: str) -> None:
    """Write a line that the stream's encoding could not take."""
    try:
        print(line, file=stream, flush=True)  # type: ignore[call-overload]
    except Exception:
        write_descriptor(line)


def write_descriptor(line: str) -> None:
    """Write to the process's standard output itself, when the stream object does not work."""
    try:
        rest = memoryview((line + "\n").encode("utf-8", "backslashreplace"))
        while rest:
            rest = rest[os.write(1, rest) :]
    except OSError:
        pass  # the reader has gone: there is no place left to say so


def _ascii(line: str) -> str:
    """Escape everything beyond ASCII the JSON way; such characters stand in JSON strings only."""
    import re
    from json.encoder import encode_basestring_ascii

    return re.sub(r"[^\x00-\x7f]+", lambda match: encode_basestring_ascii(match[0])[1:-1], line)


SETTINGS.on_resolved.append(_write_warnings)
