"""Managed Instances: the runtime client's own multi-process mode, against a runtime API on loopback.

With ``AWS_LAMBDA_MAX_CONCURRENCY`` awslambdaric forks so many workers before it loads the function; each asks for
invocations by itself, and writes to a Unix socket of its own or, without one in the environment, to the standard output
of all.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from layerctl.local.emulator.runtime import own_interpreter, runtime_packages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("built-layer")]

WORKERS = 4
COUNT = 40
FUNCTION = """
import os, time
from shared_utils import get_logger, instrument, logging, metrics

log = get_logger()
log.info("at init", pid=os.getpid())
metrics.configure(namespace="tests")

@instrument(correlation_id="id")
def handler(event, context):
    logging.bind(bound=event["id"])
    log.info("served", pid=os.getpid(), long="x" * event["size"])
    metrics.count("Served")
    time.sleep(event.get("sleep", 0.02))
    if event.get("fail"):
        raise ValueError("password=hunter2-Sq7xZ")
    return os.getpid()
"""


class RuntimeApi(ThreadingHTTPServer):
    """Lambda's runtime API (Lambda developer guide, "Using the Lambda runtime API"), for many workers at once."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Api)
        self.waiting: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self.answers: queue.Queue[tuple[str, str, Any]] = queue.Queue()


class _Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RuntimeApi

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        request, event = self.server.waiting.get()
        body = json.dumps(event).encode()
        self.send_response(200)
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request,
            "Lambda-Runtime-Trace-Id": f"Root=1-{request};Sampled=1",
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:f",
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + event.get("seconds", 60)) * 1000)),
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request, kind = self.path.rsplit("/", 2)[1:]
        self.server.answers.put((request, kind, json.loads(body)))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()


class LogSockets:
    """Takes what each worker writes to its own connection."""

    def __init__(self, path: str) -> None:
        self.texts: list[bytes] = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(path)
        self._socket.listen()
        self._threads: list[threading.Thread] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._read, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _read(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            self.texts.append(stream.read())

    def close(self) -> list[bytes]:
        """Return what each has written, once all have ended."""
        for thread in self._threads:
            thread.join(30)
        self._socket.close()
        return self.texts


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    """Serve the runtime API on loopback."""
    server = RuntimeApi()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("output", ["sockets", "one pipe"])
def test_workers_serve_at_once_and_say_what_is_theirs(
    built_layer: Path, tmp_path: Path, api: RuntimeApi, output: str
) -> None:
    """Ids, bound values, metrics, exceptions and time-outs are each invocation's; no cold start; lines are whole."""
    function = tmp_path / "function"
    function.mkdir()
    (function / "app.py").write_text(FUNCTION)
    interpreter = own_interpreter()
    packages = runtime_packages(interpreter)
    path = os.pathsep.join([str(function), str(built_layer / "python"), str(packages)])
    environment = {
        "PYTHONPATH": path,
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_port}",
        "AWS_LAMBDA_MAX_CONCURRENCY": str(WORKERS),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "lambda-managed-instances",
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "2048",
        "LAMBDA_TASK_ROOT": str(function),
    }
    sockets = None
    if output == "sockets":
        environment["_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET"] = str(tmp_path / "log")
        sockets = LogSockets(str(tmp_path / "log"))
    for number in range(COUNT):
        event: dict[str, Any] = {"id": f"c-{number}", "size": [10, 5000, 100_000, 250_000][number % 4]}
        if number == 7:
            event["fail"] = True
        if number == 9:
            event |= {"sleep": 1.0, "seconds": 0.9}
        api.waiting.put((f"r-{number}", event))
    process = subprocess.Popen(
        [str(interpreter.path), "-m", "awslambdaric", "app.handler"],
        env=environment,
        cwd=function,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    written: list[bytes] = []
    reader = threading.Thread(target=lambda: written.append(process.stdout.read()))  # type: ignore[union-attr]
    reader.start()
    try:
        answers = [api.answers.get(timeout=60) for _ in range(COUNT)]
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
    reader.join()
    texts = written + (sockets.close() if sockets is not None else [])
    process.stdout.close()  # type: ignore[union-attr]
    workers = {answer for _, kind, answer in answers if kind == "response"}
    assert 1 < len(workers) <= WORKERS
    assert all("hunter2" not in text.decode() for text in texts)
    (failed,) = [answer for _, kind, answer in answers if kind == "error"]
    assert (failed["errorType"], failed["errorMessage"]) == ("ValueError", "password=[REDACTED]")
    assert "hunter2" not in json.dumps(failed)  # nor in the statement that its stack shows
    assert "raise ValueError" in json.dumps(failed)
    lines = [json.loads(line) for text in texts for line in text.splitlines() if line.startswith(b"{")]
    served = [line for line in lines if line.get("message") == "served"]
    assert sorted(line["function_request_id"] for line in served) == sorted(f"r-{number}" for number in range(COUNT))
    for line in served:
        number = line["function_request_id"].removeprefix("r-")
        assert (line["correlation_id"], line["bound"], line["cold_start"]) == (f"c-{number}", f"c-{number}", False)
        assert line["xray_trace_id"] == f"1-r-{number}"
    assert {line["pid"] for line in lines if line.get("message") == "at init"} >= workers
    (warned,) = [line for line in lines if line.get("message") == "the invocation is about to time out"]
    assert (warned["function_request_id"], warned["bound"]) == ("r-9", "c-9")
    assert warned["location"].startswith("handler:")
    (uncaught,) = [line for line in lines if line.get("message") == "uncaught exception"]
    assert uncaught["bound"] == "c-7"
    documents = [line for line in lines if "_aws" in line]
    assert (
        sum(len(document["Served"]) if isinstance(document["Served"], list) else 1 for document in documents) == COUNT
    )
    assert not any("ColdStart" in document for document in documents)
