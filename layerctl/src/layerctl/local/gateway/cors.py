"""Cross-origin resource sharing, as each kind of API plays it (Fetch Standard, "CORS protocol").

HTTP API (API Gateway developer guide, "Configure CORS for HTTP APIs"): preflight requests that no route takes are
answered, and the settings go into each answer to a request with an Origin, in place of what the function says.
Function URL (Lambda developer guide, "Cross-origin resource sharing (CORS)"): the same, and no preflight request
reaches the function. REST API (SAM developer guide, "CorsConfiguration"): SAM adds an OPTIONS method with fixed headers
to each path that has none; all other answers have the headers that the function gives them.
"""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from layerctl.local.http import METHODS, Response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from layerctl.local.http import Request
    from layerctl.templates.sam import Api, Cors

__all__ = ["preflight", "with_cors"]


def preflight(request: Request, api: Api, methods: Sequence[str]) -> Response | None:
    """The answer of the API itself to a preflight request, or None where a route has to take it.

    Args:
        request: what came in.
        api: the API that it came in by.
        methods: for which the API has the request's path.
    """
    if api.cors is None or request.method != "OPTIONS":
        return None
    if api.kind == "rest":
        return _mock(api.cors, methods) if methods and "OPTIONS" not in methods else None
    if not (request.header("origin") and request.header("access-control-request-method")):
        return None
    if api.kind == "http" and {"OPTIONS", "ANY"} & set(methods):
        return None
    headers = _headers(api.cors, request)
    if headers:
        headers += _present(
            ("access-control-allow-methods", ",".join(api.cors.methods)),
            ("access-control-allow-headers", ",".join(api.cors.headers)),
            ("access-control-max-age", "" if api.cors.max_age is None else str(api.cors.max_age)),
        )
    return Response(204 if api.kind == "http" else 200, headers)


def with_cors(response: Response, request: Request, api: Api) -> Response:
    """The response with the headers that the API adds, in place of the function's own."""
    if api.cors is None or api.kind == "rest" or not request.header("origin"):
        return response
    own = [header for header in response.headers if not header[0].lower().startswith("access-control-")]
    return replace(response, headers=[*own, *_headers(api.cors, request)])


def _headers(cors: Cors, request: Request) -> list[tuple[str, str]]:
    """The headers of every answer to an origin that is allowed; none for another one."""
    origin = request.header("origin")
    if not any(fnmatchcase(origin, pattern) for pattern in cors.origins):
        return []
    return _present(
        ("access-control-allow-origin", "*" if "*" in cors.origins else origin),
        ("access-control-allow-credentials", "true" if cors.credentials else ""),
        ("access-control-expose-headers", ",".join(cors.expose)),
    )


def _mock(cors: Cors, methods: Sequence[str]) -> Response:
    """The answer of the OPTIONS method that SAM adds, whoever asks."""
    every = METHODS if "ANY" in methods else sorted({*methods, "OPTIONS"})
    headers = _present(
        ("Access-Control-Allow-Origin", ",".join(cors.origins)),
        ("Access-Control-Allow-Headers", ",".join(cors.headers)),
        ("Access-Control-Allow-Methods", ",".join(cors.methods or every)),
        ("Access-Control-Max-Age", "" if cors.max_age is None else str(cors.max_age)),
        ("Access-Control-Allow-Credentials", "true" if cors.credentials else ""),
    )
    return Response(200, [*headers, ("Content-Type", "application/json")])


def _present(*headers: tuple[str, str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if value]
