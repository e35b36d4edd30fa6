"""The local gateway's HTTP side: what it lets in, what it refuses, and how it answers."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from layerctl.core.errors import LayerctlError
from layerctl.local.gateway import Gateway, Router
from layerctl.local.http import Request, Response
from layerctl.templates.sam import Api, Route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Served:
    """A gateway that answers with what it was asked, and what it reported."""

    def __init__(self, api: str = "http") -> None:
        self.reports: list[tuple[str, str | None, int]] = []
        self.hold = threading.Event()
        self.hold.set()
        path = Route(Api(api, api), "ANY", "/{proxy+}", "2.0" if api == "http" else "1.0", 30.0)  # type: ignore[arg-type]
        self.gateway = Gateway(Router([(path, self._answer, "F")]), 0, on_request=self._report)
        self.port = int(self.gateway.url.rpartition(":")[2])

    def _answer(self, route: Route, event: dict[str, Any], request: Request, /) -> Response:
        if event.get("rawPath") == "/wait":
            self.hold.wait(30)
        if event.get("rawPath") == "/nothing":
            return Response(204, [("x-a", "1")])
        return Response(200, [("content-type", "application/json")], json.dumps(event).encode())

    def _report(self, request: Request, key: str | None, status: int, seconds: float) -> None:
        self.reports.append((request.target, key, status))

    def raw(self, data: bytes, *, more: Callable[[socket.socket], None] | None = None) -> bytes:
        """Send bytes, and return everything that comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(data)
            if more:
                more(connection)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        """A request by an ordinary client; the status and the parsed body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            text = response.read()
            return response.status, json.loads(text) if text else None
        finally:
            connection.close()


@pytest.fixture
def served() -> Iterator[Served]:
    """A gateway with one route for everything below the root."""
    server = Served()
    server.gateway.start()
    yield server
    server.hold.set()
    server.gateway.close()


def test_it_listens_on_the_loopback_address_only(served: Served) -> None:
    """No other address of this machine is served."""
    assert served.gateway.url.startswith("http://127.0.0.1:")
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {fields[1] for fields in sockets if fields[3] == "0A"}
    port = f":{served.port:04X}"
    assert {address for address in listening if address.endswith(port)} == {f"0100007F{port}"}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "LOCALHOST:3000", "127.0.0.1:8080"])
def test_requests_for_this_machine_are_served(served: Served, host: str) -> None:
    """Names of the loopback address pass, with any port (there may be a tunnel)."""
    assert served.ask("GET", "/x", headers={"Host": host})[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil:3000", "", "[::1]", "localhost:x"]
)
def test_requests_for_another_name_are_refused(served: Served, host: str) -> None:
    """A name that merely resolves to this machine is refused, so that no page can rebind to it."""
    status, document = served.ask("GET", "/x", headers={"Host": host})
    assert status == 403
    assert "127.0.0.1" in document["message"]
    assert served.reports == []


POST = b"POST /x HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET /x HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        # the request line
        (b"nonsense\r\n\r\n", 400),
        (b"GET /x\r\n\r\n", 400),
        (b"GET /x HTTP/1.1 more\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /x HTTP/2.0\r\nHost: localhost\r\n\r\n", 505),
        (b"GET /x HTTP/1.x\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"G(T /x HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET http://localhost/x HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        (b"BREW /x HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        (b"get /x HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        (b"GET /" + b"x" * 70000 + b" HTTP/1.1\r\n\r\n", 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),  # TLS
        # headers
        (b"GET /x HTTP/1.1\r\n\r\n", 400),
        (b"GET /x HTTP/1.0\r\n\r\n", 403),
        (GET + b"Host: evil\r\n\r\n", 400),
        (GET + b"no colon\r\n\r\n", 400),
        (GET + b"name : value\r\n\r\n", 400),
        (GET + b": value\r\n\r\n", 400),
        (GET + b"na me: value\r\n\r\n", 400),
        (GET + b"x: a\x00b\r\n\r\n", 400),
        (GET + b"x: a\rb\r\n\r\n", 400),
        (b"GET /x HTTP/1.1\r\n Host: localhost\r\n\r\n", 400),
        (GET + (b"a: " + b"b" * 200 + b"\r\n") * 60 + b"\r\n", 431),
        # lengths
        (POST + b"Content-Length: -1\r\n\r\n", 400),
        (POST + b"Content-Length: +1\r\n\r\na", 400),
        (POST + b"Content-Length: 1_0\r\n\r\n0123456789", 400),
        (POST + b"Content-Length: 0x1\r\n\r\na", 400),
        (POST + b"Content-Length: 1.0\r\n\r\na", 400),
        (POST + b"Content-Length: \xb2\r\n\r\nab", 400),
        (POST + b"Content-Length:\r\n\r\n", 400),
        (POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
        (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        (POST + b"Content-Length: 1, 2\r\n\r\nab", 400),
        (POST + b"Content-Length: 9\r\n\r\nab", 400),
        (POST + b"Content-Length: 11000000\r\n\r\n", 413),
        # transfer codings
        (POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: gzip\r\n\r\n", 501),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 501),
        (CHUNKED + b"zz\r\n", 400),
        (CHUNKED + b"-1\r\na\r\n0\r\n\r\n", 400),
        (CHUNKED + b"0x1\r\na\r\n0\r\n\r\n", 400),
        (CHUNKED + b"2\r\nabc\r\n0\r\n\r\n", 400),
        (CHUNKED + b"\r\n", 400),
        (CHUNKED + b"5\r\nab", 400),
        (CHUNKED + b"f" * 100 + b"\r\n", 400),
        (CHUNKED + b"b00000\r\n" + bytes(0xB00000) + b"\r\n0\r\n\r\n", 413),
    ],
)
def test_broken_requests_are_refused(served: Served, data: bytes, status: int) -> None:
    """Each gets its status and a JSON message, the connection is closed, and no function runs."""
    answer = served.raw(data)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert f" {status} ".encode() in head.splitlines()[0]
    assert b"connection: close" in head.lower()
    assert json.loads(body)["message"]
    assert served.reports == []
    assert served.ask("GET", "/still/there")[0] == 200


def test_chunked_bodies_arrive(served: Served) -> None:
    """A chunked body, with extensions and trailers, is the event's body."""
    head = b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nConnection: close\r\n"
    head += b"Transfer-Encoding: Chunked\r\n\r\n"
    answer = served.raw(head + b"3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\nx-trailer: 1\r\n\r\n")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["body"] == "abc0123456789"


