"""One connection, exactly: how long each step of an exchange may wait, when a kept one is trusted, what TLS demands."""

from __future__ import annotations

import select
import socket
import ssl
import struct
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils.config.aws import http
from shared_utils.config.aws.endpoints import Endpoint
from shared_utils.config.aws.http import NO_CONNECTION, Pool, Request, _Connection
from shared_utils.config.aws.retry import Deadline
from shared_utils.config.outcomes import MORE_TIME, Failure
from tests.support.fake_clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"


class Wire:
    """A socket whose every step takes some seconds; it keeps what was asked of it."""

    def __init__(self, clock: Clock, *steps: tuple[float, bytes]) -> None:
        self._clock = clock
        self._steps = list(steps)
        self.waits: list[float] = []
        self.closed = False

    def settimeout(self, seconds: float) -> None:
        """Say how long the next step may take."""
        self.waits.append(seconds)

    def setsockopt(self, *_: object) -> None:
        """Take an option."""

    def sendall(self, data: bytes) -> None:
        """Send something."""
        self._clock.monotonic += self._steps.pop(0)[0]

    def recv(self, size: int) -> bytes:
        """Receive something."""
        seconds, data = self._steps.pop(0)
        self._clock.monotonic += seconds
        return data

    def close(self) -> None:
        """End it."""
        self.closed = True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clocks that connections look at; they stand still until they are moved."""
    made = Clock()
    monkeypatch.setattr(http, "time", SimpleNamespace(monotonic=lambda: made.monotonic, time=lambda: made.wall))
    return made


def connection(wire: object) -> Any:
    """Return a connection over something."""
    return _Connection(("http", "h", 80), wire, "address")  # type: ignore[arg-type]


def test_each_step_of_an_exchange_may_wait_for_what_is_left(clock: Clock) -> None:
    """Of one limit for all of them, sending and interim answers included."""
    wire = Wire(clock, (3, b""), (2, b"HTTP/1.1 100 Go\r\n\r\n"), (1, OK), (1.5, b"go"), (1, b"od"))
    response, reusable = connection(wire).exchange(b"message", 10.0)
    assert (response.body, reusable) == (b"good", True)
    assert wire.waits == [10.0, 7.0, 5.0, 4.0, 2.5]


@pytest.mark.parametrize("limit", [10.0, 9.0, 9.5])
def test_an_exchange_ends_with_its_limit(clock: Clock, limit: float) -> None:
    """To the moment: with nothing left nothing more is read."""
    wire = Wire(clock, (3, b""), (limit - 3, OK + b"go"), (0, b"od"))
    with pytest.raises(Failure, match=f"^no whole answer within {limit:.3g} s$") as caught:
        connection(wire).exchange(b"message", limit)
    assert caught.value.hint == MORE_TIME
    assert wire.waits == [limit, limit - 3]


def test_with_half_a_second_left_something_is_read(clock: Clock) -> None:
    """And no longer than that is waited for it."""
    wire = Wire(clock, (3, b""), (6, OK + b"go"), (0, b"od"))
    assert connection(wire).exchange(b"message", 9.5)[0].body == b"good"
    assert wire.waits == [9.5, 6.5, 0.5]


@pytest.mark.parametrize("limit", [0.0, -1.0])
def test_without_time_to_send_a_moment_is_given(clock: Clock, limit: float) -> None:
    """A time-out of zero would mean a socket that does not block, and one below is refused by Python."""
    wire = Wire(clock, (0, b""))
    with pytest.raises(Failure, match="no whole answer within"):
        connection(wire).exchange(b"message", limit)
    assert wire.waits == [0.001]


BODIES: dict[str, Callable[[int], bytes]] = {
    "one length": (lambda size: b"Content-Length: %d\r\n\r\n" % size + b"x" * size),
    "one chunk": (lambda size: b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (size, b"x" * size)),
    "two chunks": (
        lambda size: (
            b"Transfer-Encoding: chunked\r\n\r\n4\r\nxxxx\r\n%x\r\n%b\r\n0\r\n\r\n" % (size - 4, b"x" * (size - 4))
        )
    ),
    "the end": (lambda size: b"\r\n" + b"x" * size),
}


@pytest.mark.parametrize("over", [0, 1])
@pytest.mark.parametrize("form", BODIES)
def test_a_body_has_a_limit_however_its_end_is_marked(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, form: str, over: int
) -> None:
    """One of exactly the limit is taken, one of a byte more is refused."""
    monkeypatch.setattr(http, "_LONGEST_BODY", 16)
    wire = Wire(clock, (0, b""), (0, b"HTTP/1.1 200 OK\r\n" + BODIES[form](16 + over)), (0, b""))
    if over:
        with pytest.raises(Failure, match="larger than any configuration value can be"):
            connection(wire).exchange(b"message", 10.0)
    else:
        assert connection(wire).exchange(b"message", 10.0)[0].body == b"x" * 16


@pytest.mark.parametrize(
    ("passed", "on_the_wall", "trusted"),
    [
        *((0, 0, True), (20, 20, True), (20.5, 20, False), (20, 20.5, False)),
        *((1, 3600, False), (3600, 1, False), (5, -20, True), (5, -20.5, False)),
    ],
)
def test_how_long_a_kept_connection_is_trusted(
    clock: Clock, passed: float, on_the_wall: float, *, trusted: bool
) -> None:
    """Twenty seconds by either clock: a freeze stops the one, and the other may be set back."""
    ours, theirs = socket.socketpair()
    kept = connection(ours)
    kept.idle_since = (clock.monotonic, clock.wall)
    clock.monotonic += passed
    clock.wall += on_the_wall
    with ours, theirs:
        assert kept.is_alive() is trusted


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_quiet_connection_is_looked_at_without_waiting(
    clock: Clock, pair: tuple[socket.socket, socket.socket]
) -> None:
    """Also when it was made to wait before."""
    pair[0].settimeout(30)
    kept = connection(pair[0])
    kept.idle_since = (clock.monotonic, clock.wall)
    assert kept.is_alive() is True
    assert pair[0].gettimeout() == 0
    pair[1].sendall(b"x")
    assert kept.is_alive() is False


@pytest.mark.parametrize("how", ["closed", "reset"])
def test_a_connection_that_they_ended_is_not_trusted(clock: Clock, how: str) -> None:
    """In order, or by a reset, which reads as an error; nothing raises."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ours = socket.create_connection(listening.getsockname())
        theirs = listening.accept()[0]
    kept = connection(ours)
    kept.idle_since = (clock.monotonic, clock.wall)
    if how == "reset":
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    theirs.close()
    assert select.select([ours], [], [], 5)[0]
    with ours:
        assert kept.is_alive() is False


