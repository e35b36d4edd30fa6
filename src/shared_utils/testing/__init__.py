"""The pytest plugin: fixtures that let a handler be tested without an AWS account.

pytest loads this module in every run through the ``pytest11`` entry point, so it imports nothing but the small
modules that define the fixtures; logging, metrics and configuration load when a test first asks for a fixture.
Each of those modules may import pytest and the standard library at the top, and the rest of shared_utils only inside
its fixtures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared_utils import _lazy_names

if TYPE_CHECKING:
    from shared_utils.testing.config import (
        ConfigValues,
        config_values,
        pytest_addoption,
        pytest_configure,
        pytest_unconfigure,
        real_aws,
    )
    from shared_utils.testing.context import LambdaContext, lambda_context
    from shared_utils.testing.logs import CapturedLogs, captured_logs
    from shared_utils.testing.metrics import CapturedMetrics, captured_metrics, strict_metrics
else:
    # pytest asks for every name when it registers the plugin.
    __getattr__, __dir__ = _lazy_names(
        globals(),
        {
            "CapturedLogs": "shared_utils.testing.logs:CapturedLogs",
            "CapturedMetrics": "shared_utils.testing.metrics:CapturedMetrics",
            "ConfigValues": "shared_utils.testing.config:ConfigValues",
            "LambdaContext": "shared_utils.testing.context:LambdaContext",
            "captured_logs": "shared_utils.testing.logs:captured_logs",
            "captured_metrics": "shared_utils.testing.metrics:captured_metrics",
            "config_values": "shared_utils.testing.config:config_values",
            "lambda_context": "shared_utils.testing.context:lambda_context",
            "pytest_addoption": "shared_utils.testing.config:pytest_addoption",
            "pytest_configure": "shared_utils.testing.config:pytest_configure",
            "pytest_unconfigure": "shared_utils.testing.config:pytest_unconfigure",
            "real_aws": "shared_utils.testing.config:real_aws",
            "strict_metrics": "shared_utils.testing.metrics:strict_metrics",
        },
    )

__all__ = [
    "CapturedLogs",
    "CapturedMetrics",
    "ConfigValues",
    "LambdaContext",
    "captured_logs",
    "captured_metrics",
    "config_values",
    "lambda_context",
    "pytest_addoption",
    "pytest_configure",
    "pytest_unconfigure",
    "real_aws",
    "strict_metrics",
]
