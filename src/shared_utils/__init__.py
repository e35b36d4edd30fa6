"""Logging, metrics and configuration for AWS Lambda functions, from one layer.

Names are resolved on first use (PEP 562): a function that only logs never pays for metrics or configuration.
"""

from __future__ import annotations

from shared_utils._version import __version__

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from shared_utils import config, errors, logging, metrics, testing
    from shared_utils.invocation.decorator import instrument
    from shared_utils.logging import get_logger

__all__ = ["__version__", "config", "errors", "get_logger", "instrument", "logging", "metrics", "testing"]

# Where each public name lives: (module, attribute), or (module, None) for the module itself.
_HOMES: dict[str, tuple[str, str | None]] = {
    "config": ("shared_utils.config", None),
    "errors": ("shared_utils.errors", None),
    "get_logger": ("shared_utils.logging", "get_logger"),
    "instrument": ("shared_utils.invocation.decorator", "instrument"),
    "logging": ("shared_utils.logging", None),
    "metrics": ("shared_utils.metrics", None),
    "testing": ("shared_utils.testing", None),
}


def __getattr__(name: str) -> object:
    """Import the public name on first access and keep it."""
    try:
        module_name, attribute = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    from importlib import import_module

    module = import_module(module_name)
    value = module if attribute is None else getattr(module, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
