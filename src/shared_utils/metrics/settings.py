"""What is configured for metrics, in code and in the environment."""

from __future__ import annotations

import os

from shared_utils.errors import MetricsError
from shared_utils.metrics.limits import check_dimension, check_namespace, shorten

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["Resolved", "Settings", "check_service"]

_VARIABLES = (
    "SHARED_UTILS_METRICS_NAMESPACE",
    "POWERTOOLS_METRICS_NAMESPACE",
    "SHARED_UTILS_SERVICE",
    "POWERTOOLS_SERVICE_NAME",
    "SHARED_UTILS_METRICS_DISABLED",
    "POWERTOOLS_METRICS_DISABLED",
    "POWERTOOLS_DEV",
    "AWS_LAMBDA_LOG_FORMAT",
    "AWS_LAMBDA_LOG_LEVEL",
)
# The words that Powertools' switches understand (its strtobool).
_TRUE = frozenset({"1", "y", "yes", "t", "true", "on"})
_FALSE = frozenset({"0", "n", "no", "f", "false", "off", ""})
# Levels of Lambda's filter under which a line without a level, which counts as INFO, is dropped.
_ABOVE_INFO = frozenset({"WARN", "WARNING", "ERROR", "FATAL", "CRITICAL"})


class Resolved:
    """What holds now.

    Attributes:
        namespace, service: checked; None when there is none, or a bad one.
        off: metrics are switched off.
        level: the level that a document must state to pass Lambda's filter, or "" where it passes as it is.
        problems: what is wrong with the environment.
    """

    __slots__ = ("level", "namespace", "off", "problems", "service")

    def __init__(self, namespace: str | None, service: str | None, environment: dict[str, str | None]) -> None:
        self.problems: list[MetricsError] = []
        self.namespace = namespace or self._checked(
            check_namespace,
            environment["SHARED_UTILS_METRICS_NAMESPACE"] or environment["POWERTOOLS_METRICS_NAMESPACE"],
        )
        self.service = service or self._checked(
            check_service, environment["SHARED_UTILS_SERVICE"] or environment["POWERTOOLS_SERVICE_NAME"]
        )
        ours = self._switch("SHARED_UTILS_METRICS_DISABLED", environment)
        theirs = self._switch("POWERTOOLS_METRICS_DISABLED", environment)
        # Powertools' rule: its development mode switches metrics off unless the variable says otherwise.
        self.off = bool(
            ours or theirs or (ours is None and theirs is None and self._switch("POWERTOOLS_DEV", environment))
        )
        level = (environment["AWS_LAMBDA_LOG_LEVEL"] or "").upper()
        filtered = (environment["AWS_LAMBDA_LOG_FORMAT"] or "").upper() == "JSON" and level in _ABOVE_INFO
        self.level = level if filtered else ""

    def _checked(self, check: Callable[[str], str], text: str | None) -> str | None:
        try:
            return check(text) if text else None
        except MetricsError as problem:
            self.problems.append(problem)
            return None

    def _switch(self, variable: str, environment: dict[str, str | None]) -> bool | None:
        """Return what a switch says, or None when it is not set."""
        text = environment[variable]
        if text is None:
            return None
        word = text.strip().lower()
        if word not in _TRUE and word not in _FALSE:
            self.problems.append(MetricsError(f"{variable}={shorten(text)} is neither true nor false; taken as false"))
        return word in _TRUE


class Settings:
    """What `shared_utils.metrics.configure` and `default_dimensions` set; code beats the environment."""

    def __init__(self) -> None:
        self.strict = False
        self.cold_start = True
        self.default_dimensions: dict[str, str] = {}
        self._namespace: str | None = None
        self._service: str | None = None
        self._fallback_namespace: str | None = None
        self._seen: tuple[Any, ...] = ()
        self._resolved: Resolved

    def set_namespace(self, namespace: str) -> None:
        """Set the namespace; an empty string leaves it to the environment. Raises MetricsError."""
        self._namespace = check_namespace(namespace) if namespace else None
        self._seen = ()

    def set_service(self, service: str) -> None:
        """Set the service; an empty string leaves it to the environment. Raises MetricsError."""
        self._service = check_service(service) if service else None
        self._seen = ()

    def resolve(self) -> Resolved:
        """Return what holds now. The environment is looked at each time: tests change it."""
        seen = _environment()
        if seen != self._seen:
            variables = dict(zip(_VARIABLES, map(_decoded, seen), strict=True))
            self._resolved = Resolved(self._namespace, self._service, variables)
            self._resolved.namespace = self._resolved.namespace or self._fallback_namespace
            self._seen = seen
        return self._resolved

    @property
    def fallback_namespace(self) -> str | None:
        """The namespace where nothing else gives one; for tests."""
        return self._fallback_namespace

    @fallback_namespace.setter
    def fallback_namespace(self, namespace: str | None) -> None:
        self._fallback_namespace = namespace
        self._seen = ()


def check_service(service: object) -> str:
    """Return a service name, which is a dimension's value. Raises MetricsError."""
    return check_dimension("service", service)[1]


_encoded = tuple(map(os.environ.encodekey, _VARIABLES))


def _environment() -> tuple[Any, ...]:
    """Return our variables as they are stored.

    os.environ needs 0.7 µs for a variable that is not set (it raises two KeyErrors), and a flush asks for seven, which
    is more than the rest of it takes. So the dictionary behind it is asked, where there is one.
    """
    stored = getattr(os.environ, "_data", None)
    if stored is None:
        return tuple(map(os.environ.get, _VARIABLES))
    return tuple(map(stored.get, _encoded))


def _decoded(stored: Any) -> Any:
    return os.fsdecode(stored) if isinstance(stored, bytes) else stored
