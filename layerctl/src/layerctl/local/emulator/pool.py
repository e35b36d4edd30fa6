"""Execution environments of one function: as many as there are calls at once, up to a limit, kept warm."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from collections.abc import Callable

    from layerctl.local.emulator.answer import Answer
    from layerctl.local.emulator.process import Emulator

__all__ = ["Pool"]

# How often the function's files are looked at for changes.
_LOOK_SECONDS = 0.5


class Pool:
    """Runs a function, several times at once if asked to.

    The environment that was free last is taken first, so that calls one after the other meet the same one, as in
    Lambda. Calls beyond the limit wait for their turn.

    Args:
        start: starts an emulator.
        size: the greatest number of environments.
        fingerprint: what the function's files look like; when it changes, environments are started anew.
    """

    def __init__(
        self, start: Callable[[], Emulator], *, size: int, fingerprint: Callable[[], object] | None = None
    ) -> None:
        self._start = start
        self._size = size
        self._fingerprint = fingerprint or (lambda: None)
        self._changed = threading.Condition()
        self._idle: list[Emulator] = []
        self._all: dict[Emulator, int] = {}  # with the generation of files that it runs
        self._generation = 0
        self._starting = 0
        self._closed = False
        self._looked = time.monotonic()
        self._seen = self._fingerprint()

    def invoke(self, event: Any, **headers: str) -> Answer:
        """Run the function on an event in a free environment; as `Emulator.invoke`.

        Raises:
            LayerctlError: the emulator could not be started, or ended on its own; the next call gets a new one.
        """
        self._drop_outdated()
        emulator = self._take()
        try:
            answer = emulator.invoke(event, **headers)
        except BaseException:
            self._forget(emulator)
            raise
        with self._changed:
            current = self._all.get(emulator) == self._generation
            if current:
                self._idle.append(emulator)
                self._changed.notify()
        if not current:
            self._forget(emulator)
        return answer

    def close(self) -> None:
        """End every environment; calls under way fail."""
        with self._changed:
            self._closed = True
            running = list(self._all)
            self._all.clear()
            self._idle.clear()
            self._changed.notify_all()
        threads = [threading.Thread(target=emulator.stop) for emulator in running]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _take(self) -> Emulator:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._idle or len(self._all) + self._starting < self._size)
            if self._closed:
                raise LayerctlError("the function is being ended")
            if self._idle:
                return self._idle.pop()
            self._starting += 1
            generation = self._generation
        try:
            emulator = self._start()
        except BaseException:
            self._started(None, generation)
            raise
        if not self._started(emulator, generation):
            emulator.stop()
            raise LayerctlError("the function is being ended")
        return emulator

    def _started(self, emulator: Emulator | None, generation: int) -> bool:
        """Take note of a start that worked or did not; False when the pool was closed meanwhile."""
        with self._changed:
            self._starting -= 1
            if emulator is not None and not self._closed:
                self._all[emulator] = generation
            self._changed.notify()
            return not self._closed

    def _forget(self, emulator: Emulator) -> None:
        with self._changed:
            self._all.pop(emulator, None)
            self._changed.notify()
        emulator.stop()

    def _drop_outdated(self) -> None:
        """After an edit: end the idle environments now, the busy ones when their call is over."""
        with self._changed:
            now = time.monotonic()
            if now - self._looked < _LOOK_SECONDS:
                return
            self._looked = now
            seen = self._fingerprint()
            if seen == self._seen:
                return
            self._seen = seen
            self._generation += 1
            outdated, self._idle = self._idle, []
            for emulator in outdated:
                del self._all[emulator]
        for emulator in outdated:
            emulator.stop()
