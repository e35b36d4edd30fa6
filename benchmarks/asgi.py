"""128 requests at once through a real uvicorn on loopback: whether anything of one gets into another, and the cost.

The application tells in each answer whose context it ran in, and the client compares. Bounded in requests and in time.
Run alone: ``python -m benchmarks.asgi``.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import re
import socket
import subprocess
import sys
import time
from statistics import quantiles
from typing import TYPE_CHECKING, Any

from benchmarks.alone import main
from benchmarks.samples import Comparison, Series

if TYPE_CHECKING:
    from collections.abc import Callable

AT_ONCE = 128
REQUESTS = 100_000  # those that are looked at for leaks
SAMPLED = 12_800  # those of each application whose time is compared, in turns of ROUND
ROUND = 1_280
SECONDS = 240  # whatever happens, it ends


def application() -> Any:
    """Return an application that logs, counts, waits its turn, and answers with what its context says."""
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    from shared_utils import get_logger, logging, metrics
    from shared_utils.logging.context import bound_values
    from shared_utils.logging.state import current

    log = get_logger()
    metrics.configure(namespace="benchmark")

    async def answer(request: Any) -> Any:
        number = request.path_params["number"]
        logging.bind(number=number)
        metrics.count("Requests")
        log.info("asked")
        await asyncio.sleep(0)
        return JSONResponse([bound_values().get("number"), current().correlation_id])

    return Starlette(routes=[Route("/{number}", answer)])


def serve(kind: str, port: str) -> None:
    """Serve one application until the process is ended."""
    import uvicorn

    from shared_utils.asgi import Instrument

    app = application()
    uvicorn.run(
        Instrument(app, timeout_warning=False) if kind == "ours" else app,
        port=int(port),
        log_config=None,
        access_log=False,
        lifespan="off",
    )


class Server:
    """A server in a process of its own, its lines thrown away."""

    def __init__(self, kind: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        command = [sys.executable, "-c", f"from benchmarks.asgi import serve; serve({kind!r}, {str(self.port)!r})"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "LOG_LEVEL": "INFO"})
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise SystemExit("error: the server did not start within 30 seconds")

    def stop(self) -> None:
        """End the process, which is our own."""
        self.process.terminate()
        self.process.wait(30)


async def ask(port: int, numbers: list[int], took: list[float], leaks: list[str], *, ours: bool) -> None:
    """Send requests one after the other on one connection; note how long each took, and what it should not have had."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for number in numbers:
            began = time.perf_counter()
            writer.write(f"GET /{number} HTTP/1.1\r\nhost: x\r\nx-request-id: c-{number}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
            assert length is not None, head
            body = json.loads(await reader.readexactly(int(length[1])))
            took.append(time.perf_counter() - began)
            if ours and body != [str(number), f"c-{number}"]:
                leaks.append(f"{number}: {body}")
    finally:
        writer.close()


async def burst(port: int, count: int, *, ours: bool, stop_at: float) -> tuple[list[float], list[str]]:
    """Send `count` requests over as many connections as there are at once."""
    took: list[float] = []
    leaks: list[str] = []
    numbers = list(range(count))
    async with asyncio.timeout(max(1.0, stop_at - time.monotonic())):
        await asyncio.gather(*(ask(port, numbers[first::AT_ONCE], took, leaks, ours=ours) for first in range(AT_ONCE)))
    return took, leaks


def measure() -> tuple[list[Comparison], list[Series]]:
    """Run the load; both applications in turns, then ours alone until so many requests have been looked at."""
    stop_at = time.monotonic() + SECONDS
    servers = {kind: Server(kind) for kind in ("ours", "bare")}
    took: dict[str, list[float]] = {"ours": [], "bare": []}
    leaks: list[str] = []
    try:
        for _ in range(SAMPLED // ROUND):
            for kind, server in servers.items():
                times, found = asyncio.run(burst(server.port, ROUND, ours=kind == "ours", stop_at=stop_at))
                took[kind] += times
                leaks += found
        _, found = asyncio.run(burst(servers["ours"].port, REQUESTS - SAMPLED, ours=True, stop_at=stop_at))
        leaks += found
    finally:
        for server in servers.values():
            server.stop()
    where = platform.python_version()
    cost = _own_cost()
    rows = [
        Comparison(
            "asgi", f"context leaks in {REQUESTS:,} requests", "limit: none", len(leaks), 1, "leaks", 0.0, where
        ),
        Comparison("asgi", "the middleware's own cost, p99", "application alone", *cost, "µs", None, where),
    ]
    for name, percentile in (("median", 50), ("p99", 99)):
        figures = {kind: quantiles(values, n=100)[percentile - 1] * 1000 for kind, values in took.items()}
        work = f"a request among {AT_ONCE} at once, {name}"
        rows.append(Comparison("asgi", work, "bare application", figures["ours"], figures["bare"], "ms", None, where))
    return rows, []


def _own_cost() -> tuple[float, float]:
    """Return p99 of a request with and without the middleware, in microseconds, without a server around them."""
    from shared_utils.asgi import Instrument

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 - ASGI's signature
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def send(message: Any) -> None:
        pass

    async def receive() -> Any:
        return {"type": "http.request"}

    def scope() -> dict[str, Any]:
        return {"type": "http", "method": "GET", "path": "/", "headers": [(b"x-request-id", b"c-1")], "root_path": ""}

    async def time_each(call: Callable[..., Any]) -> list[float]:
        took = []
        for _ in range(5000):
            request = scope()
            began = time.perf_counter()
            await call(request, receive, send)
            took.append((time.perf_counter() - began) * 1e6)
        return took

    instrumented = Instrument(app, log_requests=False, timeout_warning=False)
    both: tuple[list[float], list[float]] = ([], [])
    for _ in range(4):
        both[0].extend(asyncio.run(time_each(instrumented)))
        both[1].extend(asyncio.run(time_each(app)))
    return quantiles(both[0], n=100)[98], quantiles(both[1], n=100)[98]


if __name__ == "__main__":
    sys.exit(main("asgi", __doc__, measure))
