"""A proxy in front of a local AWS that misbehaves as told: throttles, fails, hangs, cuts, kills the client.

Besides, what misbehaves without a proxy: a token bucket, an address that answers nothing, and a slow resolver.

Rules are per operation, so a test says ``proxy.add("PublishLayerVersion", cut_after())`` and nothing else changes.
Every request is kept in `FaultProxy.log`, faults included.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import json
import re
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = [
    "Call",
    "FaultProxy",
    "TokenBucket",
    "answer",
    "barrier",
    "black_hole",
    "clock_error",
    "cut_after",
    "cut_before",
    "fault_proxy",
    "hang",
    "kill_client",
    "skewed_clock",
    "slow_resolver",
    "token_bucket",
]

# Lambda's REST paths (API reference), in the order in which they are tried.
_OPERATIONS = [
    ("POST", r"/2018-10-31/layers/[^/]+/versions", "PublishLayerVersion"),
    ("GET", r"/2018-10-31/layers/[^/]+/versions", "ListLayerVersions"),
    ("GET", r"/2018-10-31/layers/[^/]+/versions/\d+", "GetLayerVersion"),
    ("DELETE", r"/2018-10-31/layers/[^/]+/versions/\d+", "DeleteLayerVersion"),
    ("GET", r"/2018-10-31/layers/[^/]+/versions/\d+/policy", "GetLayerVersionPolicy"),
    ("POST", r"/2018-10-31/layers/[^/]+/versions/\d+/policy", "AddLayerVersionPermission"),
    ("DELETE", r"/2018-10-31/layers/[^/]+/versions/\d+/policy/[^/]+", "RemoveLayerVersionPermission"),
    ("GET", r"/2015-03-31/functions", "ListFunctions"),
    ("GET", r"/2015-03-31/functions/[^/]+/aliases", "ListAliases"),
    ("POST", r"/2015-03-31/functions/[^/]+/invocations", "InvokeFunction"),
]


@dataclass(frozen=True)
class Call:
    """One request: its operation, the region that it is signed for, and how to pass it on."""

    operation: str
    region: str
    method: str
    path: str
    headers: Mapping[str, str]
    forward: Callable[[], tuple[int, Mapping[str, str], bytes]]


# A fault answers a call: status, headers and body; or None to cut the connection without an answer.
Answer = tuple[int, Mapping[str, str], bytes] | None
Fault = Callable[[Call], Answer]


def answer(status: int, code: str = "", message: str = "") -> Fault:
    """Answer with an AWS error; 429 with ``TooManyRequestsException`` is Lambda's throttling."""

    def fault(call: Call) -> Answer:
        headers = {"x-amzn-ErrorType": code, "Content-Type": "application/json"}
        return status, headers, json.dumps({"__type": code, "message": message, "Message": message}).encode()

    return fault


def cut_before() -> Fault:
    """Cut the connection before AWS sees the request."""
    return lambda call: None


def cut_after() -> Fault:
    """Let AWS do it, and cut the connection instead of telling."""

    def fault(call: Call) -> Answer:
        call.forward()
        return None

    return fault


def hang(release: threading.Event, *, do: bool) -> Fault:
    """Answer nothing until `release` is set; `do` says whether AWS does it."""

    def fault(call: Call) -> Answer:
        if do:
            call.forward()
        release.wait(60)
        return None

    return fault


def kill_client(kill: Callable[[], None], *, do: bool) -> Fault:
    """Kill the client at this request; `do` says whether AWS still does it."""

    def fault(call: Call) -> Answer:
        if do:
            call.forward()
        kill()
        return None

    return fault


def barrier(parties: int) -> Fault:
    """Hold calls until `parties` of them have arrived, then pass all on: clients that race, every time."""
    gate = threading.Barrier(parties)

    def fault(call: Call) -> Answer:
        with contextlib.suppress(threading.BrokenBarrierError):
            gate.wait(50)
        return call.forward()

    return fault


