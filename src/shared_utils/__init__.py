"""Logging, metrics and configuration for AWS Lambda functions, from one layer.

Names are resolved on first use (PEP 562): a function that only logs never pays for metrics or configuration.
"""

from __future__ import annotations

from shared_utils._lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from shared_utils import config, errors, logging, metrics, testing
    from shared_utils._version import __version__
    from shared_utils.invocation.decorator import instrument
    from shared_utils.logging import get_logger
else:
    __getattr__, __dir__ = lazy_names(
        globals(),
        {
            "__version__": "shared_utils._version:__version__",
            "config": "shared_utils.config",
            "errors": "shared_utils.errors",
            "get_logger": "shared_utils.logging:get_logger",
            "instrument": "shared_utils.invocation.decorator:instrument",
            "logging": "shared_utils.logging",
            "metrics": "shared_utils.metrics",
            "testing": "shared_utils.testing",
        },
    )

__all__ = ["__version__", "config", "configure", "errors", "get_logger", "instrument", "logging", "metrics", "testing"]

_UNSET: Any = object()


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def configure(*, service: str | None = _UNSET) -> None:
    """Set what logging and metrics have in common. What is left out stays as it is; None goes back to the environment.

    Args:
        service: name of the service: ``service`` in every line, and a dimension of every metric. Else
            ``SHARED_UTILS_SERVICE``, ``POWERTOOLS_SERVICE_NAME``. `logging.configure` and `metrics.configure` can set
            another one for themselves.

    Raises:
        LoggingError: `service` is not a name.
    """
    if service is _UNSET:
        return
    if service is not None and not _is_name(service):
        from shared_utils.errors import LoggingError

        raise LoggingError(
            f"shared_utils.configure(service={service!r}): expected a name, or None for the environment's"
        )
    from shared_utils import _env

    _env.set_service(service)
