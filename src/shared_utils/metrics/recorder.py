"""What is recorded for one document: metrics, dimensions, properties and a timestamp. Safe for threads."""

from __future__ import annotations

import time
from contextvars import ContextVar
from threading import RLock

from shared_utils.errors import MetricsError
from shared_utils.metrics.emf import DEFINITIONS, define
from shared_utils.metrics.limits import (
    MAX_DIMENSIONS,
    MAX_INT,
    MAX_VALUE,
    MIN_INT,
    MIN_VALUE,
    check_dimension,
    check_property_name,
    check_timestamp,
    number,
    shorten,
)

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from enum import Enum
    from typing import Any, SupportsFloat

    from shared_utils.metrics.emf import Definition
    from shared_utils.metrics.registry import Registry
    from shared_utils.metrics.scopes import Scope
    from shared_utils.metrics.timers import Timer

__all__ = ["MetricSet", "Recorded", "active_scope", "pairs", "raise_together"]

# So many values are held before they are written early, so that a script that never flushes keeps a bounded memory.
MOST_VALUES = 10_000
# Names in further dimension sets, all sets together; keeps room for metrics in a document of 256 KB.
MOST_SET_CHARACTERS = 32 * 1024

active_scope: ContextVar[Scope | None] = ContextVar("shared_utils_metrics_scope", default=None)


class Recorded:
    """What is recorded for one document.

    Attributes:
        series: each metric's definition and values, in the order of their first value.
        values: the same lists of values by name, unit and resolution as given.
        size: how many values there are.
        metric_names: the names in `series`.
        dimensions: the value of each dimension; a document has one for each name, so the sets are names only.
        primary: the names in the first dimension set, in their order.
        further_sets: the names in the other dimension sets.
        properties: values by name, as JSON.
        timestamp: milliseconds since 1970, or None for the time of writing.
    """

    __slots__ = (
        *("dimensions", "further_sets", "metric_names", "primary", "properties", "series", "size"),
        *("timestamp", "values"),
    )

    def __init__(self) -> None:
        self.series: list[tuple[Definition, list[int | float]]] = []
        self.values: dict[tuple[Any, Any, Any], list[int | float]] = {}
        self.size = 0
        self.metric_names: set[str] = set()
        self.dimensions: dict[str, str] = {}
        self.primary: dict[str, None] = {}
        self.further_sets: list[tuple[str, ...]] = []
        self.properties: dict[str, str] = {}
        self.timestamp: int | None = None

    def describe_like(self, other: Recorded) -> None:
        """Take over dimensions, properties and timestamp."""
        self.dimensions = dict(other.dimensions)
        self.primary = dict(other.primary)
        self.further_sets = list(other.further_sets)
        self.properties = dict(other.properties)
        self.timestamp = other.timestamp


