"""A local SSM that knows one parameter and answers at once, so that what is measured is the client."""

from __future__ import annotations

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["serve_parameter"]


@contextlib.contextmanager
def serve_parameter(name: str, value: str) -> Iterator[str]:
    """Serve ``GetParameter`` and ``GetParameters`` on loopback for the time of a `with` block.

    Yields:
        The endpoint's URL, for ``AWS_ENDPOINT_URL``.
    """
    parameter = {"Name": name, "Type": "String", "Value": value, "Version": 1, "DataType": "text"}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            single = self.headers["X-Amz-Target"].endswith(".GetParameter")
            body = {"Parameter": parameter} if single else {"Parameters": [parameter], "InvalidParameters": []}
            payload = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
