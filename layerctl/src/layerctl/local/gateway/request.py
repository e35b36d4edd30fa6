"""An HTTP request as the event that API Gateway or a function URL makes of it, payload formats 2.0 and 1.0.

API Gateway developer guide: "Create AWS Lambda proxy integrations for HTTP APIs" (both formats), "Input format of a
Lambda function for proxy integration" (REST APIs) and "Binary media types for REST APIs". Lambda developer guide:
"Invoking Lambda function URLs", "Request payload format". What decodes what is documented nowhere and was observed:
HTTP APIs decode the path and its variables, REST APIs and function URLs hand on what the client sent.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from layerctl.templates.sam import ACCOUNT

if TYPE_CHECKING:
    from layerctl.local.gateway.router import Match
    from layerctl.local.http import Request
    from layerctl.templates.sam import Route

__all__ = ["any_type", "as_text", "event_for", "forwarded", "grouped", "is_text", "media_type"]

_API_ID = "local"
_TEXT_TYPES = {"application/json", "application/javascript", "application/xml"}


def event_for(request: Request, match: Match[Any]) -> dict[str, Any]:
    """Build the event in the payload format of the route that a request takes."""
    route = match.route
    return _format_2(request, match) if route.payload == "2.0" else _format_1(request, match)


def _format_2(request: Request, match: Match[Any]) -> dict[str, Any]:
    route, url = match.route, match.route.api.kind == "url"
    path = match.path if url else _staged(match)
    body, encoded = _body(request, route)
    cookies = [part for key, value in request.headers if key.lower() == "cookie" for part in value.split("; ")]
    headers = forwarded(request)
    query = grouped(parse_qsl(request.query, keep_blank_values=True))
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": path,
        "rawQueryString": request.query,
        "cookies": cookies,
        "headers": {name: ",".join(values) for name, values in headers.items() if name != "cookie"},
        "queryStringParameters": {name: ",".join(values) for name, values in query.items()},
        "requestContext": {
            "accountId": "anonymous" if url else ACCOUNT,
            "apiId": _API_ID,
            **({"authentication": None} if url else {}),
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
            "stage": route.api.stage,
            "time": _common_log_time(request),
            "timeEpoch": int(request.received * 1000),
        },
        "pathParameters": match.parameters,
        "stageVariables": dict(route.api.variables),
        "body": body,
        "isBase64Encoded": encoded,
    }
    # What there is none of is left out, where format 1.0 says null.
    for name in ("cookies", "queryStringParameters", "pathParameters", "stageVariables", "body"):
        if not event[name]:
            del event[name]
    return event


def _format_1(request: Request, match: Match[Any]) -> dict[str, Any]:
    route, rest = match.route, match.route.api.kind == "rest"
    stage = route.api.stage
    path = match.path if rest else _staged(match)
    resource = (route.path.rstrip("/") or "/") if rest else route.path  # REST APIs drop a slash at the end
    body, encoded = _body(request, route)
    headers = forwarded(request, lower=not rest)
    query = grouped(parse_qsl(request.query, keep_blank_values=True))
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
        "pathParameters": match.parameters or None,
        "stageVariables": dict(route.api.variables) or None,
        "body": body or None,
        "isBase64Encoded": encoded,
    }


def _staged(match: Match[Any]) -> str:
    """The path as an HTTP API has it: decoded, whatever the field's name says, and with the stage's name."""
    stage = match.route.api.stage
    return unquote(match.path) if stage == "$default" else f"/{stage}{unquote(match.path)}"


def _body(request: Request, route: Route) -> tuple[str, bool]:
    """The body as text, or in base64.

    An HTTP API and a function URL pass on text only of the types that they know for text (a form is none of them). A
    REST API passes on everything but its binary media types as text.
    """
    kind = media_type(request.header("content-type"))
    if route.api.kind == "rest":
        return as_text(request.body, text=not any_type(kind or "application/json", route.api.binary))
    return as_text(request.body, text=is_text(kind))


def is_text(kind: str) -> bool:
    """Whether a media type is one of those that AWS's front ends take for text."""
    return kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith(("+json", "+xml"))


def as_text(body: bytes, *, text: bool) -> tuple[str, bool]:
    """A body as an event has it, and whether in base64: unless it is text, or where it is no UTF-8."""
    if text or not body:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), True


def media_type(header: str) -> str:
    """The first media type of a Content-Type or Accept header, without parameters."""
    return header.partition(",")[0].partition(";")[0].strip().lower()


def any_type(kind: str, patterns: tuple[str, ...]) -> bool:
    """Whether a media type is among those of an API, of which ``*/*`` is any and ``image/*`` any of its kind."""
    return any(fnmatchcase(kind, pattern.lower()) for pattern in patterns)


def forwarded(request: Request, *, lower: bool = True) -> dict[str, list[str]]:
    """The headers with those that AWS's front ends add."""
    port = request.header("host").rpartition(":")[2]
    added = [
        ("X-Amzn-Trace-Id", f"Root=1-{int(request.received):08x}-{request.request_id.replace('-', '')[:24]}"),
        ("X-Forwarded-For", request.source_ip),
        ("X-Forwarded-Port", port if port.isdigit() else "80"),
        ("X-Forwarded-Proto", "http"),
    ]
    names = {key.lower() for key, _ in added}
    own = [(key, value) for key, value in request.headers if key.lower() not in names]
    return grouped([(key.lower() if lower else key, value) for key, value in [*own, *added]])


def grouped(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Each name with its values, in their order."""
    groups: dict[str, list[str]] = {}
    for name, value in pairs:
        groups.setdefault(name, []).append(value)
    return groups


def _common_log_time(request: Request) -> str:
    """``12/Mar/2020:19:03:58 +0000``."""
    return datetime.fromtimestamp(request.received, UTC).strftime("%d/%b/%Y:%H:%M:%S %z")
