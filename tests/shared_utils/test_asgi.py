"""Requests to a real uvicorn that serves a real Starlette application: each is an invocation of its own."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route

from shared_utils import get_logger, logging, metrics
from shared_utils.asgi import Instrument
from shared_utils.errors import LoggingError
from shared_utils.invocation import lifecycle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.requests import Request

    from shared_utils.testing import CapturedLogs, CapturedMetrics

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(autouse=True)
def fresh_environment(captured_logs: CapturedLogs, captured_metrics: CapturedMetrics) -> Iterator[None]:
    """Start in a process that has served nothing."""
    lifecycle.reset()
    metrics._registry.reset()
    metrics._registry.sink = captured_metrics._write
    metrics.configure(namespace="tests")
    yield
    assert lifecycle.open_invocations() == []
    metrics._registry.reset()


async def todo(request: Request) -> JSONResponse:
    """Bind, log and count, and let others have their turn in between; in a worker thread too."""
    number = request.path_params["number"]
    logging.bind(user=f"u-{number}")
    metrics.dimensions(kind=f"k-{number}")
    for _ in range(3):
        get_logger().info(f"step-{number}")
        metrics.count("Steps")
        await asyncio.sleep(0.001)
    await run_in_threadpool(logging.info, f"thread-{number}")
    return JSONResponse({"number": number}, background=BackgroundTask(after, number))


async def after(number: int) -> None:
    """Go on when the response has left."""
    await asyncio.sleep(0.01)
    get_logger().info(f"after-{number}")
    metrics.count("After")


async def broken(request: Request) -> None:
    """Fail."""
    logging.bind(user="u-broken")
    raise ValueError("broken")


async def stream(request: Request) -> StreamingResponse:
    """Answer in parts."""

    async def parts() -> AsyncIterator[str]:
        for number in range(3):
            logging.info(f"part-{number}")
            yield str(number)

    return StreamingResponse(parts())


ROUTES = [
    Route("/todos/{number:int}", todo),
    Route("/broken", broken),
    Route("/stream", stream),
    Mount("/inner", routes=[Route("/deep/{name}", lambda request: PlainTextResponse("deep"))]),
]


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve on loopback, and stop."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)


def ask(address: str, **headers: str) -> tuple[int, str]:
    """Return status and body."""
    request = urllib.request.Request(address, headers={name.replace("_", "-"): text for name, text in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def told(captured_logs: CapturedLogs, count: int) -> list[dict[str, Any]]:
    """Return the lines about requests, when so many are there: the last may come after its response has been read."""
    deadline = time.monotonic() + 10
    while len(captured_logs.find(message="request")) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    return captured_logs.find(message="request")


def test_a_request_is_an_invocation(captured_logs: CapturedLogs, captured_metrics: CapturedMetrics) -> None:
    """Method, path, route, status, duration, correlation id, trace: in its lines; what it binds, in no other's."""
    with serving(Instrument(Starlette(routes=ROUTES))) as address:
        assert ask(f"{address}/todos/7?token=c4n4ry", X_Request_Id="c-7", traceparent=TRACE) == (200, '{"number":7}')
        assert ask(f"{address}/inner/deep/x") == (200, "deep")
        assert ask(f"{address}/nothing")[0] == 404
        first, second, third = told(captured_logs, 3)
    assert (first["http_method"], first["http_path"], first["http_status"]) == ("GET", "/todos/7", 200)
    assert (first["http_route"], second["http_route"]) == ("/todos/{number:int}", "/inner/deep/{name}")
    assert (third["http_status"], third.get("http_route")) == (404, None)
    assert (first["correlation_id"], first["user"]) == ("c-7", "u-7")
    assert first["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert first["parent_span_id"] == "00f067aa0ba902b7"
    assert first["duration_ms"] >= 3
    assert "cold_start" not in first
    assert "user" not in second
    assert len(second["correlation_id"]) == 32 != third["correlation_id"]
    for message in ("step-7", "thread-7", "after-7"):
        assert {line["correlation_id"] for line in captured_logs.find(message=message)} == {"c-7"}
    assert captured_metrics.values("Steps", kind="k-7") == [1, 1, 1]
    assert captured_metrics.values("After", kind="k-7") == [1]
    assert "ColdStart" not in captured_metrics.names
    assert "c4n4ry" not in json.dumps(captured_logs)


def test_an_application_that_fails_is_logged_once(captured_logs: CapturedLogs) -> None:
    """One error line with the values bound by then, and the request's line says 500."""
    with serving(Instrument(Starlette(routes=ROUTES))) as address:
        assert ask(f"{address}/broken")[0] == 500
        line = told(captured_logs, 1)[0]
    assert line["http_status"] == 500
    failure = captured_logs.one(message="uncaught exception")
    assert (failure["user"], failure["http_path"]) == ("u-broken", "/broken")
    assert failure["correlation_id"] == line["correlation_id"]


def test_metrics_are_written_before_the_last_part_leaves(captured_metrics: CapturedMetrics) -> None:
    """Lambda may freeze the process with the response's end: by then they are out, and background work adds its own."""
    seen: list[list[Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        metrics.count("Own")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body", "body": b"b"})
        metrics.count("Later")

    async def send(message: Any) -> None:
        seen.append([name for document in captured_metrics._documents for name in document if name in ("Own", "Later")])

    async def main() -> None:
        await Instrument(app)({"type": "http", "method": "GET", "path": "/", "headers": []}, None, send)

    asyncio.run(main())
    assert seen == [[], [], ["Own"]]
    assert captured_metrics.values("Later") == [1]


def test_nothing_of_one_request_is_in_another(captured_logs: CapturedLogs, captured_metrics: CapturedMetrics) -> None:
    """128 at once: ids, values and metrics of each are its own, in its tasks, threads and background work."""
    count = 128
    with serving(Instrument(Starlette(routes=ROUTES))) as address:
        threads = [
            threading.Thread(target=ask, args=(f"{address}/todos/{number}",), kwargs={"X_Request_Id": f"c-{number}"})
            for number in range(count)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        told(captured_logs, count)
    for number in range(count):
        mine = captured_logs.find(correlation_id=f"c-{number}")
        assert len(mine) == 6
        assert {line["http_path"] for line in mine} == {f"/todos/{number}"}
        assert {line["user"] for line in mine} == {f"u-{number}"}
        assert captured_metrics.values("Steps", kind=f"k-{number}") == [1, 1, 1]
        assert captured_metrics.values("After", kind=f"k-{number}") == [1]


def test_the_lambda_web_adapters_context_is_taken_up_in_lambda_only(
    captured_logs: CapturedLogs, captured_metrics: CapturedMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Request id, function, trace and deadline come from its header; outside of Lambda anybody could have sent it."""
    header = json.dumps({"request_id": "r-1", "invoked_function_arn": "arn:f", "deadline": (time.time() + 60) * 1000})
    with serving(Instrument(Starlette(routes=ROUTES))) as address:
        ask(f"{address}/todos/1", x_amzn_lambda_context=header)
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "web")
        ask(f"{address}/todos/2", x_amzn_lambda_context=header, x_amzn_trace_id="Root=1-a;Parent=b")
        ask(f"{address}/todos/3", x_amzn_lambda_context="{broken")
        outside, inside, mistaken = told(captured_logs, 3)
    assert "function_request_id" not in outside
    assert (inside["function_request_id"], inside["function_name"], inside["function_arn"]) == ("r-1", "web", "arn:f")
    assert (inside["xray_trace_id"], inside["cold_start"]) == ("1-a", True)
    assert "function_request_id" not in mistaken
    assert captured_metrics.total("ColdStart", function_name="web") == 1


def test_a_time_out_is_announced(captured_logs: CapturedLogs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the adapter tells the deadline, the warning names the application's line."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "web")

    async def slow(request: Request) -> PlainTextResponse:
        await asyncio.sleep(0.6)
        return PlainTextResponse("late")

    header = json.dumps({"request_id": "r-1", "deadline": time.time() * 1000 + 500})
    with serving(Instrument(Starlette(routes=[Route("/", slow)]))) as address:
        ask(address, x_amzn_lambda_context=header)
    line = captured_logs.one(message="the invocation is about to time out")
    assert line["location"].startswith("slow:")
    assert line["function_request_id"] == "r-1"


def test_streams_websockets_and_the_applications_life(captured_logs: CapturedLogs) -> None:
    """Parts belong to their request; a WebSocket is an invocation without a request's line; lifespan passes through."""
    began: list[bool] = []

    async def lifespan(app: Any) -> AsyncIterator[None]:
        began.append(lifecycle.here() is None)
        yield

    from contextlib import asynccontextmanager

    with serving(Instrument(Starlette(routes=ROUTES, lifespan=asynccontextmanager(lifespan)))) as address:
        assert ask(f"{address}/stream", X_Request_Id="c-1") == (200, "012")
        told(captured_logs, 1)
    assert began == [True]
    assert {line["correlation_id"] for line in captured_logs if "http_path" in line} == {"c-1"}
    assert len(captured_logs.find(http_path="/stream")) == 4

    async def socket_app(scope: Any, receive: Any, send: Any) -> None:
        logging.info("in a socket")

    async def main() -> None:
        await Instrument(socket_app)({"type": "websocket", "path": "/ws", "headers": []}, None, None)

    asyncio.run(main())
    assert captured_logs.one(message="in a socket")["http_method"] == "WEBSOCKET"
    assert len(captured_logs.find(message="request")) == 1


def test_twice_around_is_once(captured_logs: CapturedLogs) -> None:
    """Around the application and again as its middleware: one invocation for each request, one line."""
    with serving(Instrument(Instrument(Starlette(routes=ROUTES)))) as address:
        ask(f"{address}/todos/1")
        assert len(told(captured_logs, 1)) == 1


@pytest.mark.parametrize("header", ["", "no", TRACE.upper(), f"ff{TRACE[2:]}", f"00-{'0' * 32}-{'1' * 16}-01"])
def test_a_broken_traceparent_is_left_out(captured_logs: CapturedLogs, header: str) -> None:
    """What W3C Trace Context calls invalid is ignored."""
    with serving(Instrument(Starlette(routes=ROUTES))) as address:
        ask(f"{address}/inner/deep/x", traceparent=header)
        assert "trace_id" not in told(captured_logs, 1)[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"app": 5}, "expected an ASGI application"),
        ({"correlation_id": 5}, "correlation_id=5"),
        ({"correlation_id": "x y"}, "correlation_id='x y'"),
        ({"log_requests": "yes"}, "log_requests='yes'"),
        ({"timeout_warning": 1}, "timeout_warning=1"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], said: str) -> None:
    """By name and value."""
    with pytest.raises(LoggingError, match=said):
        Instrument(**{"app": lambda scope, receive, send: None, **arguments})
