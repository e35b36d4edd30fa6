"""What the emulator and the function write, taken apart as it comes."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

__all__ = ["InvocationRecord", "LogLine", "Output"]

_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# The emulator's own lines. The function's last one may lack its line end (a traceback in text mode does), and then
# one of these is glued to it; all of them run to the end of the line.
_PLATFORM = re.compile(
    rf"(?P<before>.*?)(?P<line>START RequestId: (?P<start>{_ID}) Version: \S+|END RequestId: {_ID}"
    rf"|REPORT RequestId: {_ID}\t(?:Init Duration: \S+ ms\t)?Duration: (?P<duration>[\d.]+) ms\t.*)",
    re.DOTALL,
)
_INIT = re.compile(r"INIT REPORT\(durationMs: ([\d.]+)\)")
_INVOKE_OVER = re.compile(r"INVOKE RTDONE|Invoke DONE failed|Reset initiated: ")
_EXTENSION = re.compile(r"Process extension-(.+)-\d+ exited: (.+)")
# How long an answer waits for its last lines, which are in the pipe already unless the machine is badly overloaded.
_PATIENCE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line, without its line end.

    Attributes:
        kind: ``function`` (the function wrote it), ``platform`` (START, END, REPORT), ``emulator`` (its own talk).
    """

    kind: Literal["function", "platform", "emulator"]
    text: str


@dataclass(frozen=True, slots=True)
class InvocationRecord:
    """What was written between the begin and the end of an invocation."""

    lines: tuple[str, ...]
    init_ms: float | None
    duration_ms: float | None
    request_id: str
    log: tuple[str, ...]
    crash: str | None


class Output:
    """Reads both pipes of an emulator. The function's output and the START and REPORT lines share one of them."""

    def __init__(self, process: subprocess.Popen[bytes], on_line: Callable[[LogLine], None] | None) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self.platform: list[str] = []  # the emulator's own talk, for its error messages
        self._on_line = on_line
        self._changed = threading.Condition()
        self._lines: list[str] = []
        self._log: list[str] = []  # with the platform's lines
        self._inits: list[float] = []
        self._duration: float | None = None
        self._request_id = ""
        self._over = False
        self._crash: str | None = None
        self._pipes = [process.stdout, process.stderr]
        self._threads = [
            threading.Thread(target=self._read, args=(pipe, take), daemon=True)
            for pipe, take in ((process.stdout, self._take_output), (process.stderr, self._take_talk))
        ]
        for thread in self._threads:
            thread.start()

    def begin(self) -> None:
        """Start an invocation. Lines that a thread of the function wrote since the last one stay, and belong to it."""
        with self._changed:
            self._inits.clear()
            self._duration = None
            self._request_id = ""
            self._over = False
            self._crash = None

    def finish(self) -> InvocationRecord:
        """End the invocation whose answer has come: wait for its last lines and hand them over."""
        with self._changed:
            self._changed.wait_for(lambda: self._duration is not None or self._over, _PATIENCE_SECONDS)
            # A process that died has no REPORT line; one that answered has both, in two pipes.
            self._changed.wait_for(lambda: self._over and self._duration is not None, 0.1)
            init = max(self._inits, default=None)
            record = InvocationRecord(
                tuple(self._lines), init, self._duration, self._request_id, tuple(self._log), self._crash
            )
            self._lines.clear()
            self._log.clear()
            return record

    def close(self) -> None:
        """Read what is left after the emulator's end."""
        for thread, pipe in zip(self._threads, self._pipes, strict=True):
            thread.join(timeout=5)
            if not thread.is_alive():  # closing a pipe under its reader would wait for the reader
                pipe.close()

    def _read(self, pipe: IO[bytes], take: Callable[[str], None]) -> None:
        for raw in pipe:
            take(raw.decode("utf-8", "replace").rstrip("\n"))

    def _take_output(self, line: str) -> None:
        match = _PLATFORM.fullmatch(line)
        if match is None:
            self._function_line(line)
            return
        if match["before"]:
            self._function_line(match["before"])
        with self._changed:
            self._log.append(match["line"])
            if match["start"]:
                self._request_id = match["start"]
            if match["duration"]:
                self._duration = float(match["duration"])
            self._changed.notify_all()
        self._tell(LogLine("platform", match["line"]))

    def _function_line(self, line: str) -> None:
        with self._changed:
            self._lines.append(line)
            self._log.append(line)
        self._tell(LogLine("function", line))

    def _take_talk(self, line: str) -> None:
        with self._changed:
            self.platform.append(line)
            del self.platform[:-50]
            if found := _INIT.search(line):
                self._inits.append(float(found[1]))
            if found := _EXTENSION.search(line):
                self._crash = f"the extension {found[1]} of a layer ended ({found[2]})"
            if _INVOKE_OVER.search(line):
                self._over = True
            self._changed.notify_all()
        self._tell(LogLine("emulator", line))

    def _tell(self, line: LogLine) -> None:
        if self._on_line is not None:
            self._on_line(line)
