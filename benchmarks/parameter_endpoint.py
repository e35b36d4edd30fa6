"""A local SSM and Secrets Manager that answer at once, so that what is measured is the client; they count requests."""

from __future__ import annotations

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Endpoint", "serve_parameter", "serve_values"]


class Endpoint:
    """The values that are served, where, and the operations that were asked for."""

    def __init__(self, parameters: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        self.parameters = parameters
        self.secrets = secrets
        self.operations: list[str] = []
        self.url = ""

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
def serve_values(parameters: Mapping[str, str], secrets: Mapping[str, str]) -> Iterator[Endpoint]:
    """Serve parameters and secrets on loopback for the time of a `with` block."""
    endpoint = Endpoint(parameters, secrets)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in one packet: two would wait 40 ms for each other (Nagle, and a delayed acknowledgement).
        wbufsize = 64 * 1024

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            payload = json.dumps(endpoint.answer(self.headers["X-Amz-Target"].rpartition(".")[2], request)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
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
