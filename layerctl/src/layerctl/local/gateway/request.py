"""An HTTP request as the event that API Gateway makes of it, payload formats 2.0 and 1.0.

API Gateway developer guide: "Create AWS Lambda proxy integrations for HTTP APIs" (both formats) and "Input format of a
Lambda function for proxy integration" (REST APIs).
"""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote
from uuid import uuid4

from layerctl.templates.sam import ACCOUNT

if TYPE_CHECKING:
    from layerctl.templates.sam import Route

__all__ = ["Request", "event_for"]

_API_ID = "local"
_TEXT_TYPES = {"application/json", "application/javascript", "application/xml"}


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


def event_for(request: Request, route: Route, parameters: dict[str, str]) -> dict[str, Any]:
    """Build the event in the route's payload format.

    Args:
        request: what came in.
        route: what it matched.
        parameters: the values of the route's path variables.
    """
    return _format_2(request, route, parameters) if route.payload == "2.0" else _format_1(request, route, parameters)


def _format_2(request: Request, route: Route, parameters: dict[str, str]) -> dict[str, Any]:
    path = unquote(request.raw_path)  # HTTP APIs decode it, whatever the field's name says
    body, encoded = _body(request, route)
    cookies = [part for key, value in request.headers if key.lower() == "cookie" for part in value.split("; ")]
    headers = _forwarded(request)
    query = _grouped(parse_qsl(request.query, keep_blank_values=True))
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": path,
        "rawQueryString": request.query,
        "cookies": cookies,
        "headers": {name: ",".join(values) for name, values in headers.items() if name != "cookie"},
        "queryStringParameters": {name: ",".join(values) for name, values in query.items()},
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": _API_ID,
            "domainName": request.header("host"),
            "domainPrefix": _API_ID,
            "http": {
                "method": request.method,
                "path": path,
                "protocol": request.protocol,
                "sourceIp": request.source_ip,
                "userAgent": request.header("user-agent"),
            },
            "requestId": request.request_id,
            "routeKey": route.key,
            "stage": "$default",
            "time": _common_log_time(request),
            "timeEpoch": int(request.received * 1000),
        },
        "pathParameters": parameters,
        "body": body,
        "isBase64Encoded": encoded,
    }
    # What there is none of is left out, where format 1.0 says null.
    for name in ("cookies", "queryStringParameters", "pathParameters", "body"):
        if not event[name]:
            del event[name]
    return event


def _format_1(request: Request, route: Route, parameters: dict[str, str]) -> dict[str, Any]:
    rest = route.api == "rest"
    path = request.raw_path if rest else unquote(request.raw_path)
    stage = "Prod" if rest else "$default"
    body, encoded = _body(request, route)
    headers = _forwarded(request, lower=not rest)
    query = _grouped(parse_qsl(request.query, keep_blank_values=True))
    resource = route.path
    return {
        **({} if rest else {"version": "1.0"}),
        "resource": resource,
        "path": path,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": _API_ID,
            "domainName": request.header("host"),
            "domainPrefix": _API_ID,
            "extendedRequestId": request.request_id,
            "httpMethod": request.method,
            "identity": {
                **dict.fromkeys(("accessKey", "accountId", "caller", "cognitoIdentityId", "user", "userArn")),
                "sourceIp": request.source_ip,
                "userAgent": request.header("user-agent"),
            },
            "path": f"/{stage}{path}" if rest else path,
            "protocol": request.protocol,
            "requestId": request.request_id,
            "requestTime": _common_log_time(request),
            "requestTimeEpoch": int(request.received * 1000),
            "resourceId": _API_ID if rest else route.key,
            "resourcePath": resource,
            "stage": stage,
        },
        "pathParameters": parameters or None,
        "stageVariables": None,
        "body": body or None,
        "isBase64Encoded": encoded,
    }


def _body(request: Request, route: Route) -> tuple[str, bool]:
    """The body as text, or in base64.

    An HTTP API passes on text only of the types that it knows for text (a form is none of them); a REST API without
    binary media types passes on everything as text, which only what is UTF-8 survives.
    """
    kind = request.header("content-type").partition(";")[0].strip().lower()
    known = kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith(("+json", "+xml"))
    if not request.body:
        return "", False
    if known or route.api == "rest":
        try:
            return request.body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(request.body).decode(), True


def _forwarded(request: Request, *, lower: bool = True) -> dict[str, list[str]]:
    """The headers with those that the gateway adds."""
    port = request.header("host").rpartition(":")[2]
    added = [
        ("X-Amzn-Trace-Id", f"Root=1-{int(request.received):08x}-{request.request_id.replace('-', '')[:24]}"),
        ("X-Forwarded-For", request.source_ip),
        ("X-Forwarded-Port", port if port.isdigit() else "80"),
        ("X-Forwarded-Proto", "http"),
    ]
    names = {key.lower() for key, _ in added}
    own = [(key, value) for key, value in request.headers if key.lower() not in names]
    return _grouped([(key.lower() if lower else key, value) for key, value in [*own, *added]])


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name, value in pairs:
        groups.setdefault(name, []).append(value)
    return groups


def _common_log_time(request: Request) -> str:
    """``12/Mar/2020:19:03:58 +0000``."""
    return datetime.fromtimestamp(request.received, UTC).strftime("%d/%b/%Y:%H:%M:%S %z")
