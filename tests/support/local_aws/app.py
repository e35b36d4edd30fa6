"""The WSGI application: moto's dispatcher, and the routes that adapters add beside it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from importlib import import_module
from wsgiref.types import StartResponse, WSGIEnvironment

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request, Response

__all__ = ["Guard", "LocalApp", "Route"]

Route = Callable[[Request], Response]
Guard = Callable[[WSGIEnvironment], Response | None]


class LocalApp:
    """moto's server application with adapters.

    Args:
        adapters: dotted names of modules with ``install(app: LocalApp) -> None``; installed in this order.
    """

    def __init__(self, adapters: Iterable[str]) -> None:
        self._routes: dict[str, Route] = {}
        self._guards: list[Guard] = []
        self._moto = DomainDispatcherApplication(create_backend_app)
        for name in adapters:
            import_module(name).install(self)

    def route(self, prefix: str, handler: Route) -> None:
        """Answer every path that starts with `prefix` by `handler` instead of moto."""
        self._routes[prefix] = handler

    def guard(self, check: Guard) -> None:
        """Let `check` see every request first: what it returns is the answer, unless that is None."""
        self._guards.append(check)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        for check in self._guards:
            if (refusal := check(environ)) is not None:
                return refusal(environ, start_response)
        for prefix, handler in self._routes.items():
            if environ["PATH_INFO"].startswith(prefix):
                return handler(Request(environ))(environ, start_response)
        answer: Iterable[bytes] = self._moto(environ, start_response)
        return answer

    def server(self, port: int) -> BaseWSGIServer:
        """Make a threaded server of this application on the loopback address; 0 takes a free port."""
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line per request helps nobody
        return make_server("127.0.0.1", port, self, threaded=True, request_handler=MotoRequestHandler)
