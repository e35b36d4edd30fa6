"""A request and its answer over a socket: what is sent and taken, which connection is kept, what a failure says."""

from __future__ import annotations

import select
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils.config.aws.endpoints import Endpoint
from shared_utils.config.aws.http import Pool, Request, Response
from shared_utils.config.aws.retry import Deadline
from shared_utils.config.outcomes import BRIEFLY, INVALID, MORE_TIME, UNAVAILABLE, Failure
from tests.support.scripted import Scripted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OK = b"HTTP/1.1 200 OK\r\n"
PLAIN = OK + b"Content-Length: 4\r\n\r\ngood"


@pytest.fixture
def pool() -> Iterator[Pool]:
    """A pool whose connections are closed after the test."""
    made = Pool(20.0, 20.0)
    yield made
    made.close()


def ask(pool: Pool, server: Scripted, *, seconds: float = 20.0, once: bool = False) -> Response:
    """Send one request."""
    return pool.request(server.endpoint, Request("GET", "/", headers={"host": "h"}, once=once), Deadline(seconds))


def test_what_is_sent() -> None:
    """A target with its query, headers as they are given, and a length where there is a body."""
    bare = Request("GET", "/a%20b", headers={"host": "h", "x-y": "1 2"})
    assert bare.encode() == b"GET /a%20b HTTP/1.1\r\nhost: h\r\nx-y: 1 2\r\n\r\n"
    full = Request("POST", "/", "a=1&b=2", headers={"host": "h"}, body="ü".encode())
    assert full.encode() == b"POST /?a=1&b=2 HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\n\xc3\xbc"
    assert (bare.once, bare.body, bare.query) == (False, b"", "")


@pytest.mark.parametrize("value", ["a\nb", "a\r\nb", "ü", "\x00", "\x7f", "a\tb"])
def test_a_header_that_none_can_be_is_not_sent(value: str) -> None:
    """It may come out of the environment; the failure does not repeat it."""
    with pytest.raises(Failure) as caught:
        Request("GET", "/", headers={"host": "h", "x": value}).encode()
    assert (caught.value.kind, caught.value.what) == (INVALID, "a header would hold a character that none can")
    assert caught.value.hint == "check the credentials"


