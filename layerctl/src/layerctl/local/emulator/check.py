"""Whether a function's handler can be imported, found out before anything is served."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from layerctl.local.emulator.process import Emulator

__all__ = ["import_problem"]

INIT_SECONDS = 10  # Lambda quotas: the init phase


def import_problem(emulator: Emulator) -> str | None:
    """Import the handler of a function, as its first invocation would, in a process that ends after it.

    Returns:
        What is wrong, in one line; None when nothing is.
    """
    if problem := emulator.wrapper_problem():
        return problem
    scratch = Path(tempfile.mkdtemp(prefix="layerctl-check-"))
    read, write = os.pipe()
    try:
        command = emulator.command(scratch)
        process = subprocess.Popen(
            [*command.view, *command.bootstrap],
            cwd=emulator.function,
            env={**command.environment, "_LAYERCTL_CHECK_FD": str(write)},
            pass_fds=[write],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(write)
        write = -1
        try:
            process.wait(timeout=INIT_SECONDS)
        except subprocess.TimeoutExpired:
            return f"its import takes more than {INIT_SECONDS} seconds, which is all that Lambda allows"
        finally:
            _kill_group(process)
        os.set_blocking(read, False)
        try:
            said = os.read(read, 10_000).decode("utf-8", "replace")
        except BlockingIOError:
            said = ""
    finally:
        for end in (read, write):
            if end >= 0:
                os.close(end)
        shutil.rmtree(scratch, ignore_errors=True)
    if said == "ok":
        return None
    return " ".join(said.split()) or f"its process ended at import, with exit code {process.returncode}"


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    import contextlib
    import signal

    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