class TokenBucket:
    """The way in which AWS limits a rate: a bucket of `size` tokens that fills with `rate` tokens a second."""

    def __init__(self, rate: float, size: float | None = None) -> None:
        self._rate = rate
        self._size = rate if size is None else size
        self._tokens = self._size
        self._filled = time.monotonic()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take a token, if there is one."""
        with self._lock:
            now = time.monotonic()
            self._tokens = min(self._size, self._tokens + (now - self._filled) * self._rate)
            self._filled = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True


def token_bucket(bucket: TokenBucket, code: str = "ThrottlingException") -> Fault:
    """Throttle what finds the bucket empty, and pass the rest on."""
    refuse = answer(400, code, "Rate exceeded")
    return lambda call: call.forward() if bucket.take() else refuse(call)


def clock_error(signed_at: str, ahead: float, span: float = 300.0) -> tuple[str, str] | None:
    """Return what a service whose clock is `ahead` seconds ahead of ours says of a request: message and Date header.

    None when the signature's time (``20261123T043000Z``) is within `span` seconds of the service's.
    """
    now = time.time() + ahead
    signed = time.mktime(time.strptime(signed_at, "%Y%m%dT%H%M%SZ")) - time.timezone
    if abs(signed - now) <= span:
        return None
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    if signed < now:
        edge = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now - span))
        said = f"Signature expired: {signed_at} is now earlier than {edge} ({stamp} - 5 min.)"
    else:
        edge = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now + span))
        said = f"Signature not yet current: {signed_at} is still later than {edge} ({stamp} + 5 min.)"
    return said, email.utils.formatdate(now, usegmt=True)


def skewed_clock(ahead: float) -> Fault:
    """Refuse what is not signed by the time of a clock that is `ahead` seconds ahead of ours."""

    def fault(call: Call) -> Answer:
        wrong = clock_error(call.headers.get("X-Amz-Date", ""), ahead)
        if wrong is None:
            return call.forward()
        message, date = wrong
        refused = answer(403, "InvalidSignatureException", message)(call)
        assert refused is not None
        return refused[0], {**refused[1], "Date": date}, refused[2]

    return fault


@contextlib.contextmanager
def black_hole() -> Iterator[int]:
    """Give a port of 127.0.0.1 on which nothing answers: connections are neither made nor refused."""
    with socket.socket() as listener, contextlib.ExitStack() as fillers:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):  # fill the queue of connections that nobody accepts: the kernel drops further ones
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        time.sleep(0.05)
        yield listener.getsockname()[1]


@contextlib.contextmanager
def slow_resolver(seconds: float) -> Iterator[None]:
    """Let every look-up of a host name take that long."""
    real = socket.getaddrinfo

    def slow(*args: Any, **more: Any) -> Any:
        time.sleep(seconds)
        return real(*args, **more)

    socket.getaddrinfo = slow
    try:
        yield
    finally:
        socket.getaddrinfo = real


@dataclass
class _Rule:
    operation: str
    fault: Fault
    times: int
    region: str | None


@dataclass
class FaultProxy:
    """Where to send requests, what goes wrong with them, and which came."""

    endpoint: str
    log: list[tuple[str, str]] = field(default_factory=list)
    sent: set[tuple[str, str]] = field(default_factory=set)  # service and operation of each request
    _rules: list[_Rule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, operation: str, fault: Fault, *, times: int = 1, region: str | None = None) -> None:
        """Let a fault happen to the next `times` requests of an operation (in one region)."""
        with self._lock:
            self._rules.append(_Rule(operation, fault, times, region))

    def heal(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._rules.clear()

    def count(self, operation: str) -> int:
        """How many requests of an operation came."""
        with self._lock:
            return sum(name == operation for name, _ in self.log)

    def _take(self, call: Call) -> Fault | None:
        with self._lock:
            self.log.append((call.operation, call.region))
            for rule in self._rules:
                if rule.operation == call.operation and rule.times > 0 and rule.region in (None, call.region):
                    rule.times -= 1
                    return rule.fault
        return None


@contextlib.contextmanager
def fault_proxy(upstream: str) -> Iterator[FaultProxy]:
    """Serve a proxy to the local AWS at `upstream` for the time of a `with` block."""
    target = urllib.parse.urlsplit(upstream)

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))

            def forward() -> tuple[int, Mapping[str, str], bytes]:
                connection = http.client.HTTPConnection(str(target.hostname), target.port, timeout=60)
                try:
                    connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                    for name, value in self.headers.items():
                        if name.lower() not in ("content-length", "expect"):
                            connection.putheader(name, value)
                    connection.putheader("Content-Length", str(len(body)))
                    connection.endheaders(body)
                    reply = connection.getresponse()
                    return reply.status, dict(reply.getheaders()), reply.read()
                finally:
                    connection.close()

            operation = _operation(self, body)
            if service := _service(self):
                proxy.sent.add((service, _asked(self, operation)))
            call = Call(operation, _region(self), self.command, self.path, self.headers, forward)
            fault = proxy._take(call)
            outcome = fault(call) if fault else forward()
            self.close_connection = True
            if outcome is None:
                return
            status, headers, content = outcome
            with contextlib.suppress(OSError):  # the client may be gone, by our own doing
                self.send_response_only(status)
                for name, value in headers.items():
                    if name.lower() not in ("content-length", "connection", "transfer-encoding", "server"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy = FaultProxy(f"http://localhost:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def _operation(request: BaseHTTPRequestHandler, body: bytes) -> str:
    if (request.headers.get("Content-Type") or "").startswith("application/x-www-form-urlencoded"):
        named = urllib.parse.parse_qs(body.decode("utf-8", "replace")).get("Action")
        if named:  # AWS's query protocol: CloudFormation, STS
            return named[0]
    target = request.headers.get("X-Amz-Target")
    if target:
        return target.split(".")[-1]
    path = urllib.parse.urlsplit(request.path).path
    for method, pattern, name in _OPERATIONS:
        if method == request.command and re.fullmatch(pattern, path):
            return name
    return f"{request.command} {path}"


def _service(request: BaseHTTPRequestHandler) -> str:
    match = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", request.headers.get("Authorization") or "")
    return match[1] if match else ""


def _asked(request: BaseHTTPRequestHandler, operation: str) -> str:
    """The operation's name, also of S3, where only method and path tell it."""
    if " " in operation and _service(request) == "s3":
        asked = urllib.parse.urlsplit(request.path)
        of = "Object" if asked.path.strip("/").count("/") else "Bucket"
        if (request.command, of) == ("PUT", "Bucket"):
            return "PutPublicAccessBlock" if asked.query.startswith("publicAccessBlock") else "CreateBucket"
        return {"HEAD": "Head", "GET": "Get", "PUT": "Put", "POST": "Put"}.get(request.command, operation) + of
    return operation


def _region(request: BaseHTTPRequestHandler) -> str:
    match = re.search(r"Credential=[^/]+/\d+/([^/]+)/", request.headers.get("Authorization") or "")
    return match[1] if match else ""
