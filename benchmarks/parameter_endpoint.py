"""A local SSM and Secrets Manager that answer at once, or refuse what is too much; they count requests."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Endpoint", "serve_parameter", "serve_values"]


class Endpoint:
    """The values that are served, where, and the operations that were asked for.

    With a `rate`, that many requests a second are answered (at most as many at once), the others are throttled.
    """

    def __init__(self, parameters: Mapping[str, str], secrets: Mapping[str, str], rate: float | None = None) -> None:
        self.parameters = parameters
        self.secrets = secrets
        self._rate = rate
        self._tokens = rate or 0.0
        self._filled = time.monotonic()
        self._lock = threading.Lock()
        self.operations: list[str] = []
        self.url = ""

    def admits(self) -> bool:
        """Whether a request that comes now is answered; takes its token from the bucket."""
        if self._rate is None:
            return True
        with self._lock:
            now = time.monotonic()
            self._tokens = min(self._rate, self._tokens + (now - self._filled) * self._rate)
            self._filled = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True

    def answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``GetParameter``, ``GetParameters`` or ``GetSecretValue``, for names that exist."""
        self.operations.append(operation)
        if operation == "GetSecretValue":
            name = request["SecretId"]
            return {"Name": name, "SecretString": self.secrets[name], "VersionStages": ["AWSCURRENT"]}
        if operation == "GetParameter":
            return {"Parameter": self._parameter(request["Name"])}
        return {"Parameters": [self._parameter(name) for name in request["Names"]], "InvalidParameters": []}

    def _parameter(self, name: str) -> dict[str, Any]:
        return {"Name": name, "Type": "String", "Value": self.parameters[name], "Version": 1, "DataType": "text"}


@contextlib.contextmanager
def serve_values(
    parameters: Mapping[str, str], secrets: Mapping[str, str], rate: float | None = None
) -> Iterator[Endpoint]:
    """Serve parameters and secrets on loopback for the time of a `with` block, `rate` requests a second if given."""
    endpoint = Endpoint(parameters, secrets, rate)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in one packet: two would wait 40 ms for each other (Nagle, and a delayed acknowledgement).
        wbufsize = 64 * 1024

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            admitted = endpoint.admits()
            if admitted:
                answer = endpoint.answer(operation, request)
            else:
                endpoint.operations.append(operation)
                answer = {"__type": "ThrottlingException", "message": "Rate exceeded"}
            payload = json.dumps(answer).encode()
            self.send_response(200 if admitted else 400)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 256  # the burst of connections is not what is measured
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def serve_parameter(name: str, value: str) -> Iterator[str]:
    """Serve one parameter.

    Yields:
        The endpoint's URL, for ``AWS_ENDPOINT_URL``.
    """
    with serve_values({name: value}, {}) as endpoint:
        yield endpoint.url
