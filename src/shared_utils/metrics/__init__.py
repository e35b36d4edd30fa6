"""Metrics for CloudWatch, written as log lines in its embedded metric format (EMF).

::

    from shared_utils import instrument, metrics

    @instrument
    def handler(event, context):
        metrics.count("TodosListed")
        with metrics.timer("QueryTime"):
            ...

`instrument` writes what was recorded when the handler ends, also when it raises, and adds the metric ``ColdStart`` to
the invocation that was cold. Elsewhere `flush` writes, and a script writes at its exit.

What CloudWatch would refuse is never written. It is logged as one error line and does not fail the invocation; with
``configure(strict=True)``, which the pytest plugin sets, it raises `MetricsError` instead.
"""

from __future__ import annotations

from shared_utils import _env, _lazy_names
from shared_utils.invocation import lifecycle as _invocation
from shared_utils.metrics.limits import refused, shorten
from shared_utils.metrics.recorder import active
from shared_utils.metrics.registry import Registry
from shared_utils.metrics.settings import UNSET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from enum import Enum
    from typing import SupportsFloat

    from shared_utils.errors import MetricsError
    from shared_utils.metrics.powertools import Provider
    from shared_utils.metrics.scopes import Scope
    from shared_utils.metrics.timers import Timer
    from shared_utils.metrics.units import Unit
else:
    __getattr__, __dir__ = _lazy_names(
        globals(), {"MetricsError": "shared_utils.errors:MetricsError", "Unit": "shared_utils.metrics.units:Unit"}
    )

__all__ = [
    "MetricsError",
    "Unit",
    "add",
    "configure",
    "count",
    "default_dimensions",
    "dimension_set",
    "dimensions",
    "flush",
    "powertools_provider",
    "properties",
    "scope",
    "timer",
    "timestamp",
]

_registry = Registry()


def count(name: str, value: SupportsFloat = 1) -> None:
    """Add `value` to the count `name`: ``add(name, value, "Count")``."""
    (active.get() or _registry.outside or _registry.enter())[-1].add(name, value, "Count")


def add(name: str, value: SupportsFloat, unit: str | Enum, resolution: int | Enum = 60) -> None:
    """Record one value of a metric.

    Args:
        name: 1 to 255 printable ASCII characters.
        value: a finite number from -2**360 to 2**360; anything that converts to a float (Decimal, numpy) will do.
        unit: a unit of CloudWatch as a string (``"Milliseconds"``) or an enum member (`Unit`, Powertools' MetricUnit).
            One metric may come in several units; each is kept.
        resolution: 60 seconds, or 1 for a high-resolution metric.
    """
    (active.get() or _registry.outside or _registry.enter())[-1].add(name, value, unit, resolution)


def timer(name: str, resolution: int | Enum = 60) -> Timer:
    """Measure a block (``with``, ``async with``) or a function (decorator, async too) in milliseconds.

    The time is taken from a monotonic clock and recorded also when the block or function raises.
    """
    if callable(name):
        raise refused(f'metrics.timer({shorten(name)}): expected a name; decorate with @metrics.timer("Name")')
    from shared_utils.metrics.timers import Timer

    return Timer(add, name, resolution)


def dimensions(mapping: Mapping[str, object] | None = None, /, **values: object) -> None:
    """Add dimensions to the document of this invocation, that is to all metrics in it, earlier ones included.

    They last until the metrics are written. A name given again takes the new value. Use `scope` for metrics that need
    dimensions of their own.

    Args:
        mapping: names that are no identifiers, such as ``{"http.method": "GET"}``.
        **values: dimensions by name; values are strings of 1 to 1024 printable ASCII characters, or numbers.
    """
    (active.get() or _registry.outside or _registry.enter())[-1].set_dimensions(mapping, values)


def dimension_set(mapping: Mapping[str, object] | None = None, /, **values: object) -> None:
    """Publish the metrics of this document a second time, under this set of dimensions and the default ones.

    The service is not part of it unless it is named. Each set makes a metric of its own in CloudWatch.
    """
    _registry.current_set().dimension_set(mapping, **values)


def default_dimensions(mapping: Mapping[str, object] | None = None, /, **values: object) -> None:
    """Set dimensions that every document carries from now on, in this and in later invocations."""
    _registry.add_default_dimensions(mapping, values)


def properties(mapping: Mapping[str, object] | None = None, /, **values: object) -> None:
    """Add properties to the document: searchable in the logs, no part of the metric, so of any number of values.

    Any object is accepted and written as JSON, as it is now; what JSON cannot hold is written as its ``str``.
    """
    _registry.current_set().properties(mapping, **values)


def timestamp(when: datetime | int) -> None:
    """Date the metrics recorded until the next flush, instead of with the time of writing.

    Args:
        when: a datetime, or milliseconds since 1970; at most 14 days ago and 2 hours ahead (CloudWatch drops others).
    """
    _registry.current_set().timestamp(when)


def scope(mapping: Mapping[str, object] | None = None, /, *, namespace: str | None = None, **values: object) -> Scope:
    """Open a separate document with dimensions of its own, written when the ``with`` block ends.

    ::

        with metrics.scope(operation="import") as scoped:
            scoped.count("Rows", 20)

    Inside the block the functions of this module record into it as well, in the same thread or task. It carries the
    default dimensions and the service, but not the dimensions and properties of the invocation's document.

    Args:
        mapping: dimensions by name, for names that are no identifiers or are ``namespace``.
        namespace: another namespace than the configured one.
        **values: dimensions by name.
    """
    from shared_utils.metrics.scopes import Scope

    return Scope(_registry, namespace, mapping, values)


def flush() -> None:
    """Write what is recorded. Needed only outside `instrument`, and before a long wait."""
    _registry.flush()


def configure(
    *,
    namespace: str | None = UNSET,
    service: str | None = UNSET,
    strict: bool | None = UNSET,
    cold_start: bool | None = UNSET,
) -> None:
    """Set what is given; what is left out stays as it is, and None goes back to the environment or the default.

    Args:
        namespace: CloudWatch namespace; else ``SHARED_UTILS_METRICS_NAMESPACE``, ``POWERTOOLS_METRICS_NAMESPACE``.
        service: the dimension ``service``; else that of `shared_utils.configure`, ``SHARED_UTILS_SERVICE``,
            ``POWERTOOLS_SERVICE_NAME``.
        strict: raise `MetricsError` for a problem instead of logging it. For tests; else False.
        cold_start: False leaves out the metric ``ColdStart``; else True.

    Raises:
        MetricsError: for all arguments that are wrong; then nothing is set.
    """
    _registry.settings.configure(namespace=namespace, service=service, strict=strict, cold_start=cold_start)


def powertools_provider() -> Provider:
    """Return a provider for Powertools: ``Metrics(provider=metrics.powertools_provider())`` records here."""
    from shared_utils.metrics.powertools import Provider

    return Provider(_registry)


_env.on_service.append(_registry.service_changed)
_invocation.at_begin(_registry.begun)
_invocation.at_end(_registry.ended)
_invocation.at_timeout(_registry.timing_out)