class MetricSet:
    """Records metrics for one document, or several when limits ask for it.

    No method raises for what CloudWatch would refuse, unless `configure(strict=True)`: the registry logs it.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        namespace: str | None = None,
        service: str | None = None,
        defaults: dict[str, str] | None = None,
    ) -> None:
        self.namespace = namespace
        self.service = service
        self.defaults = registry.settings.default_dimensions if defaults is None else defaults
        self.recorded = Recorded()
        self._registry = registry
        # Reentrant: a finalizer that the garbage collector runs inside a locked block may record a metric too.
        self._lock = RLock()

    def take(self, keep_context: bool = False) -> Recorded:
        """Return what is recorded and start anew; `keep_context` keeps dimensions, properties and timestamp."""
        fresh = self._fresh()
        with self._lock:
            recorded, self.recorded = self.recorded, fresh
            if keep_context:
                fresh.describe_like(recorded)
        return recorded

    def _fresh(self) -> Recorded:
        return Recorded()

    def renew_after_fork(self) -> None:
        """In a forked child: leave the parent's metrics to the parent, and the lock that a thread of it may hold."""
        self._lock = RLock()
        self.take(keep_context=True)

    # --- recording ---

    def count(self, name: str, value: SupportsFloat = 1) -> None:
        """Add `value` to the count `name`; see `shared_utils.metrics.count`."""
        self.add(name, value, "Count")

    def add(self, name: str, value: SupportsFloat, unit: str | Enum, resolution: int | Enum = 60) -> None:
        """Record one value of a metric; see `shared_utils.metrics.add`."""
        plain: Any = value
        kind = type(value)
        try:
            if not (
                (kind is int and MIN_INT <= plain <= MAX_INT) or (kind is float and MIN_VALUE <= plain <= MAX_VALUE)
            ):
                plain = number(name, value)
            key = (name, unit, resolution)
            with self._lock:
                recorded = self.recorded
                values = recorded.values.get(key)
                if values is None:
                    values = self._open(recorded, key)
                values.append(plain)
                recorded.size += 1
        except TypeError as error:  # a name, unit or resolution that is not hashable: say what is wrong with it
            try:
                define((name, unit, resolution))
            except Exception as better:
                self._registry.report(better)
            else:
                self._registry.report(error)
        except Exception as error:
            self._registry.report(error)
        if self.recorded.size >= MOST_VALUES:
            self._registry.write((self,), keep_context=True)

    def timer(self, name: str, resolution: int | Enum = 60) -> Timer:
        """Return a timer that records into this set; see `shared_utils.metrics.timer`."""
        from shared_utils.metrics.timers import Timer

        return Timer(self.add, name, resolution)

    def _open(self, recorded: Recorded, key: tuple[Any, Any, Any]) -> list[int | float]:
        """Return the list for the values of a metric that is not recorded yet. Called with the lock held."""
        definition = DEFINITIONS.get(key) or define(key)
        values = None if key == definition.key else recorded.values.get(definition.key)
        if values is None:
            name = definition.name
            if name in recorded.dimensions or name in self.defaults or name in recorded.properties or name == "service":
                self._refuse_second_use(name, "metric")
            if not recorded.series:
                self._registry.opened(self)
            values = recorded.values[definition.key] = []
            recorded.series.append((definition, values))
            recorded.metric_names.add(name)
        if key != definition.key:  # another spelling of the unit
            recorded.values[key] = values
        return values

    # --- describing ---

    def dimensions(self, mapping: Mapping[str, object] | None = None, /, **values: object) -> None:
        """Add dimensions to the document; see `shared_utils.metrics.dimensions`."""
        try:
            with self._lock:
                self._set_dimensions(self.recorded.primary, mapping, values)
        except Exception as error:
            self._registry.report(error)

    def dimension_set(self, mapping: Mapping[str, object] | None = None, /, **values: object) -> None:
        """Publish the metrics under a further set of dimensions; see `shared_utils.metrics.dimension_set`."""
        try:
            with self._lock:
                names: dict[str, None] = {}
                try:
                    self._set_dimensions(names, mapping, values)
                finally:  # what is right with it holds
                    self._add_further_set(tuple(names))
        except Exception as error:
            self._registry.report(error)

    def _add_further_set(self, names: tuple[str, ...]) -> None:
        known = self.recorded.further_sets
        if not names or names in known:
            return
        if sum(len(name) for one in (*known, names) for name in one) > MOST_SET_CHARACTERS:
            raise MetricsError(f"too many dimension sets ({len(known)}); a document has no room for another")
        known.append(names)

    def _set_dimensions(self, names: dict[str, None], mapping: Any, values: dict[str, object]) -> None:
        """Check and keep dimension values, and add their names to one set. Raises once, for all that were refused."""
        problems = []
        for name, value in values.items() if mapping is None else pairs(mapping, values):
            try:
                key, text = check_dimension(name, value)
                self.refuse_dimension(names, key)
            except MetricsError as problem:
                problems.append(problem)
            else:
                self.recorded.dimensions[key] = text
                names[key] = None
        if problems:
            raise_together(problems)

    def properties(self, mapping: Mapping[str, object] | None = None, /, **values: object) -> None:
        """Add properties to the document; see `shared_utils.metrics.properties`."""
        from shared_utils.metrics.property_value import encode

        problems = []
        try:
            with self._lock:
                for name, value in pairs(mapping, values):
                    try:
                        key = check_property_name(name)
                        self._refuse_second_use(key, "property")
                    except MetricsError as problem:
                        problems.append(problem)
                    else:
                        self.recorded.properties[key] = encode(key, value)
                raise_together(problems)
        except Exception as error:
            self._registry.report(error)

    def timestamp(self, when: datetime | int) -> None:
        """Date what is recorded; see `shared_utils.metrics.timestamp`."""
        try:
            self.recorded.timestamp = check_timestamp(when, time.time_ns() // 1_000_000)
        except Exception as error:
            self._registry.report(error)

    def _refuse_second_use(self, name: str, role: str) -> None:
        """Raise when `name` already means something else: all names are members of one JSON object."""
        for other, names in (
            ("metric", self.recorded.metric_names),
            ("dimension", self.recorded.dimensions),
            ("dimension", self.defaults),
            ("property", self.recorded.properties),
        ):
            if name in names and other != role:
                raise MetricsError(
                    f"{shorten(name)} is a {other} of this document and cannot be a {role} too; rename one"
                )
        if name == "service" and role != "dimension":
            raise MetricsError(f"'service' is a dimension and cannot be a {role}; rename it")

    def refuse_dimension(self, names: dict[str, None], new: str) -> None:
        """Raise when `new` cannot be a dimension in the set `names`: it means something else, or there is no room.

        The default dimensions are part of every set, the service only of the first.
        """
        if new in self.recorded.metric_names or new in self.recorded.properties:
            self._refuse_second_use(new, "dimension")
        if new in names or len(names) + len(self.defaults) + 2 <= MAX_DIMENSIONS:
            return
        together = {*self.defaults, *names, new}
        if names is self.recorded.primary and (self.service or self._registry.settings.resolve().service):
            together.add("service")
        if len(together) > MAX_DIMENSIONS:
            raise MetricsError(
                f"no room for dimension {shorten(new)}: CloudWatch takes {MAX_DIMENSIONS}, default dimensions and"
                " service included"
            )


def pairs(mapping: Any, values: dict[str, object]) -> Iterable[tuple[Any, object]]:
    """Return the names and values given as a mapping and as keywords."""
    if mapping is None:
        return values.items()
    try:
        return [*mapping.items(), *values.items()]
    except (AttributeError, TypeError):
        raise MetricsError(f"expected a mapping of names to values, not {shorten(mapping)}") from None


def raise_together(problems: list[MetricsError]) -> None:
    """Raise all problems as one error, if there are any."""
    if problems:
        raise MetricsError("; ".join(map(str, problems)))
