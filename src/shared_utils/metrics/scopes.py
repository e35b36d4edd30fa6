"""A document of its own, for a block. Loaded on first use: most functions open none."""

from __future__ import annotations

from shared_utils.errors import MetricsError
from shared_utils.metrics.limits import check_namespace
from shared_utils.metrics.recorder import MetricSet, active

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Self

    from shared_utils.metrics.registry import Registry

__all__ = ["Scope"]


class Scope(MetricSet):
    """A document of its own, written when the block ends; see `shared_utils.metrics.scope`."""

    def __init__(self, registry: Registry, namespace: str | None, mapping: Any, values: dict[str, object]) -> None:
        super().__init__(registry)
        if namespace is not None:
            try:
                self.namespace = check_namespace(namespace)
            except MetricsError as problem:  # its metrics go to the configured namespace rather than nowhere
                registry.report(problem)
        self.set_dimensions(mapping, values)
        self._described = self.drain(keep_context=True)

    def __enter__(self) -> Self:
        active.set((*active.get(), self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        sets = active.get()
        # Not always the last: generators take turns. Not there at all: one that is closed in another context.
        for index in range(len(sets) - 1, -1, -1):
            if sets[index] is self:
                active.set((*sets[:index], *sets[index + 1 :]))
                break
        self._registry.write((self,), may_raise=error is None)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)
