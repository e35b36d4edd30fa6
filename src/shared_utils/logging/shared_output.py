"""Lines that a stream's own `write` is not enough for: others write there as well, it takes a part only, or it fails.

Up to PIPE_BUF bytes (4096) a pipe takes whole or not at all (POSIX, write()); of more it takes what fits, and what
others write meanwhile stands in between. So a longer line is written with the descriptor locked, and where processes
share it every line is. Where a stream cannot encode a line, or is none, the line goes another way.

Loaded for the first such line.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from threading import RLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["write_descriptor", "write_despite", "write_whole"]

_WHOLE = 4096
_locks: Any = None
with suppress(ImportError):  # Windows has none
    import fcntl as _locks
_lock = RLock()  # reentrant: a signal handler may log while this thread writes
_waiting: list[tuple[int, bytes]] = []
_is_writing = False


def _start_over() -> None:
    """Start with a new lock in a forked child: the thread that held it is gone, and its line is the parent's."""
    global _lock, _is_writing
    _lock, _is_writing = RLock(), False
    _waiting.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_over)


def write_whole(stream: Any, text: str, *, is_shared: bool) -> bool:
    """Write lines, newlines included, as one record, whoever writes besides; return False when that is not needed.

    Also when `stream` has no descriptor, cannot encode the text, or the system has no locks.
    """
    if _locks is None:
        return False
    try:
        data = text.encode(stream.encoding)
        if len(data) <= _WHOLE and not is_shared:
            return False
        descriptor: int = stream.fileno()
    except Exception:  # any object may be the standard output
        return False
    try:
        stream.flush()  # what has been printed comes first
    except Exception:
        return False
    _write_all(descriptor, data)
    return True


def write_despite(error: Exception, stream: Any, line: str) -> None:
    """Write a line that `stream` has refused, for one that its encoding has not, or that is closed, broken or missing.

    Never raises.
    """
    if isinstance(error, UnicodeEncodeError):
        from json.encoder import encode_basestring_ascii

        # What is beyond ASCII stands in JSON strings only.
        line = re.sub(r"[^\x00-\x7f]+", lambda match: encode_basestring_ascii(match[0])[1:-1], line)
        with suppress(Exception):
            print(line, file=stream, flush=True)
            return
    write_descriptor(line)


def write_descriptor(line: str) -> None:
    """Write to the process's standard output itself, when the stream object does not work."""
    _write_all(1, (line + "\n").encode("utf-8", "backslashreplace"))


def _write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data` while no other thread or process writes a line there. What has no reader is lost.

    Of a line that a signal handler logs meanwhile, the end of this line comes first.
    """
    global _is_writing  # noqa: PLW0603
    with _lock:
        _waiting.append((descriptor, data))
        while _waiting and not _is_writing:
            _is_writing = True
            try:
                _write_locked(*_waiting.pop(0))
            finally:
                _is_writing = False


def _write_locked(descriptor: int, data: bytes) -> None:
    """Write `data`, locked where there are locks."""
    try:
        _locks.lockf(descriptor, _locks.LOCK_EX)
        is_locked = True
    except (OSError, AttributeError):  # a kind of file, or a system, without locks
        is_locked = False
    try:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(descriptor, rest) :]
            except BlockingIOError:
                _await(descriptor)
    except OSError:
        pass  # the reader has gone: there is no place left to say so
    finally:
        if is_locked:
            with suppress(OSError):  # closed meanwhile, and unlocked by that
                _locks.lockf(descriptor, _locks.LOCK_UN)


def _await(descriptor: int) -> None:
    """Wait until a descriptor that does not block takes something again; its reader may be slow."""
    import select

    try:
        select.select([], [descriptor], [], 1.0)  # not for ever: another thread may have closed it
    except ValueError:  # a number too high for it
        import time

        time.sleep(0.005)
