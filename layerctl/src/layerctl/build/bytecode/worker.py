"""Compiles files, each in a fork of its own; run by the interpreter whose bytecode is wanted, with ``-I -S``.

Import nothing here but these: what the parent has interned changes the bytes (see the package's docstring).

usage: worker.py JOBS PROCESSES; JOBS holds three lines a file: source, target, name in tracebacks.
A file that does not compile leaves its error's first line in ``target + ".error"``.
"""

import os
import py_compile
import sys


def _compile(source: str, target: str, name: str) -> None:
    try:
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(source, target, name, doraise=True, invalidation_mode=mode)
    except BaseException as error:
        with open(target + ".error", "w", encoding="utf-8") as out:  # noqa: PTH123 - no pathlib, see above
            out.write(str(getattr(error, "exc_value", error)))
        os._exit(1)
    os._exit(0)


def _main(jobs: str, processes: int) -> None:
    with open(jobs, encoding="utf-8") as stream:  # noqa: PTH123 - no pathlib, see above
        lines = stream.read().split("\n")
    running = 0
    for at in range(0, len(lines) - 1, 3):
        if running >= processes:
            os.wait()
            running -= 1
        if os.fork() == 0:
            _compile(lines[at], lines[at + 1], lines[at + 2])
        running += 1
    while running:
        os.wait()
        running -= 1


_main(sys.argv[1], int(sys.argv[2]))
