"""Which test runs which line: written down while the tests run, in their child processes too.

The copy's environment loads this module at the start of each interpreter. It does something only when MUTANTS_LINES
names the file to write to, and MUTANTS_MODULES the modules that are asked for.
"""

import os
import sys
import threading

__all__ = ["resume", "start", "stop"]

_traces: list = []  # what was started


def start(path: str, modules: str) -> None:
    """Write each line of `modules` (paths joined by os.pathsep) that runs to a file, with the running test."""
    wanted = frozenset(modules.split(os.pathsep))
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    seen: set[tuple[str, str, int]] = set()

    def trace(frame, event, argument):  # type: ignore[no-untyped-def]
        return trace_line if frame.f_code.co_filename in wanted else None

    def trace_line(frame, event, argument):  # type: ignore[no-untyped-def]
        if event == "line":
            test = os.environ.get("PYTEST_CURRENT_TEST", "")
            one = (test, frame.f_code.co_filename, frame.f_lineno)
            if one not in seen:
                seen.add(one)
                os.write(file, "\t".join(map(str, one)).encode() + b"\n")
        return trace_line

    _traces[:] = [trace]
    resume()


def resume() -> None:
    """Go on after a RecursionError, which ends tracing."""
    for trace in _traces:
        threading.settrace(trace)
        sys.settrace(trace)


def stop() -> None:
    """Write no more lines down."""
    _traces.clear()
    threading.settrace(None)  # type: ignore[arg-type]
    sys.settrace(None)


if os.environ.get("MUTANTS_LINES"):
    start(os.environ["MUTANTS_LINES"], os.environ["MUTANTS_MODULES"])
