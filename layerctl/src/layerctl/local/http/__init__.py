"""HTTP/1.1 on 127.0.0.1: requests in, responses out, for whatever answers them."""

from layerctl.local.http.messages import METHODS, Request, Response, message
from layerctl.local.http.server import HttpServer

__all__ = ["METHODS", "HttpServer", "Request", "Response", "message"]
