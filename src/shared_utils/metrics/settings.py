"""What is configured for metrics, in code and in the environment."""

from __future__ import annotations

import os

import shared_utils
from shared_utils import _env
from shared_utils.metrics.limits import check_namespace, check_service, refused, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["UNSET", "Resolved", "Settings"]

UNSET: Any = object()  # the default of an argument that changes nothing when it is left out

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
        self.problems: list[Exception] = []
        self.namespace = namespace or self._first(check_namespace, {name: environment[name] for name in _VARIABLES[:2]})
        common = {name: environment[name] for name in _VARIABLES[2:4]}
        if (given := _env.service()) not in common.values():  # by shared_utils.configure, then
            common = {"shared_utils.configure(service=...)": given}
        self.service = service or self._first(check_service, common)
        ours, theirs, development = [self._switch(name, environment[name]) for name in _VARIABLES[4:7]]
        # Powertools' rule: its development mode switches metrics off unless the variable says otherwise.
        self.off = bool(ours or theirs or (ours is theirs is None and development))
        level = (environment["AWS_LAMBDA_LOG_LEVEL"] or "").upper()
        filtered = (environment["AWS_LAMBDA_LOG_FORMAT"] or "").upper() == "JSON" and level in _ABOVE_INFO
        self.level = level if filtered else ""

    def _first(self, check: Callable[[object], str], texts: dict[str, str | None]) -> str | None:
        """Return the first text that is set, or None when none is or CloudWatch would refuse it."""
        for name, text in texts.items():
            if text:
                try:
                    return check(text)
                except shared_utils.errors.MetricsError as problem:
                    self.problems.append(refused(f"{name}: {problem}"))
                    return None
        return None

    def _switch(self, name: str, text: str | None) -> bool | None:
        """Return what a switch says, or None when it is not set."""
        says = None if text is None else _env.switch(text)
        if text is not None and says is None:
            self.problems.append(refused(f"{name}={shorten(text)} is neither true nor false; taken as false"))
            return False
        return says


class Settings:
    """What `shared_utils.metrics.configure` and `default_dimensions` set; code beats the environment.

    Attributes:
        strict, cold_start: see `shared_utils.metrics.configure`.
        default_dimensions: the dimensions of every document.
    """

    def __init__(self) -> None:
        self.strict = False
        self.cold_start = True
        self.default_dimensions: dict[str, str] = {}
        self._fallback_namespace: str | None = None
        self._namespace: str | None = None
        self._service: str | None = None
        self._environ: object = None
        self._seen: tuple[Any, ...] = ()

    def configure(self, **given: Any) -> None:
        """Set what is given and not UNSET, or nothing if any of it is wrong; see `shared_utils.metrics.configure`."""
        checked: dict[str, Any] = {}
        problems = []
        for name, value in given.items():
            if value is not UNSET:
                try:
                    checked[name] = None if value is None else _CHECKS[name](value)
                except shared_utils.errors.MetricsError as problem:
                    problems.append(f"metrics.configure({name}={shorten(value)}): {problem}")
        if problems:
            raise refused("; ".join(problems))
        self._namespace = checked.get("namespace", self._namespace)
        self._service = checked.get("service", self._service)
        self.strict = bool(checked.get("strict", self.strict))
        self.cold_start = checked.get("cold_start", self.cold_start) is not False
        self._seen = ()

    def resolve(self) -> Resolved:
        """Return what holds now. The environment is looked at each time: tests change it."""
        if os.environ is not self._environ:
            self._environ = os.environ
            self._stored, self._keys = _env.stored(_VARIABLES)
        seen = tuple(map(self._stored, self._keys))
        if seen != self._seen:
            environment = dict(zip(_VARIABLES, map(_env.decoded, seen), strict=True))
            self._resolved = Resolved(self._namespace, self._service, environment)
            self._resolved.namespace = self._resolved.namespace or self._fallback_namespace
            self._seen = seen
        return self._resolved

    def forget(self) -> None:
        """Resolve anew next time."""
        self._seen = ()

    @property
    def fallback_namespace(self) -> str | None:
        """The namespace where nothing else gives one; for tests."""
        return self._fallback_namespace

    @fallback_namespace.setter
    def fallback_namespace(self, namespace: str | None) -> None:
        self._fallback_namespace = namespace
        self._seen = ()


def _check_bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise refused("expected True, False or None")
    return value


_CHECKS: dict[str, Callable[[object], object]] = {
    "namespace": check_namespace,
    "service": check_service,
    "strict": _check_bool,
    "cold_start": _check_bool,
}
