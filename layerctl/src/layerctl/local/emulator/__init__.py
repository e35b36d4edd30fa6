"""Functions in AWS's own Runtime Interface Emulator, as Lambda would run them, without Docker."""

from layerctl.local.emulator.answer import Answer
from layerctl.local.emulator.environment import FunctionLimits
from layerctl.local.emulator.output import LogLine
from layerctl.local.emulator.pool import Pool
from layerctl.local.emulator.process import Emulator
from layerctl.local.emulator.runtime import find_interpreter, own_interpreter
from layerctl.python.interpreters import Interpreter

__all__ = [
    "Answer",
    "Emulator",
    "FunctionLimits",
    "Interpreter",
    "LogLine",
    "Pool",
    "find_interpreter",
    "own_interpreter",
]
