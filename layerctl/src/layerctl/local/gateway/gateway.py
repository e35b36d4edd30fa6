"""Requests on one port: each finds its route, becomes an event, and gets the response that its API would give."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

from layerctl.local.gateway.cors import preflight, with_cors
from layerctl.local.gateway.request import event_for
from layerctl.local.gateway.response import refusal
from layerctl.local.http import HttpServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from layerctl.local.gateway.router import Router
    from layerctl.local.http import Request, Response
    from layerctl.templates.sam import Route

__all__ = ["Gateway", "Invoke"]


class Invoke(Protocol):
    """Runs a function on an event and makes its answer a response; never raises."""

    def __call__(self, route: Route, event: dict[str, Any], request: Request, /) -> Response:
        """Return the response to one request."""


class Gateway(HttpServer):
    """Serves routes until it is closed.

    Args:
        router: the routes; each leads to what runs its function.
        port: 0 takes any free one.
        on_request: told of each request when it is answered: request, route key or None, status, seconds.

    Raises:
        LayerctlError: the port is taken, or not ours to take.
    """

    def __init__(
        self,
        router: Router[Invoke],
        port: int,
        *,
        on_request: Callable[[Request, str | None, int, float], None] | None = None,
    ) -> None:
        super().__init__(port, self._answer)
        self.router = router
        self._on_request = on_request

    def _answer(self, request: Request) -> Response:
        started = time.monotonic()
        match = self.router.match(request.method, request.raw_path)
        api = match.route.api if match else self.router.owner(request.raw_path)
        own = api and preflight(request, api, self.router.methods(api, request.raw_path))
        key = "OPTIONS (CORS)" if own else match.route.key if match else None
        if own:
            response = own
        else:
            taken = match and match.target(match.route, event_for(request, match), request)
            response = taken or self._no_route(api.kind if api else None)
            response = with_cors(response, request, api) if api else response
        if self._on_request is not None:
            self._on_request(request, key, response.status, time.monotonic() - started)
        return response

    def _no_route(self, kind: str | None) -> Response:
        """REST APIs say 403 of what they do not have. Where no API has the path, an HTTP API speaks, if any."""
        if kind is None:
            kind = "rest" if self.router.apis and all(api.kind == "rest" for api in self.router.apis) else "http"
        return refusal(403 if kind == "rest" else 404, kind)
