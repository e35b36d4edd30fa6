"""The HTTP side: one thread per connection, on 127.0.0.1 only, for requests that name this machine.

A page on the internet could let its own name resolve to 127.0.0.1 and have the browser call us (DNS rebinding); such a
request carries that name in its Host header, and is refused.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Protocol

from layerctl.core.errors import LayerctlError
from layerctl.local.gateway.request import Request, event_for
from layerctl.local.gateway.response import Response, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from layerctl.local.gateway.router import Router
    from layerctl.templates.sam import Route

__all__ = ["Gateway", "Invoke"]

MAX_BODY = 10 * 1024 * 1024  # API Gateway quotas: payload size
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_LOCAL_NAMES = {"127.0.0.1", "localhost"}
_IDLE_SECONDS = 30.0  # how long a silent client keeps its thread


class Invoke(Protocol):
    """Runs a function on an event and makes its answer a response; never raises."""

    def __call__(self, route: Route, event: dict[str, Any], /) -> Response:
        """Return the response to one request."""


class Gateway:
    """Serves routes until it is closed.

    Args:
        router: the routes; each leads to what runs its function.
        port: 0 takes any free one.
        on_request: told of each request when it is answered: request, route key or None, status, seconds.

    Raises:
        LayerctlError: the port is taken, or not ours to take.
    """

    def __init__(
        self,
        router: Router[Invoke],
        port: int,
        *,
        on_request: Callable[[Request, str | None, int, float], None] | None = None,
    ) -> None:
        self._router = router
        self._on_request = on_request
        # Without any HTTP API, an unknown route is answered as REST APIs do.
        self._api = "http" if any(route.api == "http" for route in router.routes) or not router.routes else "rest"
        try:
            self._server = _Server(("127.0.0.1", port), self._handler())
        except OSError as error:
            raise LayerctlError(
                f"port {port} on 127.0.0.1 cannot be used: {error.strerror}",
                remedy="choose another with --port (0 takes any free one)",
            ) from None
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1})

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        """Serve, in a thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop serving and free the port; requests under way are cut off."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[_Handler]:
        return type("_BoundHandler", (_Handler,), {"answer": lambda _, request: self._answer(request)})

    def _answer(self, request: Request) -> Response:
        started = time.monotonic()
        match = self._router.match(request.method, request.raw_path)
        if match is None:
            response = refusal(404 if self._api == "http" else 403, api=self._api)
        else:
            response = match.target(match.route, event_for(request, match.route, match.parameters))
        if self._on_request is not None:
            key = match.route.key if match else None
            self._on_request(request, key, response.status, time.monotonic() - started)
        return response


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is none of our business; our own faults must not be silent."""
        import sys

        error = sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _BadRequestError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    answer: Callable[[Request], Response]

    def setup(self) -> None:
        """Small responses go out at once."""
        super().setup()
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _serve(self) -> None:
        try:
            self._check_host()
            body = self._read_body()
        except _BadRequestError as error:
            self.close_connection = True  # what is left of the request cannot be told from the next one
            self._write(refusal(error.status, str(error)))
            return
        except TimeoutError:
            self.close_connection = True
            return
        request = Request(
            self.command, self.path, list(self.headers.items()), body, self.request_version, self.client_address[0]
        )
        self._write(self.answer(request))

    do_DELETE = do_GET = do_HEAD = do_OPTIONS = do_PATCH = do_POST = do_PUT = _serve  # noqa: N815 - http.server's names

    def _check_host(self) -> None:
        hosts = self.headers.get_all("host") or []
        if len(hosts) != 1:
            raise _BadRequestError(400, "expected one Host header")
        name, _, port = hosts[0].strip().partition(":")
        if name.lower() not in _LOCAL_NAMES or (port and not port.isdigit()):
            raise _BadRequestError(403, f"this server answers to 127.0.0.1 and localhost, not to {hosts[0][:80]!r}")
        if not self.path.startswith("/"):
            raise _BadRequestError(400, "expected a path")

    def _read_body(self) -> bytes:
        coding = (self.headers.get("transfer-encoding") or "").strip().lower()
        lengths = self.headers.get_all("content-length") or []
        if coding:
            if lengths or coding != "chunked":
                raise _BadRequestError(400, "expected Content-Length or Transfer-Encoding: chunked")
            return self._read_chunks()
        if not lengths:
            return b""
        if len(set(lengths)) != 1 or not (lengths[0].isascii() and lengths[0].isdigit()):
            raise _BadRequestError(400, "Content-Length is not a number")
        return self._read_exactly(int(lengths[0]))

    def _read_chunks(self) -> bytes:
        """RFC 9112, section 7.1. Extensions and trailers are read and dropped."""
        parts: list[bytes] = []
        total = 0
        while True:
            size_text = self.rfile.readline(1024).split(b";")[0].strip()
            try:
                size = int(size_text, 16) if size_text.isalnum() else -1
            except ValueError:
                size = -1
            if size < 0:
                raise _BadRequestError(400, "a chunk without a size")
            if size == 0:
                break
            total += size
            if total > MAX_BODY:
                raise _BadRequestError(413, "Request Entity Too Large")
            parts.append(self._read_exactly(size))
            if self.rfile.readline(8) not in (b"\r\n", b"\n"):
                raise _BadRequestError(400, "a chunk longer than its size")
        for _ in range(100):
            if self.rfile.readline(8192) in (b"\r\n", b"\n", b""):
                return b"".join(parts)
        raise _BadRequestError(400, "too many trailers")

    def _read_exactly(self, size: int) -> bytes:
        if size > MAX_BODY:
            raise _BadRequestError(413, "Request Entity Too Large")
        body = self.rfile.read(size)
        if len(body) < size:
            raise _BadRequestError(400, "the body is shorter than announced")
        return body

    def _write(self, response: Response) -> None:
        self.send_response_only(response.status)
        self.send_header("date", self.date_time_string())
        for name, value in response.headers:
            # header fields are bytes; http.server writes Latin-1
            self.send_header(name, value.encode("utf-8").decode("latin-1"))
        bodiless = response.status in (204, 304)
        if not bodiless:
            self.send_header("content-length", str(len(response.body)))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        if self.command != "HEAD" and not bodiless:
            self.wfile.write(response.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server itself refuses (a broken request line, an unknown method), in the gateway's form."""
        self.close_connection = True
        self.command = getattr(self, "command", None) or "GET"
        if code == 501:
            code, message = 405, f"expected one of {', '.join(_METHODS)}"
        self._write(refusal(code, message or "Bad Request"))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Requests are reported through `on_request`."""
