"""Forked children: what they keep, and what they must not share with their parent."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import shared_utils
from tests.support.fake_aws import Answer, FakeAppConfigData, FakeSsm

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.fake_aws import Call, Server

    Serve = Callable[..., Server]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


def run(program: str) -> None:
    """Run a program that forks; its exit code is the child's."""
    variables = {**os.environ, "PYTHONPATH": str(Path(shared_utils.__file__).parents[1])}
    start = """
        import os, threading
        from shared_utils import config
        from shared_utils.config.client import client

        def in_a_child(work):
            child = os.fork()
            if child == 0:
                threading.Timer(10, lambda: os._exit(9)).start()
                try:
                    work()
                except BaseException as error:
                    os.write(2, repr(error).encode())
                    os._exit(1)
                os._exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

        def held_elsewhere(*locks):
            taken = threading.Event()
            def hold():
                for lock in locks:
                    lock.acquire()
                taken.set()
                threading.Event().wait(20)
            threading.Thread(target=hold, daemon=True).start()
            taken.wait(5)
    """
    code = textwrap.dedent(start) + textwrap.dedent(program)
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=variables)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_child_reads_for_itself(serve: Serve) -> None:
    """A child keeps the values, and is not stopped by locks that another thread of its parent held."""
    ssm = FakeSsm(**{"/a": "1", "/later": "value"})
    ssm.types["/later"] = "SecureString"
    server = serve(ssm)
    run("""
        from shared_utils.redaction import values
        assert config.get("ssm:///a", type=int) == 1
        transport = client()._transport
        held_elsewhere(client()._cache._lock, client()._lock, transport._pool._lock, values._lock)
        in_a_child(lambda: (config.get("ssm:///a", type=int), config.get("ssm:///later", type=config.Secret)))
    """)
    assert server.operations == ["GetParameter", "GetParameter"]
    assert server.connections == 2


def test_a_read_under_way_in_the_parent_is_not_waited_for(serve: Serve, tmp_path: Path) -> None:
    """A value that another thread of the parent was reading is read by the child itself."""
    ssm = FakeSsm(**{"/a": "1"})
    calls: list[Call] = []

    def answer(call: Call) -> Answer | None:
        calls.append(call)
        if len(calls) == 1:
            (tmp_path / "asked").touch()
            server.stopping.wait(30)
            return None
        return ssm(call)

    server = serve(answer)
    run(f"""
        threading.Thread(target=lambda: config.get("ssm:///a"), daemon=True).start()
        while not os.path.exists({str(tmp_path / "asked")!r}):
            threading.Event().wait(0.01)
        def child():
            assert config.get("ssm:///a") == "1"
        in_a_child(child)
        os._exit(0)
    """)
    assert len(calls) == 2


def test_a_child_has_an_appconfig_session_of_its_own(serve: Serve) -> None:
    """The session's token is single-use: the child starts a session anew, and the parent's token stays good."""
    data = FakeAppConfigData(interval=0)
    server = serve(data)
    run("""
        def read():
            assert config.get("appconfig://a/b/c", max_age=0) == {"page_size": 20}
        read()
        in_a_child(read)
        read()
    """)
    sent = [call.query["configuration_token"] for call in server.calls if call.operation == "/configuration"]
    assert len(sent) == len(set(sent)) == 3
    assert server.operations.count("/configurationsessions") == 2
