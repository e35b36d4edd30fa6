"""The emulator's guard: nothing that it started outlives the program that asked for it, however that ends.

Run as ``python -I -S _guard.py COMMAND…`` in a session of its own, with a pipe as standard input whose other end
only that program holds. When the pipe closes (a clean end, a crash, ``kill -9``), the command is asked to end and then
every process of the session is killed: the emulator puts functions into process groups of their own, so a group is
not enough.
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


def session_members() -> Iterator[int]:
    """The ids of the other processes in this session, from /proc (proc(5), stat: field 6)."""
    own = os.getpid()
    for entry in os.listdir("/proc"):  # noqa: PTH208 - pathlib would cost start-up time
        if not entry.isdigit() or int(entry) == own:
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as file:  # noqa: PTH123
                fields = file.read().rpartition(b")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[3]) == own and fields[0] != b"Z":
            yield int(entry)


def kill_session() -> None:
    """Kill every other process of the session; a killed one may have forked meanwhile, so look again."""
    for _ in range(5):
        members = list(session_members())
        for member in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
        if not members:
            return


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
    child = start(sys.argv[1:])
    ending = False
    while True:
        waited_for = [signals_read] if ending else [0, signals_read]
        ready, _, _ = select.select(waited_for, [], [], GRACE_SECONDS if ending else None)
        arrived = os.read(signals_read, 64) if signals_read in ready else b""
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if ending and not ready:
            os.kill(child, signal.SIGKILL)
        if not ending and (0 in ready or any(number in arrived for number in ENDINGS)):
            ending = True
            os.kill(child, signal.SIGTERM)
    kill_session()
    code = os.waitstatus_to_exitcode(status)
    sys.exit(code if code >= 0 else 128 - code)


main()
