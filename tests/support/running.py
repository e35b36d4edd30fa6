"""`layerctl run` in a process of its own, and small applications for it."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["ARN", "ECHO", "Running", "alive", "serve", "write_app"]

ARN = "arn:aws:lambda:eu-central-1:123456789012:layer:{}:1"
ECHO = """
import os, sys, time
def handler(event, context):
    path = event.get("rawPath") or event.get("path") or ""
    if path.endswith("/raise"): raise ValueError("on purpose")
    if path.endswith("/sleep"): time.sleep(30)
    if path.endswith("/bad"): return {"statusCode": 200, "body": {}}
    if path.endswith("/pids"): return [os.getpid(), os.getppid()]
    if path.endswith("/meet"):  # returns when two environments are in here
        open(os.path.join(os.environ["MEET"], str(os.getpid())), "w").close()
        while len(os.listdir(os.environ["MEET"])) < 2:
            time.sleep(0.01)
        return os.getpid()
    if path.endswith("/layer"):
        import shared_utils
        return shared_utils.__file__
    print("served", path)
    if "rawPath" not in event: return {"statusCode": 200, "body": path}
    return {"environment": dict(os.environ), "event": event}
"""


def write_app(
    folder: Path, source: str = ECHO, *, events: str = "", more: str = "", template: str | None = None
) -> Path:
    """A folder with a function and its template."""
    folder.mkdir(exist_ok=True)
    (folder / "app.py").write_text(textwrap.dedent(source))
    events = events or "{A: {Type: HttpApi, Properties: {Path: '/http/{proxy+}', Method: ANY}}}"
    default = f"""
    Resources:
      Echo:
        Type: AWS::Serverless::Function
        Properties:
          Runtime: python{sys.version_info.major}.{sys.version_info.minor}
          Handler: app.handler
          Timeout: 20
          CodeUri: .
          Events: {events}
          {more}
    """
    (folder / "template.yaml").write_text(textwrap.dedent(template or default))
    return folder


class Running:
    """A `layerctl run` in a process of its own."""

    def __init__(self, *arguments: str | Path, cwd: Path | None = None) -> None:
        command = [sys.executable, "-m", "layerctl", "run", *map(str, arguments), "--port", "0", "--json"]
        self.process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.events: list[dict[str, Any]] = []
        self._arrived = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.url = self.wait_for(lambda event: event["event"] == "ready")["url"]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._arrived:
                self.events.append(json.loads(line))
                self._arrived.notify_all()
        with self._arrived:
            self.events.append({"event": "end"})
            self._arrived.notify_all()

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first event that fits, seen already or yet to come."""

        def found() -> dict[str, Any] | None:
            return next((event for event in self.events if event["event"] == "end" or wanted(event)), None)

        with self._arrived:
            assert self._arrived.wait_for(found, 60), self.events
            event = found()
        assert event is not None
        assert wanted(event), self.process.stderr.read() if self.process.stderr else ""
        return event

    def ask(self, path: str, method: str = "GET") -> tuple[int, Any]:
        """A request; the status and the body, parsed when it is JSON."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=60)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        try:
            return response.status, json.loads(text)
        except ValueError:
            return response.status, text

    def end(self, number: int = signal.SIGINT) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(60)
        self._reader.join(60)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdout.close()
        self.stderr = self.process.stderr.read()
        self.process.stderr.close()
        return code


@pytest.fixture
def serve() -> Iterator[Callable[..., Running]]:
    """Start `layerctl run`; what is still running at the end of the test is ended."""
    started: list[Running] = []

    def start(*arguments: str | Path, **options: Any) -> Running:
        started.append(Running(*arguments, **options))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.end(signal.SIGTERM)


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
