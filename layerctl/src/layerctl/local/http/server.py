"""The HTTP side: one thread per connection, on 127.0.0.1 only, for requests that name this machine. h11 reads HTTP.

A page on the internet could let its own name resolve to 127.0.0.1 and have the browser call us (DNS rebinding); such a
request carries that name in its Host header, and is refused.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from email.utils import formatdate
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING, Any

import h11

from layerctl.core.errors import LayerctlError
from layerctl.local.http.messages import METHODS, Request, Response, message

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HttpServer"]

# API Gateway quotas: payload size; request line and headers together.
MAX_BODY = 10 * 1024 * 1024
MAX_HEAD = 10_240
_LOCAL_NAMES = {"127.0.0.1", "localhost"}
_IDLE_SECONDS = 30.0  # how long a silent client keeps its thread
_LINGER_SECONDS = 1.0  # how long a refused client may go on sending, so that it reads the answer


class HttpServer:
    """Serves until it is closed.

    Args:
        port: 0 takes any free one.
        answer: answers a request; called in a thread of the connection's.
        option: the option that sets the port, for the error message.

    Raises:
        LayerctlError: the port is taken, or not ours to take.
    """

    def __init__(self, port: int, answer: Callable[[Request], Response], *, option: str = "--port") -> None:
        try:
            self._server = _Server(("127.0.0.1", port), answer)
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else "there is no such port"
            raise LayerctlError(
                f"port {port} on 127.0.0.1 cannot be used: {reason}",
                hint=f"choose another with {option} (0 takes any free one)",
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


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], answer: Callable[[Request], Response]) -> None:
        super().__init__(address, _Client)
        self.answer = answer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is none of our business; our own faults must not be silent."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _RefusedError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Client(BaseRequestHandler):
    """One connection: requests one after the other, until either side closes it."""

    request: socket.socket
    server: _Server

    def handle(self) -> None:
        self.request.settimeout(_IDLE_SECONDS)
        with contextlib.suppress(OSError):
            self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # small responses go out at once
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=2 * MAX_HEAD)
        while self._serve_one():
            self._http.start_next_cycle()

    def _serve_one(self) -> bool:
        """Answer one request. Returns whether another one may follow."""
        try:
            head = self._next_event()
            if not isinstance(head, h11.Request):
                return False
            _check(head)
            body = self._read_body()
        except (h11.RemoteProtocolError, _RefusedError) as error:
            # What is left of the request cannot be told from the next one.
            status = error.status if isinstance(error, _RefusedError) else error.error_status_hint
            self._send(message(status, str(error)), "GET", close=True)
            self._linger()
            return False
        method, target = head.method.decode(), head.target.decode()
        headers = [(name.decode(), value.decode("latin-1")) for name, value in head.headers.raw_items()]
        protocol = f"HTTP/{head.http_version.decode()}"
        request = Request(method, target, headers, body, protocol, self.client_address[0])
        self._send(self.server.answer(request), method)
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    def _next_event(self) -> h11.Event | type[h11.PAUSED]:
        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event  # type: ignore[return-value]
            if self._http.they_are_waiting_for_100_continue:
                self._write(h11.InformationalResponse(status_code=100, headers=[]))
            self._http.receive_data(self.request.recv(65536))

    def _read_body(self) -> bytes:
        body = bytearray()
        while isinstance(event := self._next_event(), h11.Data):
            body += event.data
            if len(body) > MAX_BODY:
                raise _RefusedError(413, "Request Entity Too Large")
        return bytes(body)

    def _send(self, response: Response, method: str, *, close: bool = False) -> None:
        headers = [(b"date", formatdate(usegmt=True).encode())]
        # Header fields are bytes; what is no ASCII goes out as UTF-8.
        headers += [(name.encode(), value.strip().encode("utf-8")) for name, value in response.headers]
        body = b"" if response.status in (204, 304) else response.body
        if response.status not in (204, 304):
            headers.append((b"content-length", str(len(body)).encode()))
        if close:
            headers.append((b"connection", b"close"))
        self._write(h11.Response(status_code=response.status, headers=headers))
        if body and method != "HEAD":
            self._write(h11.Data(data=body))
        self._write(h11.EndOfMessage())

    def _write(self, event: h11.Event) -> None:
        if data := self._http.send(event):
            self.request.sendall(data)

    def _linger(self) -> None:
        """Let the client read the answer: closing while it still sends would reset the connection (RFC 9112, 9.6)."""
        with contextlib.suppress(OSError):
            self.request.shutdown(socket.SHUT_WR)
            self.request.settimeout(_LINGER_SECONDS)
            until = time.monotonic() + _LINGER_SECONDS
            while self.request.recv(65536) and time.monotonic() < until:
                pass


def _check(head: h11.Request) -> None:
    """Refuse what is right by HTTP and still nothing for a function on this machine."""
    headers = [(name.decode(), value.decode("latin-1")) for name, value in head.headers]
    if head.http_version not in (b"1.0", b"1.1"):
        raise _RefusedError(505, "expected HTTP/1.1")
    size = len(head.method) + len(head.target) + sum(len(name) + len(value) for name, value in head.headers)
    if size > MAX_HEAD:
        raise _RefusedError(431, f"the request line and the headers have more than {MAX_HEAD:,} bytes")
    host = next((value for name, value in headers if name == "host"), "")  # HTTP/1.0 may leave it out
    name, _, port = host.strip().partition(":")
    if name.lower() not in _LOCAL_NAMES or (port and not port.isdigit()):
        raise _RefusedError(403, f"this server answers to 127.0.0.1 and localhost, not to {host[:80]!r}")
    if head.method.decode() not in METHODS:
        raise _RefusedError(405, f"expected one of {', '.join(METHODS)}")
    if not head.target.startswith(b"/"):
        raise _RefusedError(400, "expected a path")
    lengths = [value for name, value in headers if name == "content-length"]
    if lengths and any(name == "transfer-encoding" for name, _ in headers):
        raise _RefusedError(400, "expected Content-Length or Transfer-Encoding: chunked, not both")
    if lengths and int(lengths[0]) > MAX_BODY:  # h11 has seen to it that it is a number
        raise _RefusedError(413, "Request Entity Too Large")
