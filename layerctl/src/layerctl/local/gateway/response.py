"""What a function returned, as the HTTP response that API Gateway makes of it.

API Gateway developer guide: "Lambda function response format" (HTTP APIs, function URLs as well), "Output format of a
Lambda function for proxy integration" and "Return binary media from a Lambda proxy integration" (REST APIs).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import TYPE_CHECKING, Any

from layerctl.local.gateway.request import any_type, media_type
from layerctl.local.http import Response, message

if TYPE_CHECKING:
    from layerctl.local.http import Request
    from layerctl.templates.sam import Route

__all__ = ["MalformedAnswerError", "refusal", "response_from", "stays_encoded"]

# The server writes these itself.
_OURS = {"connection", "content-length", "date", "keep-alive", "server", "trailer", "transfer-encoding", "upgrade"}
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, token
_UNFIT = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")  # RFC 9110, field values
# All that a REST API takes; anything else makes the answer malformed.
_REST_KEYS = {"isBase64Encoded", "statusCode", "headers", "multiValueHeaders", "body"}
# What the gateway itself says, by kind of API.
_MESSAGES = {
    ("http", 404): "Not Found",
    ("http", 413): "Request Entity Too Large",
    ("http", 500): "Internal Server Error",
    ("http", 503): "Service Unavailable",
    ("rest", 403): "Missing Authentication Token",
    ("rest", 413): "Request Too Long",
    ("rest", 502): "Internal server error",
    ("rest", 504): "Endpoint request timed out",
    ("url", 502): "Internal Server Error",
}


class MalformedAnswerError(Exception):
    """A function returned what API Gateway cannot make a response of; the message says what."""


def refusal(status: int, kind: str) -> Response:
    """What an API of that kind says by itself."""
    return message(status, _MESSAGES.get((kind, status)) or _MESSAGES.get(("http", status), "Internal Server Error"))


def response_from(value: Any, route: Route, request: Request) -> Response:
    """Make a response to a request of a function's return value.

    Raises:
        MalformedAnswerError: the value has not the form that the payload format asks for.
    """
    if route.payload == "2.0":
        if not isinstance(value, dict) or "statusCode" not in value:
            # Anything else is the body of a 200 in JSON; a text is taken as it is.
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            return Response(200, [("content-type", "application/json")], text.encode("utf-8", "replace"))
        default_type = "text/plain; charset=utf-8"
    elif not isinstance(value, dict) or "statusCode" not in value:
        raise MalformedAnswerError("payload format 1.0 asks for a dict with statusCode")
    elif route.api.kind == "rest" and (extra := sorted(map(str, value.keys() - _REST_KEYS))):
        raise MalformedAnswerError(f"a REST API takes {', '.join(sorted(_REST_KEYS))}, and not {', '.join(extra)}")
    else:
        default_type = "application/json"
    headers = _headers(value)
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("content-type", default_type))
    if route.payload == "2.0":
        headers += [("set-cookie", _header_value("cookies", cookie)) for cookie in _list(value, "cookies")]
    return Response(_status(value["statusCode"]), headers, _body(value, decode=_decodes(route, request)))


def stays_encoded(value: Any, route: Route, request: Request) -> bool:
    """Whether base64 goes out as text, because a REST API does not take what the client accepts for binary."""
    return isinstance(value, dict) and value.get("isBase64Encoded") is True and not _decodes(route, request)


def _decodes(route: Route, request: Request) -> bool:
    """Whether base64 in an answer is decoded. A REST API goes by the first type that the client accepts."""
    return route.api.kind != "rest" or any_type(media_type(request.header("accept")) or "*/*", route.api.binary)


def _status(value: Any) -> int:
    try:
        status = int(value) if not isinstance(value, (bool, float)) else 0
    except (TypeError, ValueError):
        status = 0
    if not 200 <= status <= 599:
        raise MalformedAnswerError(f"statusCode is {value!r}, not 200 to 599")
    return status


def _headers(value: dict[str, Any]) -> list[tuple[str, str]]:
    single, multiple = value.get("headers") or {}, value.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(multiple, dict):
        raise MalformedAnswerError("headers and multiValueHeaders must be mappings")
    pairs = [(name, item) for name in multiple for item in _list(multiple, name)]
    named = {name.lower() for name in multiple}
    pairs += [(name, item) for name, item in single.items() if name.lower() not in named]
    for name, _ in pairs:
        if not _NAME.fullmatch(name):
            raise MalformedAnswerError(f"{name!r} is no header name")
    return [(name, _header_value(name, item)) for name, item in pairs if name.lower() not in _OURS]


def _header_value(name: str, value: Any) -> str:
    if isinstance(value, (dict, list)) or value is None:
        raise MalformedAnswerError(f"the header {name} is {value!r}, not text")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if _UNFIT.search(text):
        raise MalformedAnswerError(f"the header {name} has a control character in it")
    return text


def _list(mapping: dict[str, Any], name: str) -> list[Any]:
    values = mapping.get(name) or []
    if not isinstance(values, list):
        raise MalformedAnswerError(f"{name} must be a list")
    return values


def _body(value: dict[str, Any], *, decode: bool) -> bytes:
    body = value.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedAnswerError(f"body is a {type(body).__name__}, not text; json.dumps makes it one")
    if value.get("isBase64Encoded") is not True or not decode:
        return body.encode("utf-8", "replace")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise MalformedAnswerError("isBase64Encoded is true, but body is not base64") from None
