"""Waiting for the end: Ctrl-C, a signal, or a reason of our own."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ShutdownSignal"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ShutdownSignal:
    """Something to wait for in the main thread; a context manager.

    The kernel may deliver a signal to any thread, and Python's handlers run in the main thread once it runs again: a
    main thread that waits for a lock would sleep on. A pipe that the C-level handler writes to wakes it
    (`signal.set_wakeup_fd`).
    """

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._previous: dict[int, Callable[..., Any] | int | None] = {
            number: signal.signal(number, lambda *_: None) for number in _SIGNALS
        }
        self._previous_fd = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._previous_fd)
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        os.close(self._read)
        os.close(self._write)

    def now(self) -> None:
        """Let the end come, from any thread."""
        with contextlib.suppress(OSError):  # it has come already
            os.write(self._write, b"\0")

    def wait(self) -> None:
        """Wait for a signal or for `now`."""
        os.read(self._read, 1)
