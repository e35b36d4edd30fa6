"""The pytest plugin: fixtures that let a handler be tested without an AWS account.

pytest loads this module in every run through the ``pytest11`` entry point, so it imports nothing but the small
modules that define the fixtures; logging, metrics and configuration load when a test first asks for a fixture.
Each of those modules may import pytest and the standard library at the top, and the rest of shared_utils only inside
its fixtures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared_utils.testing.config import ConfigValues, config_values
    from shared_utils.testing.context import LambdaContext, lambda_context
    from shared_utils.testing.logs import CapturedLogs, captured_logs

__all__ = [
    "CapturedLogs",
    "CapturedMetrics",
    "ConfigValues",
    "LambdaContext",
    "captured_logs",
    "captured_metrics",
    "config_values",
    "lambda_context",
    "strict_metrics",
]

# Where each public name lives.
_HOMES = {
    "CapturedLogs": "logs",
    "CapturedMetrics": "metrics",
    "ConfigValues": "config",
    "LambdaContext": "context",
    "captured_logs": "logs",
    "captured_metrics": "metrics",
    "config_values": "config",
    "lambda_context": "context",
    "strict_metrics": "metrics",
}


def __getattr__(name: str) -> object:
    """Import the public name on first access and keep it. pytest asks for every name when it registers the plugin."""
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