class Tls:
    """A context that takes a wire as it is, or fails."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.names: list[object] = []
        self._failure = failure

    def wrap_socket(self, plain: Any, *, server_hostname: object) -> Any:
        """Speak TLS."""
        self.names.append(server_hostname)
        if self._failure is not None:
            raise self._failure
        return plain


class Left(Deadline):
    """A deadline that stays as far away as it is."""

    __slots__ = ("_seconds",)

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self._seconds = seconds

    def remaining(self) -> float:
        """Return the seconds left."""
        return self._seconds


class Connecting:
    """Requests over TLS to a host whose connection takes some seconds, or fails."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, clock: Clock, tls: Tls, *, takes: float = 0.0) -> None:
        self.wire = Wire(clock, (0, b""), (0, OK + b"good"))
        self.until: list[float] = []  # how long a connection was waited for
        self.avoided: list[set[object]] = []
        self.failure: Exception | None = None

        def connect(host: bytes, port: int, ends: float, avoid: set[object]) -> tuple[Wire, str]:
            self.until.append(ends - clock.monotonic)
            self.avoided.append({*avoid})
            clock.monotonic += takes
            if self.failure is not None:
                raise self.failure
            return self.wire, "address"

        monkeypatch.setattr(http, "connect", connect)
        self.pool = Pool(10.0, 30.0)
        self.pool._tls = tls  # type: ignore[assignment]

    def ask(self, seconds: float = 20.0, host: str = "h.x") -> bytes:
        """Send a request."""
        request = Request("GET", "/", headers={})
        return self.pool.request(Endpoint("https", host, 443), request, Left(seconds)).body


