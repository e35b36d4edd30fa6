"""HTTP/1.1 for one small request at a time, over connections that are kept and may have been closed in a freeze.

Why not http.client: importing it costs 17 ms (email, ssl), more than everything else that a read needs, and its time-
outs are per packet, so that a server which drips one byte a second holds it for ever. Here a deadline bounds the
whole exchange, and so do limits on what is read (RFC 9112 for the message syntax). Redirects are never followed.
"""

from __future__ import annotations

import _socket
import time
from threading import RLock

from shared_utils.config.aws.connect import connect
from shared_utils.config.aws.endpoints import is_loopback
from shared_utils.config.outcomes import BRIEFLY, INVALID, MORE_TIME, UNAVAILABLE, Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    import ssl

    from shared_utils.config.aws.endpoints import Endpoint
    from shared_utils.config.aws.retry import Deadline

__all__ = ["NO_CONNECTION", "Pool", "Request", "Response"]

_LONGEST_HEAD = 64 * 1024
_LONGEST_BODY = 8 * 1024 * 1024
_IDLE = 20.0
"""Seconds after which a kept connection is not trusted any more; load balancers close theirs at about that time."""
_KEPT = 8


class Request:
    """What is sent: method, path and query (both as they go over the wire), headers in lower case, body.

    A request that must not be sent `once` more, because it spends a token, is not repeated on a new connection.
    """

    __slots__ = ("body", "headers", "method", "once", "path", "query")

    def __init__(
        self, method: str, path: str, query: str = "", *, headers: dict[str, str], body: bytes = b"", once: bool = False
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.once = once

    def encode(self) -> bytes:
        """Return the message as it goes over the wire.

        Raises:
            Failure: of kind invalid, when a header's value is none (a token with a line break, for example).
        """
        if not all(value.isascii() and value.isprintable() for value in self.headers.values()):
            raise Failure(INVALID, "a header would hold a character that none can", hint="check the credentials")
        target = f"{self.path}?{self.query}" if self.query else self.path
        lines = [f"{self.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in self.headers.items())]
        if self.body:
            lines.append(f"content-length: {len(self.body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + self.body


class Response:
    """A status, the headers in lower case, and the whole body."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


class _ConnectionClosed(Exception):  # noqa: N818 - never leaves this module
    """The other side closed a kept connection before it answered anything."""


NO_CONNECTION = (
    "check the network: a function in a VPC reaches AWS through an interface endpoint of the service or a NAT gateway, "
    "and its security groups must let port 443 through"
)
"""The hint of a request that never reached its service."""


def _broken(what: str, hint: str = "") -> Failure:
    return Failure(UNAVAILABLE, what, hint=hint, retry=BRIEFLY)


class Pool:
    """Connections by address. Time-outs in seconds: for connecting (TLS included), and for a whole answer."""

    def __init__(self, connect_timeout: float, read_timeout: float, ca_file: str | None = None) -> None:
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._ca_file = ca_file
        self._lock = RLock()
        self._idle: list[_Connection] = []
        self._silent: set[object] = set()  # addresses that took the last connection and did not answer
        self._tls: ssl.SSLContext | None = None

    def request(self, endpoint: Endpoint, request: Request, deadline: Deadline) -> Response:
        """Send one request and return its answer, of whatever status.

        Raises:
            Failure: of kind unavailable, when there is no whole and well-formed answer within the deadline.
        """
        message = request.encode()
        kept = self._take(endpoint)
        while kept is not None:
            try:
                return self._exchange(kept, message, deadline)
            except _ConnectionClosed:  # closed while it was idle: not an attempt, so the next connection is tried
                if request.once:
                    break
                kept = self._take(endpoint)
        if kept is not None:
            raise _broken(f"{endpoint.authority} closed the connection without an answer")
        try:
            return self._exchange(self._connect(endpoint, deadline), message, deadline)
        except _ConnectionClosed:
            raise _broken(f"{endpoint.authority} closed the connection without an answer") from None

    def close(self) -> None:
        """Drop every kept connection: after a fork or a restore they are another process's."""
        # Without the lock: in a forked child, the thread that held it may be gone.
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _exchange(self, connection: _Connection, message: bytes, deadline: Deadline) -> Response:
        dropped: _Connection | None = connection
        try:
            response, reusable = connection.exchange(message, min(self._read_timeout, deadline.remaining()))
            self._silent.discard(connection.address)
            if reusable:
                connection.idle_since = (time.monotonic(), time.time())
                with self._lock:
                    self._idle.append(connection)
                    dropped = self._idle.pop(0) if len(self._idle) > _KEPT else None
        finally:
            if dropped is not None:
                dropped.close()
        return response

    def _take(self, endpoint: Endpoint) -> _Connection | None:
        """Return a kept connection that is still open, and close the others."""
        key = (endpoint.scheme, endpoint.host, endpoint.port)
        while True:
            with self._lock:
                found = next((c for c in reversed(self._idle) if c.key == key), None)
                if found is None:
                    return None
                self._idle.remove(found)
            if found.is_alive():
                return found
            found.close()

    def _connect(self, endpoint: Endpoint, deadline: Deadline) -> _Connection:
        context = self._context() if endpoint.scheme == "https" else None
        limit = min(self._connect_timeout, deadline.remaining())
        ends = time.monotonic() + limit
        where = endpoint.authority
        plain = address = None
        try:
            host = endpoint.host.encode("ascii")
            plain, address = connect(host, endpoint.port, ends, self._silent)
            self._silent.add(address)
            plain.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            if context is not None:
                plain.settimeout(max(0.001, ends - time.monotonic()))
                plain = context.wrap_socket(plain, server_hostname=host)
        except TimeoutError as error:
            why = f"no connection to {where}{error.args[0] if error.args else ''} within {limit:.3g} s"
        except OSError as error:  # ssl.SSLError is one
            why = f"no connection to {where}: {error.strerror or error}"
        except ValueError:  # a host name that no encoding fits
            why = f"no connection to {where}: not a host name"
        else:
            return _Connection((endpoint.scheme, endpoint.host, endpoint.port), plain, address)
        if plain is not None:
            plain.close()
        local = is_loopback(endpoint.host)
        hint = f"check that something listens at {where}" if local else NO_CONNECTION
        if context is not None and "CERTIFICATE" in why:
            hint = "check the address; for a CA of your own set AWS_CA_BUNDLE"
        raise _broken(why, hint)

    def _context(self) -> ssl.SSLContext:
        with self._lock:
            if self._tls is None:
                import os
                import ssl  # for https only: 8 ms

                # Verifies chain and host name. A bundle is a file, or a folder of certificates.
                file, folder = self._ca_file, None
                if file and os.path.isdir(file):  # noqa: PTH112 - pathlib costs a cold start 3 ms
                    file, folder = None, file
                try:
                    self._tls = ssl.create_default_context(cafile=file, capath=folder)
                    # As the SDK's contexts, and the same on every Python: from 3.13 on the default refuses company CAs
                    # that lack extensions of RFC 5280.
                    self._tls.verify_flags &= ~(ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN)
                except OSError:
                    unusable = f"the CA bundle {self._ca_file} cannot be used"
                else:
                    return self._tls
                raise Failure(INVALID, unusable, hint="correct AWS_CA_BUNDLE (or REQUESTS_CA_BUNDLE)")
            return self._tls


class _Connection:
    """One socket, and what has been read from it beyond the last answer (nothing, if the server behaves)."""

    def __init__(self, key: tuple[str, str, int], sock: socket.socket, address: object) -> None:
        self.key = key
        self.address = address
        self.idle_since = (0.0, 0.0)
        self._socket = sock
        self._buffer = bytearray()
        self._answered = False
        self._ends = 0.0

    def close(self) -> None:
        self._socket.close()

    def is_alive(self) -> bool:
        """Whether it has not been idle for long by either clock, and nothing (an end, an alert) waits to be read."""
        monotonic, wall = self.idle_since
        if time.monotonic() - monotonic > _IDLE or abs(time.time() - wall) > _IDLE:
            return False
        self._socket.setblocking(False)
        try:
            # The plain socket's method: that of a TLS socket takes no flags.
            _socket.socket.recv(self._socket, 1, _socket.MSG_PEEK)
        except BlockingIOError:  # nothing to be read: open and quiet
            return True
        except OSError:
            return False
        return False

    def exchange(self, message: bytes, limit: float) -> tuple[Response, bool]:
        """Send a message and read the answer to it within `limit` seconds; say whether the connection can be kept."""
        self._ends = time.monotonic() + limit
        self._buffer = bytearray()
        self._answered = False
        hint = ""
        try:
            self._socket.settimeout(max(0.001, limit))
            self._socket.sendall(message)
            status, headers, modern = self._head()
            while 100 <= status < 200 and status != 101:  # interim answers (RFC 9110, section 15.2)
                status, headers, modern = self._head()
            body, delimited = self._body(status, headers)
        except TimeoutError:
            why, hint = f"no whole answer within {limit:.3g} s", MORE_TIME
        except (OSError, EOFError) as error:  # ssl.SSLError is an OSError
            if not self._answered:
                raise _ConnectionClosed from None
            why = f"the answer was cut off ({type(error).__name__})"
        except ValueError:
            why = "the answer is not HTTP, or larger than any configuration value can be"
        else:
            keep = delimited and modern and "close" not in headers.get("connection", "").lower()
            return Response(status, headers, body), keep and not self._buffer
        raise _broken(why, hint)

    def _more(self) -> None:
        """Read what has come, waiting for it until the exchange's end."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        data = self._socket.recv(65536)
        if not data:
            raise EOFError
        self._answered = True
        self._buffer += data

    def _until(self, mark: bytes, most: int) -> bytes:
        """Take everything before `mark` off the buffer, and the mark too."""
        start = 0
        while (at := self._buffer.find(mark, start)) < 0:
            if len(self._buffer) > most:
                raise ValueError
            start = max(0, len(self._buffer) - len(mark) + 1)
            self._more()
        if at > most:
            raise ValueError
        taken = bytes(self._buffer[:at])
        del self._buffer[: at + len(mark)]
        return taken

    def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._more()
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def _head(self) -> tuple[int, dict[str, str], bool]:
        """Read a status line and headers; the last says whether the server speaks HTTP/1.1."""
        status_line, *lines = self._until(b"\r\n\r\n", _LONGEST_HEAD).decode("latin-1").split("\r\n")
        version, _, rest = status_line.partition(" ")
        code = rest[:3]
        if version not in {"HTTP/1.1", "HTTP/1.0"} or not (len(code) == 3 and code.isascii() and code.isdigit()):
            raise ValueError
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise ValueError
            name, value = name.lower(), value.strip()
            if name == "content-length" and headers.get(name, value) != value:
                raise ValueError  # two lengths: where the answer ends is not known
            headers[name] = value
        return int(code), headers, version == "HTTP/1.1"

    def _body(self, status: int, headers: dict[str, str]) -> tuple[bytes, bool]:
        """Read the body; also say whether its end was marked, as it must be for another answer to follow."""
        if status in {101, 204, 304}:
            return b"", status != 101
        if "transfer-encoding" in headers:
            if headers["transfer-encoding"].lower() != "chunked":
                raise ValueError
            return self._chunks(), True
        if "content-length" in headers:
            length = headers["content-length"]
            if not (length.isascii() and length.isdigit()) or len(length) > 9 or int(length) > _LONGEST_BODY:
                raise ValueError
            return self._exactly(int(length)), True
        while len(self._buffer) <= _LONGEST_BODY:  # until the server closes
            try:
                self._more()
            except EOFError:
                return bytes(self._buffer), False
        raise ValueError

    def _chunks(self) -> bytes:
        body = bytearray()
        while True:
            size = int(self._until(b"\r\n", 1024).partition(b";")[0].strip() or b"x", 16)
            if size < 0 or len(body) + size > _LONGEST_BODY:
                raise ValueError
            if size == 0:
                while self._until(b"\r\n", _LONGEST_HEAD):  # trailers, up to an empty line
                    pass
                return bytes(body)
            body += self._exactly(size)
            if self._exactly(2) != b"\r\n":
                raise ValueError
