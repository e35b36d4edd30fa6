"""Beside Powertools: a provider for its ``Metrics`` class, and what its plain ``Metrics()`` objects recorded.

Imported only where Powertools' metrics are in use.
"""

from __future__ import annotations

import functools
import json
import sys
from contextlib import contextmanager

from aws_lambda_powertools.metrics import Metrics, SchemaValidationError
from aws_lambda_powertools.metrics.provider.base import BaseProvider

from shared_utils.invocation import COROUTINE, code_flags
from shared_utils.metrics.recorder import MetricSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from typing import Any

    from shared_utils.metrics.registry import Registry

__all__ = ["Provider", "adopt"]


class Provider(BaseProvider):
    """Records into shared_utils' own set, so that one flush writes everything and writes it once.

    The interface is Powertools' ``BaseProvider`` ("Bring your own metrics provider" in its documentation) with the
    methods that ``Metrics`` calls on top of it.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    @property
    def _set(self) -> MetricSet:
        return self._registry.current_set()

    @property
    def namespace(self) -> str | None:
        """The namespace of shared_utils.metrics."""
        return self._registry.settings.resolve().namespace

    @namespace.setter
    def namespace(self, namespace: str | None) -> None:
        self._registry.settings.configure(namespace=namespace or None)

    @property
    def service(self) -> str | None:
        """The service of shared_utils.metrics."""
        return self._registry.settings.resolve().service

    @service.setter
    def service(self, service: str | None) -> None:
        self._registry.settings.configure(service=service or None)

    @property
    def default_dimensions(self) -> dict[str, str]:
        """The default dimensions themselves: ``Metrics.clear_default_dimensions`` empties them."""
        return self._registry.settings.default_dimensions

    def add_metric(self, name: Any, unit: Any, value: float, resolution: Any = 60) -> None:
        """Record one value of a metric."""
        self._set.add(name.strip() if isinstance(name, str) else name, value, unit, resolution)

    def add_dimension(self, name: str, value: str) -> None:
        """Add one dimension to the document."""
        self._set.dimensions({name: value})

    def add_dimensions(self, **dimensions: str) -> None:
        """Add a further dimension set."""
        self._set.dimension_set(dimensions)

    def add_metadata(self, key: str, value: Any) -> None:
        """Add a property."""
        self._set.properties({key: value})

    def set_timestamp(self, timestamp: int | datetime) -> None:
        """Date the metrics of the next flush."""
        self._set.timestamp(timestamp)

    def set_default_dimensions(self, **dimensions: Any) -> None:
        """Keep dimensions for every document."""
        self._registry.add_default_dimensions(dimensions, {})

    def serialize_metric_set(self, *_: Any, **__: Any) -> dict[str, Any]:
        """Return the document that a flush would write now, the first one if limits ask for several."""
        lines = self._registry.preview(self._set).splitlines()
        if not lines:
            raise SchemaValidationError("Must contain at least one metric.")
        document: dict[str, Any] = json.loads(lines[0])
        return document

    def clear_metrics(self) -> None:
        """Forget what is recorded and not written yet."""
        self._registry.discard(self._set)

    def flush_metrics(self, raise_on_empty_metrics: bool = False) -> None:
        """Write what is recorded. `raise_on_empty_metrics` never hides an exception that is on its way already."""
        raising = sys.exc_info()[1] is not None
        empty = not self._registry.pending()
        self._registry.flush(may_raise=not raising)
        if empty and raise_on_empty_metrics and not raising:
            raise SchemaValidationError("Must contain at least one metric.")

    def add_cold_start_metric(self, context: Any) -> None:
        """Write the metric ColdStart for a context."""
        self._registry.write_cold_start(getattr(context, "function_name", None))

    def log_metrics(
        self,
        lambda_handler: Callable[..., Any] | None = None,
        capture_cold_start_metric: bool = False,
        raise_on_empty_metrics: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Decorate a handler: its metrics are written at its end, and the cold start is counted even when it raises."""
        default_dimensions = kwargs.get("default_dimensions")
        if default_dimensions:
            self.set_default_dimensions(**default_dimensions)
        if lambda_handler is None:
            return functools.partial(
                self.log_metrics,
                capture_cold_start_metric=capture_cold_start_metric,
                raise_on_empty_metrics=raise_on_empty_metrics,
            )
        block = functools.partial(self._invocation, capture_cold_start_metric, raise_on_empty_metrics)
        wrapper: Any
        if code_flags(lambda_handler) & COROUTINE:

            @functools.wraps(lambda_handler)
            async def wrapper(event: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
                with block(context):
                    return await lambda_handler(event, context, *args, **kwargs)
        else:

            @functools.wraps(lambda_handler)
            def wrapper(event: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
                with block(context):
                    return lambda_handler(event, context, *args, **kwargs)

        return wrapper

    @contextmanager
    def _invocation(self, capture_cold_start: bool, raise_on_empty: bool, context: Any) -> Iterator[None]:
        if capture_cold_start:
            # A durable function's context wraps Lambda's own. The base class asks Powertools' flag and clears it.
            self._add_cold_start_metric(getattr(context, "lambda_context", context))
        try:
            yield
        finally:
            self.flush_metrics(raise_on_empty_metrics=raise_on_empty)


def adopt(registry: Registry) -> None:
    """Move what Powertools' plain ``Metrics()`` objects have recorded into a set of ours that waits to be written.

    They share metrics, dimensions and metadata. Namespace, service, timestamp and further dimension sets are each
    object's own and not known here: the configured namespace and service take their place.
    """
    try:
        shared = Metrics()
        recorded = dict(shared.metric_set)
        adopted = MetricSet(registry, defaults={})
        adopted.dimensions(shared.dimension_set)
        adopted.properties(shared.metadata_set)
        shared.provider.clear_metrics()
        for name, metric in recorded.items():
            for value in metric["Value"]:
                adopted.add(name, value, metric["Unit"], metric["StorageResolution"])
    except Exception as error:  # Powertools' attributes may differ in another version; the handler must not suffer
        registry.report(error)
