"""The interpreter of each function, or another one, which is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerctl.core.errors import LayerctlError
from layerctl.local.emulator import find_interpreter
from layerctl.local.emulator.runtime import nearest_interpreter, runtime_packages, why_none

if TYPE_CHECKING:
    from layerctl.local.emulator import Interpreter

__all__ = ["Interpreters"]


class Interpreters:
    """Finds the interpreter of each runtime once, and notes where it is one of another version."""

    def __init__(self, *, exact: bool) -> None:
        self._exact = exact
        self._known: dict[str, Interpreter] = {}
        self.notes: list[str] = []

    def find(self, runtime: str, whose: str) -> Interpreter:
        """The interpreter to take, with what its runtime provides installed, so that no request waits for that."""
        if runtime not in self._known:
            self._known[runtime] = find_interpreter(runtime) or self._another(runtime, whose)
            runtime_packages(self._known[runtime])
        return self._known[runtime]

    def _another(self, runtime: str, whose: str) -> Interpreter:
        if self._exact:
            raise LayerctlError(f"{whose}: {why_none(runtime)}")
        nearest = nearest_interpreter(runtime)
        self.notes.append(f"{why_none(runtime)}; {runtime} functions run on Python {nearest.version}")
        return nearest