def test_continue_is_answered(served: Served) -> None:
    """A client that waits for 100 Continue before it sends its body (curl, above 1 MB) gets it."""

    def send_body(connection: socket.socket) -> None:
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"hello")

    head = POST + b"Content-Type: text/plain\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    answer = served.raw(head, more=send_body)
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["body"] == "hello"


def test_requests_one_after_the_other(served: Served) -> None:
    """Requests that are sent at once on one connection are answered in their order; HTTP/1.0 ends after one."""
    answer = served.raw(GET + b"\r\n" + GET + b"Connection: close\r\n\r\n" + GET + b"\r\n")
    assert answer.count(b"HTTP/1.1 200") == 2
    assert served.raw(GET.replace(b"1.1", b"1.0") + b"\r\n" + GET + b"\r\n").count(b"HTTP/1.1 200") == 1


def test_head_and_empty_answers_have_no_body(served: Served) -> None:
    """HEAD tells the length without the body; 204 has neither; the connection goes on."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    connection.request("HEAD", "/x")
    head = connection.getresponse()
    assert head.read() == b""
    assert int(head.headers["content-length"]) > 0
    connection.request("GET", "/nothing")
    empty = connection.getresponse()
    assert (empty.status, empty.read(), empty.headers["content-length"], empty.headers["x-a"]) == (204, b"", None, "1")
    connection.request("GET", "/x")
    assert connection.getresponse().status == 200
    connection.close()


def test_unknown_routes_are_answered_as_the_api_does() -> None:
    """404 Not Found where an HTTP API is served, 403 Missing Authentication Token where only REST APIs are."""
    for api, status, message in (("http", 404, "Not Found"), ("rest", 403, "Missing Authentication Token")):
        server = Served(api)
        server.gateway.start()
        try:
            assert server.ask("GET", "/") == (status, {"message": message})
            assert server.reports == [("/", None, status)]
        finally:
            server.gateway.close()


def test_a_slow_client_holds_up_nobody(served: Served) -> None:
    """Clients that send half a request, and a request that takes long, do not keep others waiting."""
    stuck = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(20)]
    for connection in stuck:
        connection.sendall(b"POST /x HTTP/1.1\r\nHost: loc")
    served.hold.clear()
    waiting = threading.Thread(target=served.ask, args=("GET", "/wait"))
    waiting.start()
    assert served.ask("GET", "/x")[0] == 200
    served.hold.set()
    waiting.join(20)
    assert not waiting.is_alive()
    for connection in stuck:
        connection.close()


def test_a_client_that_leaves_is_no_error(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    """A connection that is cut while its answer is on the way leaves no trace on the console."""
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", served.port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            connection.sendall(b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert served.ask("GET", "/x")[0] == 200
    assert capsys.readouterr().err == ""


def test_many_requests_at_once(served: Served) -> None:
    """Requests at once get each its own answer."""
    answers: list[tuple[int, str]] = []

    def ask(number: int) -> None:
        status, event = served.ask("POST", f"/x/{number}", f"{number}", {"content-type": "text/plain"})
        answers.append((status, event["rawPath"] + event["body"]))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == sorted((200, f"/x/{number}{number}") for number in range(50))


def test_a_busy_port_is_a_clear_error(served: Served) -> None:
    """The error names the port and what to do."""
    with pytest.raises(LayerctlError, match=rf"port {served.port} on 127.0.0.1 .*--port"):
        Gateway(Router([]), served.port)
