"""Long work: progress on a terminal, and what Ctrl-C leaves behind."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from layerctl.cli.output import progress, transfer, waiting

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """\
import sys, time
import click
from layerctl import __main__
from layerctl.cli.groups import Group
from layerctl.cli.output import progress

@click.group(cls=Group)
def cli():
    pass

@cli.command()
def work():
    with progress("publishing", ["eu-central-1", "eu-west-1", "us-east-1"]) as done:
        done("eu-west-1")
        print("started", flush=True)
        for _ in range(600):  # in steps: Python does not see a signal that comes right before a single sleep
            time.sleep(0.1)

__main__.cli = cli
sys.exit(__main__.main(["work", *sys.argv[1:]]))
"""


def _start(*options: str, **streams: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, *options]
    # A test may itself run where Ctrl-C is ignored (in the background of a shell); a child would inherit that.
    return subprocess.Popen(
        command, text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler), **streams
    )


@pytest.mark.parametrize("options", [[], ["-q"]], ids=["", "quiet"])
def test_ctrl_c_says_what_is_done_and_what_is_not(options: list[str]) -> None:
    """Ctrl-C ends the work at once with exit code 130, names what is done and what is not, without a traceback."""
    with _start(*options, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        said = process.stderr.read()
    assert "interrupted while publishing; done: eu-west-1; not done: eu-central-1, us-east-1" in said
    assert "Traceback" not in said


def _on_a_terminal(*options: str) -> str:
    """What the program writes to a terminal before it is interrupted."""
    ours, theirs = pty.openpty()
    with _start(*options, stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        until = time.monotonic() + 20
        while time.monotonic() < until and b"1/3" not in seen and not (options and time.monotonic() > until - 18):
            if select.select([ours], [], [], 0.2)[0]:
                seen += os.read(ours, 4096)
        process.send_signal(signal.SIGINT)
        process.wait(20)
        while select.select([ours], [], [], 0.2)[0]:
            try:
                seen += os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
    os.close(ours)
    return seen.decode()


def test_progress_on_a_terminal() -> None:
    """A terminal sees what is being done and how much of it is; with -q it sees nothing of the kind."""
    shown = _on_a_terminal()
    assert "publishing: eu-west-1" in shown
    assert "1/3" in shown
    assert "1/3" not in _on_a_terminal("-q")


def test_no_terminal_sees_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    """In a pipe or a log nothing is written, and rich is not even imported for it."""
    with progress("checking", ["a"]) as done:
        done("a")
    with transfer("reading") as advance:
        advance(1, 2)
    with waiting("building") as step:
        step("more")
    assert capsys.readouterr() == ("", "")


def test_what_fails_within_is_passed_on(tmp_path: Path) -> None:
    """Progress hides no error of the work."""
    with pytest.raises(ZeroDivisionError), progress("checking", ["a"]):
        _ = 1 / 0
