"""A local stand-in for API Gateway: HTTP requests become Lambda events, Lambda's answers become HTTP responses."""

from layerctl.local.gateway.request import Request, event_for
from layerctl.local.gateway.response import MalformedAnswerError, Response, refusal, response_from
from layerctl.local.gateway.router import Match, Router
from layerctl.local.gateway.server import Gateway, Invoke

__all__ = [
    "Gateway",
    "Invoke",
    "MalformedAnswerError",
    "Match",
    "Request",
    "Response",
    "Router",
    "event_for",
    "refusal",
    "response_from",
]
