"""An exception as data: what it is, where it was raised, and what led to it."""

from __future__ import annotations

import linecache
import os
import traceback

from shared_utils._json import text_of
from shared_utils.logging.settings import SETTINGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from shared_utils._json import JSONConverter

__all__ = ["LONGEST_TRACE", "describe", "notes_of", "printed"]

# The frames around every handler say nothing about it.
_OURS = __file__.replace("logging/exceptions.py", "invocation/")

_MOST_FRAMES = 50  # the outermost 10 and the innermost 40 of a deeper traceback
_OUTERMOST = 10
_LONGEST_CHAIN = 10
_MOST_MEMBERS = 10  # of an exception group
_MOST_EXCEPTIONS = 50  # in all
_MOST_LOCALS = 20
_LONGEST_LOCAL = 200
LONGEST_TRACE = 64 * 1024  # characters of a printed traceback


def notes_of(error: BaseException, converter: JSONConverter) -> list[str] | None:
    """Return the notes of an exception (PEP 678), or None."""
    notes = getattr(error, "__notes__", None)
    if not notes:
        return None
    shown = list(notes)[:_MOST_MEMBERS] if isinstance(notes, (list, tuple)) else [notes]
    return [converter.text(text_of(note)) for note in shown]


def describe(error: BaseException, converter: JSONConverter) -> dict[str, Any]:
    """Return the exception with its causes and members, bounded in depth, number and size."""
    try:
        return _Description(converter).of(error, 0)
    except Exception as failure:  # its class may have broken whatever it inherits
        return {"type": type(error).__name__, "value": f"<{type(failure).__name__} when described>"}


class _Description:
    def __init__(self, converter: JSONConverter) -> None:
        self._converter = converter
        self._seen: set[int] = set()

    def of(self, error: BaseException, depth: int) -> dict[str, Any]:
        self._seen.add(id(error))
        converter = self._converter
        kind = type(error)
        result: dict[str, Any] = {
            "type": kind.__name__,
            "value": converter.text(text_of(error)),
            "module": kind.__module__,
        }
        notes = notes_of(error, converter) if depth else None  # the outermost one's are a key of the line
        if notes:
            result["notes"] = notes
        result["frames"] = self._frames(error.__traceback__)
        members = getattr(error, "exceptions", None)
        if isinstance(error, BaseExceptionGroup) and members:
            told = [self.of(member, depth + 1) for member in members[:_MOST_MEMBERS] if self._may(member, depth)]
            result["exceptions"] = told
            if len(members) > len(told):
                result["exceptions_not_shown"] = len(members) - len(told)
        if error.__cause__ is not None:
            if self._may(error.__cause__, depth):
                result["cause"] = self.of(error.__cause__, depth + 1)
        elif error.__context__ is not None and not error.__suppress_context__ and self._may(error.__context__, depth):
            result["context"] = self.of(error.__context__, depth + 1)
        return result

    def _may(self, error: BaseException, depth: int) -> bool:
        """Whether there is room for one more, and it has not been shown: chains can be circular."""
        return depth < _LONGEST_CHAIN and len(self._seen) < _MOST_EXCEPTIONS and id(error) not in self._seen

    def _frames(self, trace: TracebackType | None) -> list[dict[str, Any]]:
        links = []
        around = False
        while trace is not None:
            around = _is_around(trace.tb_frame.f_code.co_filename, around)
            if not around:
                links.append(trace)
            trace = trace.tb_next
        left_out = len(links) - _MOST_FRAMES
        if left_out > 0:
            del links[_OUTERMOST : _OUTERMOST + left_out]
        frames = [self._frame(link) for link in links]
        if left_out > 0:
            frames.insert(_OUTERMOST, {"frames_not_shown": left_out})
        return frames

    def _frame(self, link: TracebackType) -> dict[str, Any]:
        code = link.tb_frame.f_code
        self._converter.left -= len(code.co_filename) + len(code.co_name) + 50
        frame: dict[str, Any] = {"file": code.co_filename, "line": link.tb_lineno, "function": code.co_name}
        statement = linecache.getline(code.co_filename, link.tb_lineno).strip()
        if statement:
            frame["statement"] = self._converter.text(statement)
        if SETTINGS.exception_locals and self._converter.left > 0:
            frame["locals"] = self._locals(link.tb_frame.f_locals)
        return frame

    def _locals(self, values: Any) -> dict[str, Any]:
        from shared_utils._json import JSONConverter

        shown: dict[str, Any] = {}
        for name, value in list(values.items())[:_MOST_LOCALS]:
            if name.startswith("__"):
                continue
            converter = JSONConverter(_LONGEST_LOCAL)
            converter.items([(name, value)], shown)
            self._converter.left -= len(name) + _LONGEST_LOCAL - converter.left
        return shown


def _is_around(file: str, around: bool) -> bool:
    """Whether a frame of `file` stands around the handler: one of ours, or of asyncio's right after one of ours."""
    return file.startswith(_OURS) or (around and f"{os.sep}asyncio{os.sep}" in file)


def printed(error: BaseException) -> str:
    """Return the traceback as Python prints it, causes included."""
    try:
        trace = traceback.TracebackException.from_exception(error)
        around = False
        for frame in trace.stack[:]:
            around = _is_around(frame.filename, around)
            if around:
                trace.stack.remove(frame)
        return "".join(trace.format()).rstrip("\n")
    except Exception as failure:  # a broken exception (of a C extension, say) must still make a line
        return f"{type(error).__name__} (its traceback could not be printed: {type(failure).__name__})"
