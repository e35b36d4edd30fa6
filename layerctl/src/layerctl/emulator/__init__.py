"""Functions in AWS's own Runtime Interface Emulator, as Lambda would run them, without Docker."""

from layerctl.emulator.environment import Limits
from layerctl.emulator.output import LogLine
from layerctl.emulator.process import Answer, Emulator
from layerctl.emulator.runtime import Interpreter, find_interpreter, own_interpreter

__all__ = ["Answer", "Emulator", "Interpreter", "Limits", "LogLine", "find_interpreter", "own_interpreter"]
