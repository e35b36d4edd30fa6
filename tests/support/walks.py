"""Walk through a page as its reader would: write its files, type its commands in order, look at a watch.

Of a page in Markdown count the shell blocks, a line being a command, and the blocks whose first line is a comment with
a file's name (``# src/shared_utils/greetings.py``). A command that serves until Ctrl-C goes on in a terminal of its own
until its section ends, the local AWS until the page does; the `export` lines that it prints are entered.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.support.sam import sam_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Done", "Step", "Walk", "file_of", "steps"]

_HEADING_OR_BLOCK = re.compile(r"^##? ([^\n]+)$|^ *```(\w+)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"# ([\w./-]+\.\w+)\n")
_SERVES = re.compile(r"make run|make local-aws|layerctl run")
_CODE = re.compile(r"# exit code (\d)")
_SECONDS = 300


@dataclass(frozen=True)
class Step:
    """One thing to do: a command, or a file to write.

    Attributes:
        section: the heading above it.
    """

    section: str
    command: str = ""
    file: str = ""
    text: str = ""


@dataclass(frozen=True)
class Done:
    """What came of a command."""

    step: Step
    output: str
    seconds: float


def file_of(block: str) -> str | None:
    """The file that a block is, by its first line."""
    named = _FILE.match(block)
    return named[1] if named else None


def steps(page: str) -> Iterator[Step]:
    """The steps of a page, in order."""
    section = ""
    for heading, language, text in _HEADING_OR_BLOCK.findall(page):
        if heading:
            section = heading
        elif file := file_of(text):
            yield Step(section, file=file, text=text)
        elif language == "sh":
            for line in text.replace("\\\n", " ").splitlines():
                if line.strip() and not line.strip().startswith("#"):
                    yield Step(section, command=re.sub(r"\s+", " ", line.strip()))


@dataclass
class Walk:
    """A reader with a checkout, terminals, and a watch; a context manager.

    Attributes:
        folder: the checkout.
        environment: the variables of the terminal.
        done: what was typed so far, with what it printed.
    """

    folder: Path
    environment: dict[str, str] = field(default_factory=sam_environment)
    done: list[Done] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ports = {"3000": _free_port(), "4566": _free_port()}
        self._servers: dict[subprocess.Popen[bytes], str] = {}  # with the section, or "" for the page

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_servers(lambda section: True)

    def page(
        self, path: Path, *, only: tuple[str, ...] = (), left_out: tuple[str, ...] = (), go_on: bool = False
    ) -> None:
        """Do all of a page's steps, or those of some sections; with `go_on` the local AWS stays for the next page.

        Raises:
            AssertionError: a command ended with another exit code than the page says (0, where it says nothing).
        """
        before = ""
        for step in steps(path.read_text("utf-8")):
            if step.section in left_out or (only and step.section not in only):
                continue
            if step.section != before:
                self._end_servers(lambda section: section != "")
            before = step.section
            self._do(step)
        self._end_servers(lambda section: not go_on or section != "")

    def said(self, section: str, command: str) -> str:
        """What a section's commands that contain a text have printed."""
        found = [done for done in self.done if done.step.section == section and command in done.step.command]
        assert found, (section, command, [done.step for done in self.done])
        return "\n".join(done.output for done in found)

    def _do(self, step: Step) -> None:
        if step.file:
            target = self.folder / step.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(step.text, "utf-8")
            return
        command = re.sub(r"\b(?:3000|4566)\b", lambda match: self._ports[match[0]], step.command)
        command = re.sub(r"\blayerctl run(?! .*--port)", f"layerctl run --port {self._ports['3000']}", command)
        began = time.monotonic()
        if _SERVES.match(command):
            output = self._serve(command.removesuffix("&"), step.section)
        elif command.startswith("export "):
            output = ""
            text = self._shell(f"{command} && env -0", 0)
            self.environment = dict(entry.split("=", 1) for entry in text.split("\0") if "=" in entry)
        else:
            code = _CODE.search(command)
            output = self._shell(command, int(code[1]) if code else 0)
        self.done.append(Done(step, output, time.monotonic() - began))

    def _shell(self, command: str, code: int) -> str:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
        assert done.returncode == code, f"{command}\nended with {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def _serve(self, command: str, section: str) -> str:
        """Start what serves until Ctrl-C, in a process group of its own, and wait until it does."""
        log = self.folder / f".walk-{len(self.done)}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # What starts the tests in the background has them ignore Ctrl-C.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )
        aws = "local-aws" in command
        self._servers[process] = "" if aws else section
        until = time.monotonic() + _SECONDS
        while "until Ctrl-C" not in (text := log.read_text("utf-8")) and "with Ctrl-C" not in text:
            assert process.poll() is None, f"{command}\n{text}"
            assert time.monotonic() < until, f"{command}\n{text}"
            time.sleep(0.1)
        if aws:
            self.environment |= dict(re.findall(r"export (\w+)=(\S*)", text))
        return text

    def _end_servers(self, wanted: Callable[[str], bool]) -> None:
        for process, section in list(self._servers.items()):
            if wanted(section):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGINT)
                process.wait(60)
                del self._servers[process]


def _free_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return str(taken.getsockname()[1])
