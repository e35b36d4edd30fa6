"""A document of its own, for a block."""

from __future__ import annotations

from contextlib import suppress

from shared_utils.errors import MetricsError
from shared_utils.metrics.limits import check_namespace
from shared_utils.metrics.recorder import MetricSet, Recorded, active_scope

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from contextvars import Token
    from types import TracebackType
    from typing import Any, Self

    from shared_utils.metrics.registry import Registry

__all__ = ["Scope"]


class Scope(MetricSet):
    """A document of its own, written when the block ends; see `shared_utils.metrics.scope`."""

    def __init__(self, registry: Registry, namespace: str | None, mapping: Any, values: dict[str, object]) -> None:
        self._base = Recorded()
        self._tokens: list[Token[Scope | None]] = []
        super().__init__(registry)
        if namespace is not None:
            try:
                self.namespace = check_namespace(namespace)
            except MetricsError as problem:  # its metrics go to the configured namespace rather than nowhere
                registry.report(problem)
        self.dimensions(mapping, **values)
        self._base = self.recorded
        self.recorded = self._fresh()

    def _fresh(self) -> Recorded:
        fresh = Recorded()
        fresh.describe_like(self._base)
        return fresh

    def __enter__(self) -> Self:
        self._tokens.append(active_scope.set(self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with suppress(ValueError):  # a generator closed in another context, where this scope is not the active one
            active_scope.reset(self._tokens.pop())
        self._registry.write((self,), may_raise=error is None)
