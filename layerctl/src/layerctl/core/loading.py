"""Ctrl-C while modules load, which takes the first tenth of a second of a command."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Loading"]


class Loading:
    """While it lasts, Ctrl-C ends the process at once, by the signal, as shells expect it.

    Nothing has begun that would have to be told or undone; an exception in the middle of an import would be shown with
    a traceback, or by whatever code runs at that moment. Who handles the signal in another way goes on doing so.
    """

    def __enter__(self) -> None:
        self._ends = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._ends:
            try:
                signal.signal(signal.SIGINT, signal.SIG_DFL)
            except ValueError:  # not the main thread, which alone is interrupted
                self._ends = False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None, /
    ) -> None:
        if self._ends:
            signal.signal(signal.SIGINT, signal.default_int_handler)
