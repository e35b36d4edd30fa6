"""Processes that a function starts with `multiprocessing`, in AWS's emulator."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

import pytest

from layerctl.local.emulator import find_interpreter

if TYPE_CHECKING:
    from collections.abc import Callable

    from layerctl.local.emulator import Emulator

pytestmark = pytest.mark.emulator

SOURCE = """
import multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor

import shared_utils, structlog
from shared_utils import get_logger, instrument

def work(pipe, value):
    get_logger().info("in the child", value=value)
    where = [shared_utils.__file__, structlog.__file__, __import__("boto3").__file__]
    pipe.send({"value": value * 2, "pid": os.getpid(), "path": sys.path, "argv": sys.argv, "where": where})

def double(value):
    return value * 2

@instrument
def handler(event, context):
    method = multiprocessing.get_context(event["method"])
    receiver, sender = method.Pipe(duplex=False)
    child = method.Process(target=work, args=(sender, 21))
    child.start()
    sender.close()
    answer = receiver.recv() if receiver.poll(20) else None
    child.join(20)
    with ProcessPoolExecutor(1, mp_context=method) as pool:
        doubled = list(pool.map(double, [1, 2, 3]))
    where = [shared_utils.__file__, structlog.__file__, __import__("boto3").__file__]
    return {"exit": child.exitcode, "answer": answer, "pid": os.getpid(), "path": sys.path, "argv": sys.argv,
            "where": where, "doubled": doubled, "default": multiprocessing.get_start_method()}
"""


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_child_process_works(emulated: Callable[..., Emulator], method: str) -> None:
    """A child of each start method finds the function's module, layer and runtime as its parent does, and ends well."""
    answer = emulated(SOURCE).invoke({"method": method})
    said = answer.json()
    child = said["answer"]
    assert (said["exit"], child["value"], said["doubled"]) == (0, 42, [2, 4, 6]), answer.lines
    assert child["pid"] != said["pid"]
    assert (child["path"], child["where"], child["argv"]) == (said["path"], said["where"], said["argv"])
    lines = [record for record in answer.log_records() if record["message"] == "in the child"]
    assert [line["value"] for line in lines] == [21]


@pytest.mark.parametrize("runtime", ["python3.11", "python3.14"])
def test_a_child_process_works_with_the_runtimes_own_start_method(
    emulated: Callable[..., Emulator], runtime: str
) -> None:
    """What `multiprocessing` does unasked (it forks, and from Python 3.14 on takes forkserver) works on each."""
    interpreter = find_interpreter(runtime)
    if interpreter is None:
        pytest.skip(f"no interpreter for {runtime}")
    said = emulated(SOURCE, interpreter=interpreter).invoke({"method": None}).json()
    assert (said["exit"], said["answer"]["value"], said["doubled"]) == (0, 42, [2, 4, 6])
    assert said["default"] == ("fork" if runtime == "python3.11" else "forkserver")
