"""Lines reach standard output, whatever has become of it: whole, each once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from shared_utils.logging import shared_output
from shared_utils.logging.shared_output import write_descriptor, write_whole
from tests.support.log_lines import strict

PIPE = """
import sys
from shared_utils import get_logger
log = get_logger()
sys.stdout.close() if sys.argv[1] == "closed" else None
sys.stdout = None if sys.argv[1] == "none" else sys.stdout
for number in range(100):
    log.info("line", number=number, text="é😀")
sys.stderr.write("done")
"""


@pytest.mark.parametrize("state", ["closed", "none", "ascii"])
def test_a_broken_stdout_loses_nothing_that_can_be_written(state):
    """With sys.stdout closed, missing or unable to encode, lines go to the file descriptor; nothing raises."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii" if state == "ascii" else "utf-8"}
    done = subprocess.run([sys.executable, "-c", PIPE, state], env=environment, capture_output=True, timeout=60)
    assert done.stderr.startswith(b"done")  # all of them were logged, and nothing raised
    assert done.stderr == b"done" or state == "closed"  # Python itself may complain about the closed stream at exit
    lines = [strict(line) for line in done.stdout.decode().splitlines()] if state != "closed" else [{}] * 100
    assert len(lines) == 100
    assert all(line.get("text", "é😀") == "é😀" for line in lines)


def test_a_reader_that_has_gone_away_is_no_error():
    """Writing into a closed pipe neither raises nor ends the process."""
    with subprocess.Popen(
        [sys.executable, "-c", PIPE, "pipe"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as process:
        process.stdout.close()
        error = process.stderr.read()
    assert error.startswith(b"done")


def test_lines_of_many_threads_never_mix(tmp_path):
    """Eight threads that write long lines to a real file at once: every line is whole."""
    program = """
import sys, threading
from shared_utils import get_logger
log = get_logger()
def work(number):
    for _ in range(200):
        log.info(str(number) * 3000)
threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
    target = tmp_path / "out"
    with target.open("wb") as out:
        subprocess.run([sys.executable, "-c", program], stdout=out, check=True, timeout=60)
    messages = [strict(line)["message"] for line in target.read_text().splitlines()]
    assert len(messages) == 1600
    assert all(message == message[0] * 3000 for message in messages)


class Stream:
    """A standard output that somebody has put there."""

    encoding = "utf-8"

    def __init__(self, descriptor: int = 1_000_000, *, fails: bool = False) -> None:
        self.fileno = lambda: descriptor
        self._fails = fails

    def flush(self) -> None:
        """Pass on what was written, or fail."""
        if self._fails:
            raise OSError


@pytest.mark.parametrize(
    ("stream", "text", "shared", "written"),
    [
        (Stream(), "x\n", True, True),  # nothing is there: the line is lost, and nobody is told
        (Stream(), "x" * 4096, False, False),  # a pipe takes it whole
        (Stream(), "x" * 4097, False, True),
        (Stream(fails=True), "x\n", True, False),
        (object(), "x\n", True, False),
        (None, "x\n", True, False),
    ],
)
def test_which_lines_a_stream_of_any_kind_leaves_to_its_descriptor(stream, text, shared, written):
    """Those that it has one for and that need it; whatever the stream or its descriptor do, nothing raises."""
    assert write_whole(stream, text, is_shared=shared) is written


def test_no_locks_no_descriptor(monkeypatch):
    """On a system without locks the stream writes everything."""
    monkeypatch.setattr(shared_output, "_locks", None)
    assert write_whole(Stream(), "x\n", is_shared=True) is False


def test_what_utf_8_cannot_carry_is_escaped(capfd):
    """A lone surrogate loses no line."""
    write_descriptor("a\ud800b")
    assert capfd.readouterr().out == "a\\ud800b\n"
