"""Another function, named by the variable CASE, and the memory of its process when it has served an invocation."""

import importlib
import os

case = importlib.import_module(os.environ["CASE"])


def handler(event, context):
    case.handler(event, context)
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - pathlib would count, too
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
