"""Imports modules, each in a fork with limits; run with ``-I -S -B`` by the interpreter to try.

usage: import_worker.py JOB; JOB is JSON: path (a list for the front of sys.path), modules, seconds, memory (bytes).
Prints one JSON line per module that fails: [module, exception].
"""

import json
import os
import resource
import sys


def _try(module: str, answer: int) -> None:
    try:
        __import__(module)
    except BaseException as error:  # SystemExit too: a module that exits at import breaks its consumer
        text = f"{type(error).__name__}: {error}".split("\n")[0][:300]
        os.write(answer, (json.dumps([module, text]) + "\n").encode())
    os._exit(0)


def _main(job: dict) -> None:  # type: ignore[type-arg]
    sys.path[:0] = job["path"]
    answer = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000_000, 10_000_000))
    for module in job["modules"]:
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_CPU, (job["seconds"], job["seconds"] + 1))
            resource.setrlimit(resource.RLIMIT_AS, (job["memory"], job["memory"]))
            _try(module, answer)
        _, status = os.waitpid(child, 0)
        if status:
            code = os.waitstatus_to_exitcode(status)
            how = f"killed by signal {-code}" if code < 0 else f"the process ended with {code}"
            os.write(answer, (json.dumps([module, how]) + "\n").encode())


_main(json.loads(sys.argv[1]))
