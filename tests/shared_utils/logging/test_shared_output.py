"""One line is one record on a pipe that several processes write to, whatever its size."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# Sizes around what a pipe takes whole (4096), what it holds (64 KB), and the longest line.
PROGRAM = """
import multiprocessing, os, sys, time
from shared_utils import instrument, logging, metrics

SIZES = [0, 200, 4000, 4090, 4096, 5000, 9000, 65_000, 70_000, 200_000, 250_000, 255_000]
metrics.configure(namespace="tests", cold_start=False)

def work(child):
    for number, size in enumerate(SIZES):
        logging.info("line", child=child, number=number, size=size, value=chr(97 + child) * size)
        metrics.properties(child=child, value=chr(97 + child) * min(size, 9000))
        metrics.count("Lines")
        metrics.flush()

def forked():
    children = []
    for child in range(10):
        process = os.fork()
        if process == 0:
            work(child)
            sys.stdout.flush()
            os._exit(0)
        children.append(process)
    for process in children:
        os.waitpid(process, 0)

def spawned(method):
    context = multiprocessing.get_context(method)
    children = [context.Process(target=work, args=(child,)) for child in range(10)]
    for one in children: one.start()
    for one in children: one.join()

if __name__ == "__main__":
    forked() if sys.argv[1] == "os.fork" else spawned(sys.argv[1])
    work(10)
"""


def lines_through_a_pipe(
    command: list[str], *, blocking: bool, slow: bool, environment: dict[str, str] | None = None
) -> list[bytes]:
    """Return what a program and its children write to one pipe, read at leisure; its environment is ours, or this."""
    read, write = os.pipe()
    if not blocking:
        os.set_blocking(write, False)
    program = [sys.executable, *command]
    process = subprocess.Popen(program, stdout=write, stderr=subprocess.PIPE, env=environment)
    os.close(write)
    parts = []
    with os.fdopen(read, "rb", buffering=0) as stream:
        while part := stream.read(16_000 if slow else 1 << 20):
            parts.append(part)
            if slow:
                time.sleep(0.0005)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors.decode()
    assert errors == b""
    return b"".join(parts).splitlines()


@pytest.mark.parametrize("method", ["os.fork", "fork", "spawn", "forkserver"])
@pytest.mark.parametrize(("blocking", "slow"), [(True, False), (True, True), (False, True)])
def test_each_line_of_several_processes_is_one_record(tmp_path: Path, method: str, blocking: bool, slow: bool) -> None:
    """Of the parent and ten children, metric documents too; with a slow reader, and where writes do not block."""
    program = tmp_path / "program.py"
    # os.fork without anything that has loaded multiprocessing
    program.write_text(PROGRAM.replace("import multiprocessing, ", "import ") if method == "os.fork" else PROGRAM)
    lines = [json.loads(line) for line in lines_through_a_pipe([str(program), method], blocking=blocking, slow=slow)]
    written = sorted((line["child"], line["number"]) for line in lines if "message" in line)
    assert written == [(child, number) for child in range(11) for number in range(12)]
    for line in lines:
        if "message" in line:
            assert line["value"] == chr(97 + line["child"]) * line["size"]
    assert sum("_aws" in line for line in lines) == 11 * 12


def test_long_lines_of_threads_do_not_mix() -> None:
    """The lock between processes is one for all threads of a process; the process has another one."""
    source = """
import threading
from shared_utils import logging
def work(number):
    for _ in range(20):
        logging.info("line", value=str(number) * 70_000)
threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
for one in threads: one.start()
for one in threads: one.join()
"""
    lines = lines_through_a_pipe(["-c", source], blocking=True, slow=True)
    assert len([json.loads(line) for line in lines]) == 120


def test_a_line_of_a_signal_handler_comes_after_the_one_it_interrupts() -> None:
    """Neither is broken, and nothing waits for itself."""
    source = """
import signal, sys
from shared_utils import logging
signal.signal(signal.SIGALRM, lambda *_: logging.info("from the handler", value="y" * 5000))
signal.setitimer(signal.ITIMER_REAL, 0.05, 0.01)
for _ in range(40):
    logging.info("line", value="x" * 200_000)
signal.setitimer(signal.ITIMER_REAL, 0)
"""
    lines = [json.loads(line) for line in lines_through_a_pipe(["-c", source], blocking=True, slow=True)]
    assert [line["message"] for line in lines].count("line") == 40
    assert "from the handler" in [line["message"] for line in lines]


def test_what_was_printed_comes_first_and_short_lines_need_no_lock() -> None:
    """Order is kept; a process that is alone pays for nothing, and does not load what it does not need."""
    source = """
