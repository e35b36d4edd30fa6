"""Recording: the set of metrics of an invocation or a scope, with what describes it. Safe for threads."""

from __future__ import annotations

import time
from _contextvars import ContextVar
from threading import RLock

from shared_utils.invocation import lifecycle
from shared_utils.metrics.emf import DEFINITIONS, EmfContext, define, property_json
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
    refused,
    shorten,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime
    from enum import Enum
    from typing import Any, SupportsFloat

    from shared_utils.metrics.registry import Registry
    from shared_utils.metrics.timers import Timer

__all__ = ["MetricSet", "active", "for_each"]

# So many values are held before they are written early, so that a script that never flushes keeps a bounded memory.
MOST_VALUES = 10_000
# Names in further dimension sets, all sets together; keeps room for metrics in a document of 256 KB.
MOST_SET_CHARACTERS = 32 * 1024

# The sets that this context records into: its invocation's, once it is known, and the open scopes, innermost last.
active: ContextVar[tuple[MetricSet, ...]] = ContextVar("shared_utils_metrics_active", default=())


class MetricSet:
    """Records metrics for one document, or several when limits ask for it.

    No method raises for what CloudWatch would refuse, unless `configure(strict=True)`: the registry logs it.

    Attributes:
        namespace: its own; None for the configured one.
        defaults: the default dimensions.
        context: what is recorded.
    """

    def __init__(self, registry: Registry, *, defaults: dict[str, str] | None = None) -> None:
        self.namespace: str | None = None
        self.defaults = registry.settings.default_dimensions if defaults is None else defaults
        self.context = EmfContext()
        self._described: EmfContext | None = None  # what each new context begins with; of scopes
        self._registry = registry
        # Reentrant: a finalizer that the garbage collector runs inside a locked block may record a metric too.
        self._lock = RLock()

    # --- recording ---

    def count(self, name: str, value: SupportsFloat = 1) -> None:
        """Add `value` to the count `name`; see `shared_utils.metrics.count`."""
        self.add(name, value, "Count")

    def add(self, name: str, value: SupportsFloat, unit: str | Enum, resolution: int | Enum = 60) -> None:
        """Record one value of a metric; see `shared_utils.metrics.add`."""
        if lifecycle.replays and lifecycle.is_replayed():
            return
        plain: Any = value
        kind = type(value)
        try:
            if not (
                (kind is int and MIN_INT <= plain <= MAX_INT) or (kind is float and MIN_VALUE <= plain <= MAX_VALUE)
            ):
                plain = number(name, value)
            key = (name, unit, resolution)
            self._lock.acquire()  # half as dear as `with`
            try:
                context = self.context
                values = context.values.get(key)
                if values is None:
                    values = self._open(context, key)
                values.append(plain)
                context.size += 1
            finally:
                self._lock.release()
        except TypeError as error:  # a name, unit or resolution that is not hashable: say what is wrong with it
            try:
                define((name, unit, resolution))
            except Exception as better:
                self._registry.report(better)
            else:
                self._registry.report(error)
        except Exception as error:
            self._registry.report(error)
        if self.context.size >= MOST_VALUES:
            self._registry.write((self,), keep_context=True)

    def timer(self, name: str, resolution: int | Enum = 60) -> Timer:
        """Return a timer that records into this set; see `shared_utils.metrics.timer`."""
        from shared_utils.metrics.timers import Timer

        return Timer(self.add, name, resolution)

    def _open(self, context: EmfContext, key: tuple[Any, Any, Any]) -> list[int | float]:
        """Return the list for the values of a metric that is not recorded yet. Called with the lock held."""
        definition = DEFINITIONS.get(key) or define(key)
        values = context.values.get(definition.key)
        if values is None:
            if self._claim(definition.name, "metric"):
                context.repeats = True
            if not context.series:
                self._registry.opened(self)
            values = context.series[definition] = context.values[definition.key] = []
        context.values[key] = values  # another spelling of the unit, perhaps
        return values

    # --- describing ---

    def dimensions(self, mapping: Mapping[str, object] | None = None, /, **values: object) -> None:
        """Add dimensions to the document; see `shared_utils.metrics.dimensions`."""
        self.set_dimensions(mapping, values)

    def set_dimensions(self, mapping: Mapping[str, object] | None, values: dict[str, object]) -> None:
        """Add dimensions given as a mapping and as keywords."""
        self._lock.acquire()
        try:
            problems = for_each(mapping, values, self._set_dimension, self.context.dimensions)
        finally:
            self._lock.release()
        if problems:
            self._registry.report(*problems)

    def dimension_set(self, mapping: Mapping[str, object] | None = None, /, **values: object) -> None:
        """Publish the metrics under a further set of dimensions; see `shared_utils.metrics.dimension_set`."""
        new: dict[str, str] = {}
        with self._lock:
            problems = for_each(mapping, values, self._set_dimension, new)
            known = self.context.further_sets
            if new and not any(names.keys() == new.keys() for names in known):  # what is right with it holds
                if sum(len(name) for names in (*known, new) for name in names) <= MOST_SET_CHARACTERS:
                    self.context.further_sets = (*known, new)
                else:
                    message = f"too many dimension sets ({len(known)}); a document has no room for another"
                    problems.append(refused(message))
        self._registry.report(*problems)

    def properties(self, mapping: Mapping[str, object] | None = None, /, **values: object) -> None:
        """Add properties to the document; see `shared_utils.metrics.properties`."""
        with self._lock:
            properties = dict(self.context.properties)
            problems = for_each(mapping, values, self._set_property, properties)
            self.context.properties = properties
        self._registry.report(*problems)

    def timestamp(self, when: datetime | int) -> None:
        """Date what is recorded; see `shared_utils.metrics.timestamp`."""
        try:
            self.context.timestamp = check_timestamp(when, time.time_ns() // 1_000_000)
        except Exception as error:
            self._registry.report(error)

    def _set_dimension(self, target: dict[str, str], name: object, value: object) -> None:
        """Set a dimension in one set, and its value in all that have it: a document has one value for each."""
        context = self.context
        if name == "service" and value is None:
            context.without_service = True
            target.pop("service", None)
            return
        key, text = check_dimension(name, value)
        if key not in target:
            self._check_room(target, key)
            self._claim(key, "dimension")
        target[key] = text
        if context.further_sets or target is not context.dimensions:
            for other in (context.dimensions, *context.further_sets):
                if key in other:
                    other[key] = text

    def _set_property(self, properties: dict[str, str], name: object, value: object) -> None:
        key = check_property_name(name)
        self._claim(key, "property")
        properties[key] = property_json(key, value)

    def _claim(self, name: str, use: str) -> bool:
        """Return whether `name` is in this use already; raise when it is in another.

        All names are members of one JSON object. The service is a dimension also while none is set.
        """
        uses = self.context.uses
        other = uses.get(name) or ("dimension" if name == "service" or name in self.defaults else None)
        if other and other != use:
            raise refused(f"{shorten(name)} is a {other} of this document and cannot be a {use} too; rename one")
        uses[name] = use
        return other is not None

    def _check_room(self, target: dict[str, str], new: str) -> None:
        """Raise when there is no room for the dimension `new` in the set `target`.

        The default dimensions are part of every set, the service only of the first.
        """
        if len(target) + len(self.defaults) + 2 <= MAX_DIMENSIONS:
            return
        together = {*self.defaults, *target, new}
        context = self.context
        if target is context.dimensions and not context.without_service and self._registry.settings.resolve().service:
            together.add("service")
        if len(together) > MAX_DIMENSIONS:
            raise refused(
                f"no room for dimension {shorten(new)}: CloudWatch takes {MAX_DIMENSIONS}, default dimensions and"
                " service included"
            )

    def set_default(self, defaults: dict[str, str], name: object, value: object) -> None:
        """Set a default dimension, for which this set must have room."""
        key, text = check_dimension(name, value)
        if key not in self.context.dimensions:
            self._check_room(self.context.dimensions, key)
            self._claim(key, "dimension")
        defaults[key] = text

    # --- writing ---

    def holds_anything(self) -> bool:
        """Whether there are metrics, or what describes them."""
        return bool(self.context.uses) or self.context.timestamp is not None

    def drain(self, keep_context: bool = False) -> EmfContext:
        """Return what is recorded and start anew; `keep_context` keeps dimensions, properties and timestamp."""
        fresh = EmfContext()
        self._lock.acquire()
        try:
            drained = self.context
            like = drained if keep_context else self._described
            if like is not None:
                fresh.describe_like(like)
            self.context = fresh
        finally:
            self._lock.release()
        return drained

    def renew_after_fork(self) -> None:
        """In a forked child: leave the parent's metrics to the parent, and the lock that a thread of it may hold."""
        self._lock = RLock()
        self.drain(keep_context=True)


def for_each(
    mapping: Mapping[str, object] | None,
    values: dict[str, object],
    put: Callable[[dict[str, str], str, object], None],
    into: dict[str, str],
) -> list[Exception]:
    """Call ``put(into, name, value)`` for names and values, given as a mapping and as keywords.

    Returns:
        What was wrong with some of them; the others are put in all the same.
    """
    problems: list[Exception] = []
    try:
        pairs: Collection[tuple[str, object]] = (
            values.items() if mapping is None else [*mapping.items(), *values.items()]
        )
    except (AttributeError, TypeError):
        return [refused(f"expected a mapping of names to values, not {shorten(mapping)}")]
    if len(pairs) > 1:  # what is left out first, for it makes room for the others
        pairs = sorted(pairs, key=lambda pair: pair[0] != "service" or pair[1] is not None)
    for name, value in pairs:
        try:
            put(into, name, value)
        except Exception as problem:
            problems.append(problem)
    return problems
