"""Metrics recorded with Powertools' plain ``Metrics()``: written by us at the end of an invocation, once.

Imported only when the function, or a library of it, has imported Powertools' metrics.
"""

from __future__ import annotations

import gc
import sys
import weakref

from shared_utils.errors import MetricsError
from shared_utils.metrics.limits import check_namespace
from shared_utils.metrics.recorder import MetricSet
from shared_utils.metrics.settings import check_service

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from types import FrameType, ModuleType
    from typing import Any

    from shared_utils.metrics.registry import Registry

__all__ = ["adopt"]

_providers: list[weakref.ref[Any]] = []  # found by an earlier search


def adopt(registry: Registry) -> None:
    """Move what Powertools' ``Metrics`` instances have recorded into a set of ours that waits to be written."""
    module = sys.modules["aws_lambda_powertools.metrics.metrics"]
    shared: dict[str, dict[str, Any]] = getattr(module.Metrics, "_metrics", {})
    if not shared or _written_by_powertools():
        return
    try:
        provider = _provider(module, shared)
        if provider is None:
            return
        adopted = MetricSet(registry, defaults={})
        try:
            adopted.namespace = check_namespace(provider.namespace) if provider.namespace else None
            adopted.service = check_service(provider.service) if provider.service else None
        except MetricsError as problem:  # ours take their place
            registry.report(problem)
        adopted.dimensions(provider.dimension_set)
        for dimensions in getattr(provider, "dimension_sets", ()):
            adopted.dimension_set(dimensions)
        adopted.properties(provider.metadata_set)
        if provider.timestamp:
            adopted.timestamp(provider.timestamp)
        recorded = dict(shared)
        provider.clear_metrics()
        for name, metric in recorded.items():
            for value in metric["Value"]:
                adopted.add(name, value, metric["Unit"], metric["StorageResolution"])
    except Exception as error:  # Powertools' attributes may differ in another version; the handler must not suffer
        registry.report(error)


def _written_by_powertools() -> bool:
    """Tell whether Powertools' ``log_metrics`` wraps the handler from outside: then it writes after us."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__") == "aws_lambda_powertools.metrics.provider.base":
            return True
        frame = frame.f_back
    return False


def _provider(module: ModuleType, shared: dict[str, Any]) -> Any:
    """Return the provider that records into the set which all plain ``Metrics`` share.

    Powertools keeps no list of them, but namespace and service are theirs alone. The search among all objects takes
    milliseconds and is done once. Of several, one that has a namespace is taken: it is the one that could write.
    """
    found = [provider for reference in _providers if (provider := reference()) is not None]
    if not found:
        kind = module.AmazonCloudWatchEMFProvider
        found = [one for one in gc.get_objects() if isinstance(one, kind) and one.metric_set is shared]
        _providers[:] = map(weakref.ref, found)
    if not found:
        return module.Metrics().provider
    return next((provider for provider in found if provider.namespace), found[0])
