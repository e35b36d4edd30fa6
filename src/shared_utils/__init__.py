"""Logging, metrics and configuration for AWS Lambda functions, from one layer.

Names are resolved on first use (PEP 562): a function that only logs never pays for metrics or configuration.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # not typing's: its import would cost every cold start 2 ms
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from shared_utils import config, errors, logging, metrics, testing
    from shared_utils._version import __version__
    from shared_utils.invocation.decorator import instrument
    from shared_utils.logging import get_logger

__all__ = ["__version__", "config", "configure", "errors", "get_logger", "instrument", "logging", "metrics", "testing"]


def _lazy_names(
    namespace: dict[str, Any], homes: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return a package's ``__getattr__`` and ``__dir__``, for names that load on first use.

    Here and not in a module of its own, which every cold start would have to find and load. A package hides the result
    from type checkers, for which a misspelt name is an error.

    Args:
        namespace: the package's ``globals()``; a name is kept there once it is loaded.
        homes: where each name lives: ``"module:attribute"``, or ``"module"`` for the module itself.
    """

    def load(name: str) -> object:
        home = homes.get(name)
        module_name = namespace["__name__"]
        if home is None:
            message = f"module {module_name!r} has no attribute {name!r}"
            raise AttributeError(message, name=name, obj=sys.modules.get(module_name))  # Python says what was meant
        from importlib import import_module

        target, _, attribute = home.partition(":")
        module = import_module(target)
        value: object = getattr(module, attribute) if attribute else module
        namespace[name] = value
        return value

    def names() -> list[str]:
        return list(namespace["__all__"])

    return load, names


if not TYPE_CHECKING:
    __getattr__, __dir__ = _lazy_names(
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
