"""Functions in AWS's own Runtime Interface Emulator, as Lambda would run them, without Docker."""

from layerctl.emulator.environment import Limits
from layerctl.emulator.output import LogLine
from layerctl.emulator.pool import Pool
from layerctl.emulator.process import Answer, Emulator
from layerctl.emulator.runtime import find_interpreter, own_interpreter
from layerctl.interpreters import Interpreter

__all__ = ["Answer", "Emulator", "Interpreter", "Limits", "LogLine", "Pool", "find_interpreter", "own_interpreter"]