@pytest.mark.parametrize(
    ("takes", "seconds", "until", "left"),
    [(4.0, 20.0, 10.0, 6.0), (4.0, 5.0, 5.0, 1.0), (9.5, 20.0, 10.0, 0.5), (12.0, 20.0, 10.0, 0.001)],
)
def test_tls_has_what_connecting_left_of_the_time(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, *, takes: float, seconds: float, until: float, left: float
) -> None:
    """Of the shorter of both limits; a moment where nothing is left. The name is the one that was asked for."""
    tls = Tls()
    asking = Connecting(monkeypatch, clock, tls, takes=takes)
    assert asking.ask(seconds) == b"good"
    assert (asking.until, asking.wire.waits[0], tls.names) == ([until], left, [b"h.x"])


@pytest.mark.parametrize(
    ("failure", "why", "hint"),
    [
        (
            ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"),
            ": [SSL: CERTIFICATE_VERIFY_FAILED] self-signed",
            "check the address; for a CA of your own set AWS_CA_BUNDLE",
        ),
        (ssl.SSLError(1, "wrong version"), ": wrong version", NO_CONNECTION),
        (OSError("no number"), ": no number", NO_CONNECTION),
        (TimeoutError(), " within 10 s", NO_CONNECTION),
        (TimeoutError("; said more", "and this"), "; said more within 10 s", NO_CONNECTION),
        (ValueError("label too long"), ": not a host name", NO_CONNECTION),
    ],
)
def test_what_is_said_when_tls_fails(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, failure: Exception, why: str, hint: str
) -> None:
    """With the address, the reason and what to do; the connection is closed, and its address comes last next time."""
    asking = Connecting(monkeypatch, clock, Tls(failure))
    with pytest.raises(Failure) as caught:
        asking.ask()
    assert (caught.value.what, caught.value.hint) == (f"no connection to h.x{why}", hint)
    assert asking.wire.closed
    asking.pool._tls = Tls()  # type: ignore[assignment]
    assert asking.ask() == b"good"
    assert asking.avoided == [set(), {"address"}]


@pytest.mark.parametrize(
    ("host", "hint"), [("127.0.0.1", "check that something listens at 127.0.0.1"), ("h.x", NO_CONNECTION)]
)
def test_what_is_said_when_nothing_connects(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, host: str, hint: str
) -> None:
    """On this machine something does not listen; elsewhere the way is closed."""
    asking = Connecting(monkeypatch, clock, Tls())
    asking.failure = OSError(111, "refused")
    with pytest.raises(Failure, match="refused") as caught:
        asking.ask(host=host)
    assert caught.value.hint == hint
    assert asking.pool._silent == set()


def test_an_address_that_answers_is_no_longer_avoided(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    """One that takes the connection and then says nothing is, until it answers."""
    asking = Connecting(monkeypatch, clock, Tls())
    asking.wire._steps[1:] = [(31.0, OK)]
    with pytest.raises(Failure, match="no whole answer within"):
        asking.ask(40.0)
    asking.wire._steps = [(0, b""), (0, OK + b"good")]
    asking.ask()
    asking.pool.close()
    asking.wire._steps = [(0, b""), (0, OK + b"good")]
    asking.ask()
    assert asking.avoided == [set(), {"address"}, set()]


def test_small_requests_are_sent_at_once(scripted: Any) -> None:
    """Nagle's algorithm would hold them back."""
    pool, server = Pool(10.0, 10.0), scripted([OK + b"good"] * 2)
    pool.request(server.endpoint, Request("GET", "/", headers={}), Deadline(10))
    assert pool._idle[0]._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    pool.close()


def test_the_certificates_are_those_of_the_file_or_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the system's where none is named; made once."""
    given: list[tuple[object, object]] = []

    def create(*, cafile: object = None, capath: object = None) -> object:
        given.append((cafile, capath))
        return SimpleNamespace(verify_flags=ssl.VERIFY_DEFAULT)

    monkeypatch.setattr(ssl, "create_default_context", create)
    file = tmp_path / "ca.pem"
    file.touch()
    for name in (None, "", str(file), str(tmp_path)):
        pool = Pool(1.0, 1.0, name)
        assert pool._context() is pool._context()
    assert given == [(None, None), ("", None), (str(file), None), (None, str(tmp_path))]


def test_chains_are_checked_as_the_sdk_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else the system's defaults demand still holds."""
    made = ssl.create_default_context()
    made.verify_flags = ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_TRUSTED_FIRST
    monkeypatch.setattr(ssl, "create_default_context", lambda **_: made)
    context = Pool(1.0, 1.0)._context()
    assert context.verify_flags == ssl.VERIFY_X509_TRUSTED_FIRST
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
