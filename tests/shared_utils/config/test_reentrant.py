"""Reads that interrupt reads: in a signal handler, while the same thread is in the middle of one; and at exit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import shared_utils
from shared_utils import config
from shared_utils.config.client import client
from tests.support.fake_aws import Answer, FakeSsm

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.fake_aws import Call, Server

    Serve = Callable[..., Server]


def within(seconds: float, work: Callable[[], Any]) -> Any:
    """Return what `work` returns; fail when it hangs."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(work()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert results, "it hangs"
    return results[0]


@pytest.mark.parametrize("lock", ["_cache._lock", "_lock", "_transport._pool._lock", "_transport._credentials._lock"])
def test_no_lock_stops_its_own_thread(serve: Serve, monkeypatch: pytest.MonkeyPatch, lock: str) -> None:
    """A thread that is interrupted while it holds any of the locks can read from there."""
    serve(FakeSsm(**{"/a": "1", "/b": "2"}))
    config.get("ssm:///a")
    held: Any = client()
    for name in lock.split("."):
        held = getattr(held, name)

    def interrupted() -> Any:
        with held:
            return config.get("ssm:///b")

    assert within(5, interrupted) == "2"


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no signals here")
@pytest.mark.parametrize("reference", ["ssm:///a", "ssm:///b"])
def test_a_signal_handler_may_read(serve: Serve, reference: str) -> None:
    """A handler that runs in the middle of a read reads the same value, or another one, without waiting for itself."""
    ssm = FakeSsm(**{"/a": "1", "/b": "2"})
    handled: list[Any] = []
    interrupted = threading.Event()

    def answer(call: Call) -> Answer:
        if not interrupted.is_set():  # the main thread waits for this answer
            interrupted.set()
            os.kill(os.getpid(), signal.SIGUSR1)
            done.wait(10)
        return ssm(call)

    def handler(*_: object) -> None:
        handled.append(config.get(reference))
        done.set()

    done = threading.Event()
    server = serve(answer)
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        assert config.get("ssm:///a") == "1"
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert handled == ["1" if reference == "ssm:///a" else "2"]
    assert len(server.calls) == 2
    assert config.get("ssm:///a") == "1"
    assert len(server.calls) == 2


def test_reads_at_exit(serve: Serve) -> None:
    """A function that the interpreter calls when it ends can read one value, and many side by side."""
    server = serve(FakeSsm(**{f"/{number}": str(number) for number in range(25)}))
    program = """
import atexit
from shared_utils import config
fields = {f"p{number}": config.ssm(f"/{number}") for number in range(24)}
Settings = type("Settings", (config.Settings,), fields)

@atexit.register
def at_exit():
    print(config.get("ssm:///24"), Settings.load().p23)
"""
    variables = {**os.environ, "PYTHONPATH": str(Path(shared_utils.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60, env=variables
    )
    assert (done.stdout, done.stderr) == ("24 23\n", "")
    assert len(server.calls) == 4
