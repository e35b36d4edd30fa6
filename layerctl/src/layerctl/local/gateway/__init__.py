"""A local stand-in for API Gateway: HTTP requests become Lambda events, Lambda's answers become HTTP responses."""

from layerctl.local.gateway.gateway import Gateway, Invoke
from layerctl.local.gateway.request import event_for
from layerctl.local.gateway.response import MalformedAnswerError, refusal, response_from, stays_encoded
from layerctl.local.gateway.router import Match, Router, by_port

__all__ = [
    "Gateway",
    "Invoke",
    "MalformedAnswerError",
    "Match",
    "Router",
    "by_port",
    "event_for",
    "refusal",
    "response_from",
    "stays_encoded",
]
