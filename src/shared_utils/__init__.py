"""Logging, metrics and configuration for AWS Lambda functions, from one layer.

Names are resolved on first use (PEP 562): a function that only logs never pays for metrics or configuration.
"""

from __future__ import annotations

from shared_utils._lazy import lazy_names
from shared_utils._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared_utils import config, errors, logging, metrics, testing
    from shared_utils.invocation.decorator import instrument
    from shared_utils.logging import get_logger
else:
    __getattr__, __dir__ = lazy_names(
        globals(),
        {
            "config": "shared_utils.config",
            "errors": "shared_utils.errors",
            "get_logger": "shared_utils.logging:get_logger",
            "instrument": "shared_utils.invocation.decorator:instrument",
            "logging": "shared_utils.logging",
            "metrics": "shared_utils.metrics",
            "testing": "shared_utils.testing",
        },
    )

__all__ = ["__version__", "config", "errors", "get_logger", "instrument", "logging", "metrics", "testing"]
