"""Where lines go: standard output, whole, one write each."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["taps", "write", "write_descriptor"]

# Tests listen here: each callable is given every line, without its newline, before it is written.
taps: list[Callable[[str], None]] = []


def write(line: str) -> None:
    """Write `line` and its newline to the standard output of this moment (it may be redirected), and flush.

    One write call for the whole line, so that lines of several threads never mix; no lock, so that a fork or a signal
    handler cannot block on it. Never raises: a reader that has gone away or a stream that is closed, missing or unable
    to encode the line is no reason for a handler to fail.
    """
    for tap in taps:
        tap(line)
    stream = sys.stdout
    try:
        stream.write(line + "\n")
    except UnicodeEncodeError:
        _write_past(stream, _ascii(line))
    except Exception:  # closed (ValueError), None (AttributeError), entered twice (RuntimeError), ...
        write_descriptor(line)
    else:
        with suppress(Exception):  # what the stream cannot pass on now it keeps
            stream.flush()


def _write_past(stream: object, line: str) -> None:
    """Write a line that was too much for the stream's encoding."""
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
        pass  # nobody reads any more: there is no place left to say so


def _ascii(line: str) -> str:
    """Escape everything beyond ASCII the JSON way; such characters stand in JSON strings only."""
    import re
    from json.encoder import encode_basestring_ascii

    return re.sub(r"[^\x00-\x7f]+", lambda match: encode_basestring_ascii(match[0])[1:-1], line)
