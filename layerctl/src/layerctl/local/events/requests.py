"""Events of HTTP requests: by API Gateway and function URLs as `layerctl run` makes them, and by load balancers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from layerctl.core.errors import LayerctlError
from layerctl.local.gateway import Router, event_for
from layerctl.local.gateway.request import as_text, forwarded, grouped, is_text, media_type
from layerctl.templates.sam import Api, Route

if TYPE_CHECKING:
    from layerctl.local.events.services import EventSource
    from layerctl.local.http import Request

__all__ = ["alb", "function_url", "http_api", "rest_api"]


def http_api(
    request: Request, *, path: str | None = None, stage: str | None = None, payload: str = "2.0"
) -> dict[str, Any]:
    """The event of an HTTP API.

    Args:
        request: what the client sends.
        path: the route's, e.g. ``/todos/{id}``; default: the request's own.
        stage: default: ``$default``.
        payload: the payload format.

    Raises:
        LayerctlError: the request does not take that route.
    """
    return _routed(request, Api("http", "local", stage=stage or "$default"), path, payload)


def rest_api(request: Request, *, path: str | None = None, stage: str | None = None) -> dict[str, Any]:
    """The event of a REST API, whose stage is ``Prod`` by default; as `http_api`."""
    return _routed(request, Api("rest", "local", stage=stage or "Prod"), path, "1.0")


def function_url(request: Request) -> dict[str, Any]:
    """The event of a function URL."""
    return _routed(request, Api("url", "local"), "$default", "2.0")


def alb(request: Request, at: EventSource, *, multi_value: bool) -> dict[str, Any]:
    """The event of an Application Load Balancer ("Lambda functions as targets" in its user guide).

    Args:
        request: what the client sends; values stay percent-encoded there.
        at: where.
        multi_value: the target group has multi-value headers enabled.
    """
    headers = forwarded(request)
    pairs = [part.partition("=") for part in request.query.split("&") if part]
    query = grouped([(name, value) for name, _, value in pairs])
    body, encoded = as_text(request.body, text=is_text(media_type(request.header("content-type"))))
    target = at.arn("elasticloadbalancing", "targetgroup/layerctl/0123456789abcdef")
    event: dict[str, Any] = {
        "requestContext": {"elb": {"targetGroupArn": target}},
        "httpMethod": request.method,
        "path": request.raw_path,
    }
    if multi_value:
        event |= {"multiValueQueryStringParameters": query, "multiValueHeaders": headers}
    else:
        event |= {
            "queryStringParameters": {name: values[-1] for name, values in query.items()},
            "headers": {name: values[-1] for name, values in headers.items()},
        }
    return {**event, "body": body, "isBase64Encoded": encoded}


def _routed(request: Request, api: Api, path: str | None, payload: Any) -> dict[str, Any]:
    route = Route(api, request.method, path or request.raw_path, payload, 30.0)
    match = Router([(route, None, "the event")]).match(request.method, request.raw_path)
    if match is None:
        raise LayerctlError(f"{request.raw_path} does not take the route {route.key}")
    return event_for(request, match)
