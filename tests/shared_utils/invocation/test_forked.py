"""Forked children: an event loop and a time-out watch of their own, and a parent that notices nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.programs import run

if TYPE_CHECKING:
    from pathlib import Path

# A parent with a loop and something waiting on it; a child that serves, with or without a loop, and exits.
PROGRAM = """
import asyncio, multiprocessing, os, signal, sys, time, warnings
signal.alarm(40)  # a loop that nothing wakes up
warnings.simplefilter("ignore", DeprecationWarning)  # fork beside the watch's thread, from Python 3.12 on
from shared_utils import instrument, logging

class Context:
    def __init__(self, seconds): self.end = time.monotonic() + seconds
    def get_remaining_time_in_millis(self): return int((self.end - time.monotonic()) * 1000)

left = []

@instrument
async def handler(event, context):
    if event == "leave":
        read, write = os.pipe()
        loop = asyncio.get_running_loop()
        loop.add_reader(read, lambda: left.append(os.read(read, 10)))
        left.append(write)
        left.append(asyncio.create_task(later()))
    if event == "thread":  # a thread wakes the loop up through a descriptor that a child has too
        await asyncio.to_thread(time.sleep, 0.2)
    if event == "slow":
        await asyncio.sleep(0.5)
    await asyncio.sleep(0.01)
    return event

async def later():
    await asyncio.sleep(0.05)
    return "later"

def child(what):
    if what == "serves":
        assert handler("child", Context(60)) == "child"
        assert handler("slow", Context(0.4)) == "slow"

def in_child(method, what):
    if method == "os.fork":
        process = os.fork()
        if process == 0:
            child(what)
            sys.exit(0)  # with all that is done at exit
        assert os.waitpid(process, 0)[1] == 0
    else:
        process = multiprocessing.get_context(method).Process(target=child, args=(what,))
        process.start()
        process.join()
        assert process.exitcode == 0

if __name__ == "__main__":
    assert handler("leave", Context(60)) == "leave"
    write, task = left
    for what in ("exits", "serves"):
        in_child(sys.argv[1], what)
    os.write(write, b"ping")
    assert handler("parent", Context(60)) == "parent"
    assert handler("slow", Context(0.4)) == "slow"
    assert handler("thread", Context(60)) == "thread"
    assert task.done() and task.result() == "later", task
    assert left[2:] == [b"ping"], left
    print(logging.bound_values())
"""


@pytest.mark.parametrize("method", ["os.fork", "fork", "spawn", "forkserver"])
def test_a_childs_exit_leaves_the_parents_loop_alone(tmp_path: Path, method: str) -> None:
    """Whatever the child does: what the parent's loop waits for comes; both are warned of their own time-outs."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    started = f"subprocess.run([sys.executable, {str(program)!r}, {method!r}])"  # children import it by its path
    source = f"import subprocess, sys; sys.exit({started}.returncode)"
    written = run(source).stdout.splitlines()
    warnings = [line for line in written if "about to time out" in line]
    assert len(warnings) == 2, written
    assert all('"location":"handler:' in line for line in warnings)
    assert written[-1] == "{}"


def test_a_child_that_is_forked_within_an_invocation_is_warned_of_its_own() -> None:
    """The watch's thread stayed with the parent, which has an invocation of its own under way."""
    program = (
        PROGRAM.partition("if __name__")[0]
        + """
@instrument
def forking(event, context):
    process = os.fork()
    if process == 0:
        @instrument
        def inner(event, context):
            time.sleep(0.5)
        from shared_utils.invocation import lifecycle
        lifecycle.reset()
        inner({}, Context(0.4))
        os._exit(0)
    assert os.waitpid(process, 0)[1] == 0
    time.sleep(0.6)

forking({}, Context(1))
"""
    )
    warnings = [line for line in run(program).stdout.splitlines() if "about to time out" in line]
    assert ['"location":"inner:' in line for line in warnings] == [True, False]
