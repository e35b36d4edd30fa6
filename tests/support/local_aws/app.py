"""The WSGI application: moto's dispatcher, and the routes that adapters add beside it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from importlib import import_module
from wsgiref.types import StartResponse, WSGIEnvironment

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request, Response

__all__ = ["LocalApp", "Route"]

Route = Callable[[Request], Response]


class LocalApp:
    """moto's server application with adapters.

    Args:
        adapters: dotted names of modules with ``install(app: LocalApp) -> None``; installed in this order.
    """

    def __init__(self, adapters: Iterable[str]) -> None:
        self._routes: dict[str, Route] = {}
        self._moto = DomainDispatcherApplication(create_backend_app)
        for name in adapters:
            import_module(name).install(self)

    def route(self, prefix: str, handler: Route) -> None:
        """Answer every path that starts with `prefix` by `handler` instead of moto."""
        self._routes[prefix] = handler

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        for prefix, handler in self._routes.items():
            if environ["PATH_INFO"].startswith(prefix):
                return handler(Request(environ))(environ, start_response)
        answer: Iterable[bytes] = self._moto(environ, start_response)
        return answer

    def server(self, port: int) -> BaseWSGIServer:
        """Make a threaded server of this application on the loopback address; 0 takes a free port."""
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line per request helps nobody
        return make_server("127.0.0.1", port, self, threaded=True, request_handler=MotoRequestHandler)
