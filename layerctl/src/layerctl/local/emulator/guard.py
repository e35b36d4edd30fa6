"""The emulator's guard: nothing that it started outlives the program that asked for it, however that ends.

Run as ``python -I -S guard.py COMMAND…`` in a session of its own, with a pipe as standard input whose other end
only that program holds. When the pipe closes (a clean end, a crash, ``kill -9``), the command is asked to end and then
everything that came of it is killed: the emulator puts functions into process groups of their own, and a function may
start what makes itself independent, so a group is not enough.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys

TYPE_CHECKING = False  # as typing's, whose import would cost start-up time
if TYPE_CHECKING:
    from collections.abc import Iterator

ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
GRACE_SECONDS = 1.0


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends (prctl(2), PR_SET_CHILD_SUBREAPER)."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import ctypes

        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def descendants() -> Iterator[int]:
    """The ids of our children, and of what else is in our session, from /proc (proc(5), stat: fields 3, 4 and 6)."""
    own = os.getpid()
    for entry in os.listdir("/proc"):  # noqa: PTH208 - pathlib would cost start-up time
        if not entry.isdigit() or int(entry) == own:
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as file:  # noqa: PTH123
                state, parent, _, session = file.read().rpartition(b")")[2].split()[:4]
        except OSError:  # it has just ended
            continue
        if own in (int(parent), int(session)) and state != b"Z":
            yield int(entry)


def kill_descendants() -> None:
    """Kill them; what they leave behind becomes our child, so look again until there is nothing."""
    for _ in range(100):
        found = list(descendants())
        for process in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        if not found:
            return
        select.select([], [], [], 0.01)


def reap(child: int) -> int | None:
    """Take note of children that have ended; the exit status of `child` when it is one of them."""
    status = None
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                status = ended[1]
    return status


def start(command: list[str]) -> int:
    """Start the command, without our standard input, and return its process id."""
    child = os.fork()
    if child == 0:
        try:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.execv(command[0], command)  # noqa: S606 - a list, no shell
        finally:
            os._exit(127)
    return child


def main() -> None:
    """Start the command, wait for its end or for ours, clean up."""
    signals_read, signals_write = os.pipe()
    os.set_blocking(signals_write, False)
    signal.set_wakeup_fd(signals_write)
    for number in (signal.SIGCHLD, *ENDINGS):
        signal.signal(number, lambda *_: None)
    adopt_orphans()
    child = start(sys.argv[1:])
    ending = False
    while True:
        waited_for = [signals_read] if ending else [0, signals_read]
        ready, _, _ = select.select(waited_for, [], [], GRACE_SECONDS if ending else None)
        arrived = os.read(signals_read, 64) if signals_read in ready else b""
        status = reap(child)
        if status is not None:
            break
        if ending and not ready:
            os.kill(child, signal.SIGKILL)
        if not ending and (0 in ready or any(number in arrived for number in ENDINGS)):
            ending = True
            os.kill(child, signal.SIGTERM)
    kill_descendants()
    code = os.waitstatus_to_exitcode(status)
    sys.exit(code if code >= 0 else 128 - code)


main()