# Raw answers: the status, the headers and the body that are taken of them, and whether the connection is kept.
ANSWERS: dict[str, tuple[bytes, int, dict[str, str], bytes, bool]] = {
    "plain": (PLAIN, 200, {"content-length": "4"}, b"good", True),
    "a failure": (b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno", 404, {"content-length": "2"}, b"no", True),
    "nothing": (OK + b"Content-Length: 0\r\n\r\n", 200, {"content-length": "0"}, b"", True),
    "zeros in front": (
        OK + b"Content-Length: 000000004\r\n\r\ngood",
        200,
        {"content-length": "0" * 8 + "4"},
        b"good",
        True,
    ),
    "names and spaces": (
        OK + b"X-A:b: c \r\nx-b:\t1\r\nCONTENT-LENGTH:2\r\n\r\nab",
        200,
        {"x-a": "b: c", "x-b": "1", "content-length": "2"},
        b"ab",
        True,
    ),
    "closing": (
        OK + b"Connection: Close\r\nContent-Length: 1\r\n\r\na",
        200,
        {"connection": "Close", "content-length": "1"},
        b"a",
        False,
    ),
    "staying": (
        OK + b"Connection: keep-alive\r\nContent-Length: 1\r\n\r\na",
        200,
        {"connection": "keep-alive", "content-length": "1"},
        b"a",
        True,
    ),
    "an old server": (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", 200, {"content-length": "1"}, b"a", False),
    "no length": (OK + b"\r\nall of it", 200, {}, b"all of it", False),
    "no content": (b"HTTP/1.1 204 No\r\n\r\n", 204, {}, b"", True),
    "not modified": (b"HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n", 304, {"content-length": "9"}, b"", True),
    "another protocol": (b"HTTP/1.1 101 Yes\r\n\r\n", 101, {}, b"", False),
    "chunks": (
        OK + b"Transfer-Encoding: Chunked\r\n\r\n2\r\nab\r\n0A ;x=y\r\n0123456789\r\n0\r\n\r\n",
        200,
        {"transfer-encoding": "Chunked"},
        b"ab0123456789",
        True,
    ),
    "trailers": (
        OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: 1\r\nY: 2\r\n\r\n",
        200,
        {"transfer-encoding": "chunked"},
        b"a",
        True,
    ),
    "more than one answer": (PLAIN + b"X", 200, {"content-length": "4"}, b"good", False),
    "interim answers": (
        b"HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 199 On\r\nA: b\r\n\r\n" + PLAIN,
        200,
        {"content-length": "4"},
        b"good",
        True,
    ),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_what_is_taken_of_an_answer(scripted: Any, pool: Pool, case: str) -> None:
    """Status, headers in lower case and body; where its end is known, the next request takes the connection."""
    raw, status, headers, body, kept = ANSWERS[case]
    closes = "no length" in case
    server = scripted([raw] if closes else [raw, PLAIN], [PLAIN])
    response = ask(pool, server)
    assert (response.status, response.headers, response.body) == (status, headers, body)
    assert ask(pool, server).body == b"good"
    assert [number for number, _ in server.requests] == [0, 0 if kept else 1]


@pytest.mark.parametrize("over", [0, 1])
@pytest.mark.parametrize("split", [False, True])
def test_the_head_has_a_limit(scripted: Any, pool: Pool, over: int, *, split: bool) -> None:
    """64 KiB of it, without its end, are taken; a byte more is refused, however it arrives."""
    head = OK + b"Content-Length: 1\r\nX: "
    head += b"x" * (64 * 1024 - len(head) + over)
    server = scripted([head + b"\r\n\r\na"] if not split else [head + b"\r\n\r\na" + b"y" * 70_000])
    if over:
        with pytest.raises(Failure, match="not HTTP, or larger than any configuration value") as caught:
            ask(pool, server)
        assert (caught.value.kind, caught.value.retry, caught.value.hint) == (UNAVAILABLE, BRIEFLY, "")
    else:
        assert ask(pool, server).body == b"a"


@pytest.mark.parametrize(("padding", "fits"), [(1021, True), (1022, False)])
def test_the_line_of_a_chunk_has_a_limit(scripted: Any, pool: Pool, padding: int, *, fits: bool) -> None:
    """1 KiB with what extends it."""
    raw = OK + b"Transfer-Encoding: chunked\r\n\r\n1 ;" + b"x" * padding + b"\r\na\r\n0\r\n\r\n"
    server = scripted([raw])
    if fits:
        assert ask(pool, server).body == b"a"
    else:
        with pytest.raises(Failure, match="not HTTP"):
            ask(pool, server)


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 \xb2\xb2\xb2 OK\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"nonsense\r\n\r\n",
        OK + b": x\r\n\r\n",
        OK + b"a : x\r\n\r\n",
        OK + b" a: x\r\n\r\n",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\na",
        OK + b"Content-Length: \r\n\r\n",
        OK + b"Content-Length: 0000000001\r\n\r\na",
        OK + b"Content-Length: 8388609\r\n\r\n",
        OK + b"Content-Length: 1_0\r\n\r\n0123456789",
        OK + b"Transfer-Encoding: identity\r\nContent-Length: 1\r\n\r\na",
        OK + b"Transfer-Encoding: chunked\r\n\r\n\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n800001\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\naX\n0\r\n\r\n",
    ],
)
def test_what_is_not_well_formed_is_refused(scripted: Any, pool: Pool, raw: bytes) -> None:
    """At once, without waiting for more, and the connection is not used again."""
    server = scripted([raw, PLAIN], [PLAIN])
    with pytest.raises(
        Failure, match=r"^the answer is not HTTP, or larger than any configuration value can be$"
    ) as caught:
        ask(pool, server)
    assert (caught.value.kind, caught.value.retry) == (UNAVAILABLE, BRIEFLY)
    assert ask(pool, server).body == b"good"
    assert [number for number, _ in server.requests] == [0, 1]


@pytest.mark.parametrize("raw", [OK[:9], OK, OK + b"Content-Length: 5\r\n\r\ngood"])
def test_an_answer_that_is_cut_off_says_so(scripted: Any, pool: Pool, raw: bytes) -> None:
    """It may be asked for again."""
    with pytest.raises(Failure, match=r"^the answer was cut off \(EOFError\)$") as caught:
        ask(pool, scripted([raw]))
    assert (caught.value.kind, caught.value.retry, caught.value.hint) == (UNAVAILABLE, BRIEFLY, "")


def test_a_new_connection_that_is_closed_without_an_answer_says_so(scripted: Any, pool: Pool) -> None:
    """With the address; it is not tried a second time here."""
    server = scripted([b""], [PLAIN])
    where = f"127.0.0.1:{server.endpoint.port}"
    with pytest.raises(Failure, match=f"^{where} closed the connection without an answer$") as caught:
        ask(pool, server)
    assert (caught.value.kind, caught.value.retry, caught.value.hint) == (UNAVAILABLE, BRIEFLY, "")
    assert len(server.requests) == 1


@pytest.mark.parametrize("once", [False, True])
def test_a_kept_connection_that_is_closed_under_the_request(scripted: Any, pool: Pool, *, once: bool) -> None:
    """Another one is taken, unless the request spends a token: then it is told."""
    server = scripted([PLAIN, b""], [PLAIN])
    ask(pool, server)
    if once:
        with pytest.raises(Failure, match="closed the connection without an answer"):
            ask(pool, server, once=True)
        assert len(server.requests) == 2
    else:
        assert ask(pool, server).body == b"good"
        assert [number for number, _ in server.requests] == [0, 0, 1]


@pytest.mark.parametrize("late", [b"", b"HTTP/1.1 408 Idle\r\n\r\n"])
@pytest.mark.parametrize("once", [False, True])
def test_a_kept_connection_that_is_no_longer_quiet_is_not_used(
    scripted: Any, pool: Pool, late: bytes, *, once: bool
) -> None:
    """Closed, or with something on it that nobody asked for: even what may be sent once only goes over a new one."""
    server = scripted([PLAIN], [PLAIN])
    real = server.answer

    def answer(number: int, connection: socket.socket, answers: Sequence[bytes | None]) -> None:
        real(number, connection.dup(), answers)
        with connection:
            sent.wait(5)
            if late:
                connection.sendall(late)
                ended.wait(5)

    sent, ended = threading.Event(), threading.Event()
    server.answer = answer  # type: ignore[method-assign]
    assert ask(pool, server).body == b"good"
    sent.set()
    (kept,) = pool._idle
    assert select.select([kept._socket], [], [], 5)[0]
    assert ask(pool, server, once=once).body == b"good"
    assert [number for number, _ in server.requests] == [0, 1]
    ended.set()


@pytest.mark.parametrize(("read_timeout", "seconds"), [(0.05, 20.0), (20.0, 0.05)])
def test_an_answer_that_does_not_come_in_time(scripted: Any, read_timeout: float, seconds: float) -> None:
    """The shorter of the two times counts; what has come so far is no answer."""
    pool = Pool(20.0, read_timeout)
    for first in ([None], [OK, None]):
        server = scripted(first, [PLAIN])
        with pytest.raises(Failure) as caught:
            ask(pool, server, seconds=seconds)
        if first == [None]:
            assert caught.value.what.startswith("no whole answer within 0.0")
            assert (caught.value.kind, caught.value.hint, caught.value.retry) == (UNAVAILABLE, MORE_TIME, BRIEFLY)
    pool.close()


def test_eight_connections_are_kept(scripted: Any, pool: Pool) -> None:
    """Those that were used last; the others are opened anew."""
    servers = [scripted([PLAIN] * 3, [PLAIN] * 3) for _ in range(9)]
    for server in (*servers, *reversed(servers)):
        assert ask(pool, server).body == b"good"
    assert [[number for number, _ in server.requests] for server in servers] == [[0, 1], *[[0, 0]] * 8]


def test_connections_of_one_address_do_not_serve_another(scripted: Any, pool: Pool) -> None:
    """Scheme, host and port together; after `close` none is left."""
    first, second = scripted([PLAIN] * 3, [PLAIN]), scripted([PLAIN] * 3)
    for server in (first, second, first, second):
        ask(pool, server)
    pool.close()
    ask(pool, first)
    assert [number for number, _ in first.requests] == [0, 0, 1]
    assert [number for number, _ in second.requests] == [0, 0]


def test_nobody_listening_names_the_address(pool: Pool) -> None:
    """With the system's reason and what to look at."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Failure) as caught:
        pool.request(Endpoint("http", "127.0.0.1", port), Request("GET", "/", headers={}), Deadline(5))
    assert caught.value.what == f"no connection to 127.0.0.1:{port}: Connection refused"
    assert caught.value.hint == f"check that something listens at 127.0.0.1:{port}"
    assert (caught.value.kind, caught.value.retry) == (UNAVAILABLE, BRIEFLY)


@pytest.mark.parametrize("host", ["ü.example", "a" * 300 + ".example"])
def test_a_name_that_no_host_has(pool: Pool, host: str) -> None:
    """No request is made."""
    with pytest.raises(Failure, match="no connection to ") as caught:
        pool.request(Endpoint("http", host, 80), Request("GET", "/", headers={}), Deadline(5))
    assert caught.value.kind == UNAVAILABLE


def test_a_bundle_that_is_none(tmp_path: Any) -> None:
    """The file and the variables are named."""
    (tmp_path / "ca.pem").write_text("nothing")
    pool = Pool(1.0, 1.0, str(tmp_path / "ca.pem"))
    with pytest.raises(Failure) as caught:
        pool.request(Endpoint("https", "127.0.0.1", 1), Request("GET", "/", headers={}), Deadline(5))
    assert caught.value.what == f"the CA bundle {tmp_path / 'ca.pem'} cannot be used"
    assert caught.value.hint == "correct AWS_CA_BUNDLE (or REQUESTS_CA_BUNDLE)"
    assert caught.value.kind == INVALID
