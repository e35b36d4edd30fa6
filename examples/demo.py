"""Calls every route of both examples, in AWS's runtime emulator on the layer that SAM built; shows and checks it all.

`make demo` runs it. It ends by itself, with exit code 1 when anything is not as it should be.
"""

from __future__ import annotations

import argparse
import http.client
import json
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
LAYER = ROOT / ".aws-sam" / "build" / "SharedUtilsLayer"
EXAMPLES = ("examples/todos", "examples/users")
START_SECONDS = 120
ANSWER_SECONDS = 60

console = Console(highlight=False)
highlight = JSONHighlighter()


@dataclass(frozen=True)
class Call:
    """One request, and what must come of it.

    Attributes:
        cold: whether it is the first that its function sees.
        metric: the metric that it must count, and how many.
    """

    method: str
    path: str
    status: int
    function: str
    body: Any = None
    cold: bool = False
    metric: tuple[str, int] | None = None


@dataclass
class Outcome:
    """What came of a call: the response, and what the function wrote meanwhile."""

    status: int
    content_type: str
    document: Any
    milliseconds: float
    logs: list[dict[str, Any]] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    other: list[str] = field(default_factory=list)


class Server:
    """`layerctl run` on both examples; a context manager."""

    def __init__(self, layer: Path) -> None:
        self._layer = layer

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "layerctl", "run", *EXAMPLES, "--port", "0", "--json"]
        command += ["--layer", f"shared-utils={self._layer}"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.events: queue.Queue[dict[str, Any] | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.put(json.loads(line))
        self.events.put(None)

    def next(self, seconds: float) -> dict[str, Any]:
        """The next event; what `layerctl run` itself had to say against it is on standard error."""
        try:
            event = self.events.get(timeout=seconds)
        except queue.Empty:
            raise SystemExit(f"demo: nothing from `layerctl run` for {seconds} seconds") from None
        if event is None:
            raise SystemExit("demo: `layerctl run` ended before its time")
        return event

    def ready(self) -> str:
        """Wait until the functions are served; return where."""
        while True:
            event = self.next(START_SECONDS)
            if event["event"] == "note":
                console.print(f"note: {event['text']}", style="yellow", soft_wrap=True)
            elif event["event"] == "ready":
                for served in event["functions"]:
                    layers = ", ".join(layer.removeprefix(f"{ROOT}/") for layer in served["layers"])
                    console.print(f"{served['function']} on Python {served['interpreter']} with {layers}", style="dim")
                return str(event["url"])

    def call(self, url: str, call: Call) -> Outcome:
        """Send a request; collect the response and what was written until it was answered."""
        body = None if call.body is None else call.body if isinstance(call.body, str) else json.dumps(call.body)
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=ANSWER_SECONDS)
        started = time.monotonic()
        connection.request(call.method, call.path, body, {"content-type": "application/json"} if body else {})
        response = connection.getresponse()
        text = response.read()
        milliseconds = (time.monotonic() - started) * 1000
        connection.close()
        outcome = Outcome(response.status, response.headers["content-type"], json.loads(text), milliseconds)
        while (event := self.next(ANSWER_SECONDS))["event"] != "request":
            if event["event"] == "log" and event["kind"] == "function":
                sort(event["line"], outcome)
            elif event["event"] == "problem":
                outcome.other.append(event["text"])
        return outcome


def sort(line: str, outcome: Outcome) -> None:
    """Tell log lines, metric documents and everything else apart."""
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        outcome.other.append(line)
    elif "_aws" in record:
        outcome.metrics.append(record)
    else:
        outcome.logs.append(record)


def problems(call: Call, outcome: Outcome, version: str) -> list[str]:
    """Everything about an outcome that is not as it should be."""
    found = []
    if outcome.status != call.status:
        found.append(f"status {outcome.status} instead of {call.status}")
    expected_type = "application/json" if call.status < 400 else "application/problem+json"
    if not outcome.content_type.startswith(expected_type):
        found.append(f"content type {outcome.content_type} instead of {expected_type}")
    if outcome.document.get("version") != version:
        found.append(f"version {outcome.document.get('version')} instead of the layer's {version}")
    if call.status >= 400 and outcome.document.get("status") != call.status:
        found.append("the problem document does not carry its status")
    if not outcome.logs:
        found.append("no log line in JSON")
    for record in outcome.logs:
        if not record.get("function_request_id"):
            found.append("a log line without function_request_id")
        if record.get("cold_start") is not call.cold:
            found.append(f"cold_start is {record.get('cold_start')} instead of {call.cold}")
    if call.metric:
        name, value = call.metric
        if [value] not in [as_list(document.get(name)) for document in outcome.metrics]:
            found.append(f"no metric document with {name} = {value}")
    found += [f"unexpected output: {line}" for line in outcome.other]
    return found


def as_list(value: Any) -> list[Any]:
    """A metric's values: EMF has one alone, or several in a list."""
    return value if isinstance(value, list) else [value]


def show(call: Call, outcome: Outcome, found: list[str]) -> None:
    """Print a call for people: what came back, and the lines as the function wrote them."""
    colour = "green" if outcome.status < 400 else "yellow" if outcome.status < 500 else "red"
    title = Text.assemble((f"{call.method} {call.path}", "bold"), "  ", (str(outcome.status), f"bold {colour}"))
    title.append(f"  {outcome.milliseconds:.0f} ms", "dim")
    console.print()
    console.print(Rule(title, align="left", style="dim"))
    if call.body is not None:
        labelled("sent", json.dumps(call.body))
    labelled("answer", json.dumps(outcome.document, ensure_ascii=False))
    for record in outcome.logs:
        labelled("log", json.dumps(record, ensure_ascii=False), "cyan")
    for record in outcome.metrics:
        labelled("metric", summary(record), "magenta")
        labelled("", json.dumps(record))
    for problem in found:
        labelled("WRONG", problem, "bold red")


def labelled(label: str, text: str, style: str = "dim") -> None:
    """Print a text behind its label: indented on a terminal, else in one line, however long it is."""
    start, rest = Text(f"  {label:<8}", style), highlight(Text(text))
    if not console.is_terminal:
        console.print(start + rest, soft_wrap=True)
        return
    grid = Table.grid()
    grid.add_column(width=10)
    grid.add_column(overflow="fold")
    grid.add_row(start, rest)
    console.print(grid)


def summary(document: dict[str, Any]) -> str:
    """What a metric document says, in one line."""
    parts = []
    for directive in document["_aws"]["CloudWatchMetrics"]:
        dimensions = " ".join(f"{name}={document[name]}" for names in directive["Dimensions"] for name in names)
        for metric in directive["Metrics"]:
            values = " ".join(f"{value:g}" for value in as_list(document[metric["Name"]]))
            parts.append(f"{directive['Namespace']} {metric['Name']} = {values} {metric['Unit']} ({dimensions})")
    return ", ".join(parts)


def layer_version(layer: Path) -> str:
    """The version of shared-utils in a layer's folder."""
    for distribution in distributions(name="shared-utils", path=[str(layer / "python")]):
        return distribution.version
    raise SystemExit(f"demo: {layer} holds no shared-utils; run `sam build`")


def main() -> int:
    """Play the demonstration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--layer", type=Path, default=LAYER, help="the layer's folder (default: as `sam build` made it)"
    )
    layer = parser.parse_args().layer.resolve()
    version = layer_version(layer)
    console.print(Rule(f"shared-utils {version}: two services on one layer", style="bold"))
    wrong = 0
    calls = 0
    with Server(layer) as server:
        url = server.ready()

        def play(call: Call) -> Outcome:
            nonlocal wrong, calls
            outcome = server.call(url, call)
            found = problems(call, outcome, version)
            show(call, outcome, found)
            wrong += bool(found)
            calls += 1
            return outcome

        play(Call("GET", "/todos", 200, "TodosFunction", cold=True, metric=("TodosListed", 3)))
        new = {"title": "Write a handler with the layer"}
        created = play(Call("POST", "/todos", 201, "TodosFunction", body=new)).document
        play(Call("GET", f"/todos/{created.get('todo', {}).get('id')}", 200, "TodosFunction"))
        play(Call("GET", "/todos/none", 404, "TodosFunction"))
        play(Call("POST", "/todos", 400, "TodosFunction", body={"title": ""}))
        listed = play(Call("GET", "/users", 200, "UsersFunction", cold=True, metric=("UsersListed", 2))).document
        play(Call("GET", f"/users?cursor={listed.get('next')}", 200, "UsersFunction", metric=("UsersListed", 1)))
        play(Call("GET", "/users/ada", 200, "UsersFunction"))
        play(Call("GET", "/users/nobody", 404, "UsersFunction"))
        play(Call("GET", "/users?cursor=0.forged", 400, "UsersFunction"))
    if server.process.returncode != 0:
        console.print(f"`layerctl run` ended with exit code {server.process.returncode}", style="bold red")
        wrong += 1
    console.print()
    if wrong:
        console.print(f"{wrong} of {calls} calls went wrong", style="bold red")
        return 1
    console.print(f"{calls} calls, everything as it should be", style="bold green")
    return 0


if __name__ == "__main__":
    sys.exit(main())