import sys
from shared_utils import logging
logging.info("short")
assert "shared_utils.logging.shared_output" not in sys.modules
sys.stdout.write("printed\\n")
logging.info("long", value="x" * 9000)
sys.stdout.write("printed\\n")
"""
    # What measures coverage is asked for by a variable, and loads multiprocessing: the process is not alone then.
    lines = lines_through_a_pipe(["-c", source], blocking=True, slow=False, environment={})
    assert [line[:7] for line in lines] == [b'{"level', b"printed", b'{"level', b"printed"]


def test_short_lines_wait_for_a_pipe_that_does_not_block() -> None:
    """A reader that is slow gets all of them, whole."""
    source = """
from shared_utils import logging
for number in range(3000):
    logging.info("line", number=number, value="x" * 100)
"""
    lines = [json.loads(line) for line in lines_through_a_pipe(["-c", source], blocking=False, slow=True)]
    assert [line["number"] for line in lines] == list(range(3000))


SHORT = {
    "a line, after a fork": """
import os, sys
from shared_utils import logging
if os.fork() == 0: os._exit(0)
os.wait()
print("ready", file=sys.stderr, flush=True)
logging.info("short", Lines=1)
""",
    "a metric document, without logging": """
import multiprocessing, sys
from shared_utils import metrics
metrics.configure(namespace="tests", cold_start=False)
metrics.count("Lines")
print("ready", file=sys.stderr, flush=True)
metrics.flush()
""",
}


@pytest.mark.parametrize("source", SHORT.values(), ids=SHORT)
def test_a_lock_that_another_process_holds_is_waited_for(source: str) -> None:
    """Whoever writes a line has the descriptor for itself, a short one too where processes share it."""
    read, write = os.pipe()
    fcntl.lockf(write, fcntl.LOCK_EX)
    process = subprocess.Popen([sys.executable, "-c", source], stdout=write, stderr=subprocess.PIPE)
    assert process.stderr is not None
    assert process.stderr.readline() == b"ready\n"
    time.sleep(0.3)
    os.set_blocking(read, False)
    with pytest.raises(BlockingIOError):
        os.read(read, 1)
    fcntl.lockf(write, fcntl.LOCK_UN)
    assert process.wait(30) == 0
    assert json.loads(os.read(read, 4096))["Lines"] in (1, [1])
    process.stderr.close()
    os.close(read)
    os.close(write)


FORKED = """
import os, select, signal, sys, threading, time
from shared_utils import logging

def fork(*_):
    if len(sys.argv) > 2:
        logging.info("of the parent", value="y" * 5000)
    if not (child := os.fork()):
        signal.alarm(5)
        os.dup2(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT), 1)
        logging.info("of the child")
        os._exit(0)
    print(os.waitpid(child, 0)[1], file=sys.stderr, flush=True)

def write(): logging.info("long", value="x" * 200_000)

if len(sys.argv) > 2:
    signal.signal(signal.SIGALRM, fork)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    write()
else:
    threading.Thread(target=write).start()
    while select.select([], [1], [], 0)[1]: time.sleep(0.01)
    fork()
"""


@pytest.mark.parametrize("forks", ["a thread beside the one that writes", "a signal handler of the one that writes"])
def test_a_child_forked_within_a_line_writes_its_own_lines_alone(tmp_path: Path, forks: str) -> None:
    """The child waits for no thread that it does not have, and the lines that wait are its parent's."""
    read, write = os.pipe()
    arguments = [str(tmp_path / "child"), *(["handler"] if "handler" in forks else [])]
    # From 3.12 on Python warns of a fork beside a thread: the warning would be a line that waits for the long one.
    program = [sys.executable, "-W", "ignore", "-c", FORKED, *arguments]
    process = subprocess.Popen(program, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert process.stderr is not None
    assert process.stderr.readline() == b"0\n"  # how the child ended; nobody has read the parent's line meanwhile
    with os.fdopen(read, "rb") as stream:
        messages = [json.loads(line)["message"] for line in stream]
    process.communicate(timeout=30)
    assert messages == (["long", "of the parent"] if "handler" in forks else ["long"])
    written = (tmp_path / "child").read_text("utf-8").splitlines()
    assert [json.loads(line)["message"] for line in written] == ["of the child"]
