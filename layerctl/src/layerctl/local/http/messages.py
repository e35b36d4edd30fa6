"""Requests and responses, as plain records."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from uuid import uuid4

__all__ = ["METHODS", "Request", "Response", "message"]

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came.

    Attributes:
        target: path and query, percent-encoded.
        headers: in their order, with repetitions.
    """

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    protocol: str = "HTTP/1.1"
    source_ip: str = "127.0.0.1"
    request_id: str = field(default_factory=lambda: str(uuid4()))
    received: float = field(default_factory=time.time)

    @property
    def raw_path(self) -> str:
        """The path, percent-encoded."""
        return self.target.partition("?")[0] or "/"

    @property
    def query(self) -> str:
        """The query, percent-encoded, without the question mark."""
        return self.target.partition("?")[2]

    def header(self, name: str) -> str:
        """A header's first value, or an empty text."""
        return next((value for key, value in self.headers if key.lower() == name), "")


@dataclass(frozen=True, slots=True)
class Response:
    """A response as it goes out, without the headers that the server adds."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


def message(status: int, text: str) -> Response:
    """A response that says one thing, ``{"message": …}``."""
    return Response(status, [("content-type", "application/json")], json.dumps({"message": text}).encode())
