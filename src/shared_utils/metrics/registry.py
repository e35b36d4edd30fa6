"""All metrics of the process: the sets that wait to be written, the writing, and what is done about problems."""

from __future__ import annotations

import sys
import time

from shared_utils.errors import MetricsError
from shared_utils.metrics.emf import documents
from shared_utils.metrics.limits import MAX_DIMENSIONS, shorten
from shared_utils.metrics.recorder import MetricSet, active_scope, for_each
from shared_utils.metrics.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from shared_utils.invocation.lifecycle import Invocation
    from shared_utils.metrics.emf import DimensionSets, EmfContext
    from shared_utils.metrics.settings import Resolved

__all__ = ["Registry"]

_MOST_PROBLEMS = 100  # different problems that are logged in one invocation


class Registry:
    """Settings, what is recorded, and where it goes. `shared_utils.metrics` has one.

    Attributes:
        settings: what is configured.
        main: the set that is recorded into outside of scopes.
        sink: takes the text of documents.
        cold_start_done_for: the invocation whose cold start is reported.
        was_cold_for_powertools: its flag when the invocation began.
    """

    def __init__(self, prepare_exit: Callable[[Registry, bool], None] | None = None) -> None:
        """`prepare_exit` is called when a process records its first metric, and told whether it was forked."""
        self._prepare_exit = prepare_exit
        self._prepared = self._forked = False
        self.reset()

    def reset(self) -> None:
        """Forget everything that was configured and recorded."""
        self.settings = Settings()
        self.main = MetricSet(self)
        self.sink: Callable[[str], object] = _to_stdout
        self.cold_start_done_for: Invocation | None = None
        self.was_cold_for_powertools = True
        self._pending: dict[MetricSet, None] = {}  # the sets that hold metrics, in the order of their first one
        self._reported: set[str] = set()

    def add_default_dimensions(self, mapping: Mapping[str, object] | None, values: dict[str, object]) -> None:
        """Keep dimensions for every document; see `shared_utils.metrics.default_dimensions`."""
        self.report(*for_each(mapping, values, self.main.set_default, self.settings.default_dimensions))

    # --- what is recorded ---

    def current_set(self) -> MetricSet:
        """Return the set that is recorded into: the innermost scope's, or the invocation's."""
        return active_scope.get() or self.main

    def opened(self, metric_set: MetricSet) -> None:
        """Take note of a set that holds its first metric."""
        self._pending[metric_set] = None
        if not self._prepared:
            self._prepared = True
            if self._prepare_exit is not None:
                self._prepare_exit(self, self._forked)

    def pending(self) -> tuple[MetricSet, ...]:
        """Return the sets that hold metrics."""
        return tuple(self._pending)

    def discard(self, metric_set: MetricSet) -> None:
        """Drop what a set holds."""
        self._pending.pop(metric_set, None)
        metric_set.drain()

    def discard_all(self) -> None:
        """Drop what every set holds and which problems were reported; what is configured stays. For tests."""
        for metric_set in (self.main, *self._pending):
            self.discard(metric_set)
        self._reported.clear()

    def discard_parents(self) -> None:
        """In a forked child: leave the parent's metrics to the parent, and locks that its threads may hold."""
        for metric_set in {self.main, *self._pending}:
            metric_set.renew_after_fork()
        self._pending.clear()
        self._prepared, self._forked = False, True

    # --- writing ---

    def flush(self, may_raise: bool = True) -> None:
        """Write everything recorded."""
        self.write(tuple(self._pending), may_raise=may_raise)

    def finish(self, may_raise: bool = True) -> None:
        """Write everything recorded, with Powertools too, and end what describes the invocation's document."""
        powertools = sys.modules.get("aws_lambda_powertools.metrics.metrics")
        if powertools is not None and powertools.Metrics._metrics:  # what all plain Metrics() record into
            from shared_utils.metrics.powertools import adopt

            adopt(self)
        self.write(tuple({self.main: None, **self._pending}), may_raise=may_raise)

    def write(self, sets: Iterable[MetricSet], *, keep_context: bool = False, may_raise: bool = True) -> None:
        """Drain the sets and write all that can be written, before any problem is reported."""
        resolved = self.settings.resolve()
        problems = resolved.problems[:]
        text = ""
        for metric_set in sets:
            self._pending.pop(metric_set, None)  # before it is drained: a metric in between makes it pending again
            context = metric_set.drain(keep_context)
            if context.series and not resolved.off:
                text += _lines(metric_set, context, resolved, problems)
        if text:
            self.sink(text)
        if problems:
            self.report(*problems, may_raise=may_raise)

    def preview(self, metric_set: MetricSet) -> str:
        """Return the lines that a set would be written as now, and leave it as it is."""
        context = metric_set.context
        return _lines(metric_set, context, self.settings.resolve(), []) if context.series else ""

    # --- problems ---

    def report(self, *problems: Exception, may_raise: bool = True) -> None:
        """Raise problems as one error in strict mode, else log each as an error line, once in an invocation."""
        texts = [
            str(problem) if isinstance(problem, MetricsError) else f"{type(problem).__name__}: {shorten(problem)}"
            for problem in problems
        ]
        if texts and self.settings.strict and may_raise:
            error = MetricsError("; ".join(texts))
            error.must_raise = True
            raise error from problems[0]
        for text in texts:
            if text not in self._reported and len(self._reported) < _MOST_PROBLEMS:
                self._reported.add(text)
                _log_error(f"metrics: {text}")

    def new_invocation(self) -> None:
        """Let each problem be logged again, once."""
        self._reported.clear()


def _lines(metric_set: MetricSet, context: EmfContext, resolved: Resolved, problems: list[Exception]) -> str:
    """Return one set's metrics as lines, and add what is wrong to `problems`."""
    namespace = metric_set.namespace or resolved.namespace
    if namespace is None:
        problems.append(_no_namespace(context))
        return ""
    text, left_out = documents(
        context,
        namespace,
        _dimension_sets(metric_set, context, resolved, problems),
        context.timestamp or time.time_ns() // 1_000_000,
        _level_marks(resolved.level, metric_set.defaults, context, problems) if resolved.level else "",
    )
    problems += [
        MetricsError(f"property {shorten(name)} is left out: no document of 256 KB has room for it")
        for name in left_out
    ]
    return text


def _dimension_sets(
    metric_set: MetricSet, context: EmfContext, resolved: Resolved, problems: list[Exception]
) -> DimensionSets:
    """Return the dimension sets of a document: default and own dimensions, then the service; then further sets."""
    defaults = metric_set.defaults
    if not defaults and not context.further_sets:  # nearly always
        pairs = tuple(context.dimensions.items())
        if resolved.service and "service" not in context.dimensions:
            pairs += (("service", resolved.service),)
        if len(pairs) <= MAX_DIMENSIONS:
            return (pairs,)
    for name in [name for name in defaults if context.uses.get(name, "dimension") != "dimension"]:
        problems.append(MetricsError(f"default dimension {name!r} is left out: a metric or property has its name"))
        defaults = {other: value for other, value in defaults.items() if other != name}
    sets = []
    values = {**defaults, **context.dimensions}
    for one in context.further_sets:
        values |= one
    primary = {**defaults, **context.dimensions}
    if resolved.service:
        primary["service"] = values.setdefault("service", resolved.service)
    for names in (primary, *({**defaults, **further} for further in context.further_sets)):
        pairs = tuple([(name, values[name]) for name in names])
        for name, _ in pairs[MAX_DIMENSIONS:]:
            problems.append(MetricsError(f"dimension {name!r} is left out: CloudWatch takes {MAX_DIMENSIONS}"))
        sets.append(pairs[:MAX_DIMENSIONS])
    return tuple(sets)


def _no_namespace(context: EmfContext) -> MetricsError:
    """Return the error for metrics that cannot be written for want of a namespace."""
    names = list(dict.fromkeys(definition.name for definition in context.series))
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return MetricsError(
        f"no namespace, so {shown} could not be written;"
        " set POWERTOOLS_METRICS_NAMESPACE or call metrics.configure(namespace=...)"
    )


def _level_marks(level: str, defaults: dict[str, str], context: EmfContext, problems: list[Exception]) -> str:
    """Return the members that let a document pass Lambda's filter: a level, and a time without which it is ignored.

    Source and what could not be tried: docs/decisions/metrics.md.
    """
    from shared_utils.logging.fast import timestamp

    marks = {"level": level, "timestamp": timestamp()}
    taken = marks.keys() & {*defaults, *context.uses}
    problems += [
        MetricsError(f"Lambda filters by {name!r} under log level {level}, and drops what has another there; rename it")
        for name in sorted(taken)
    ]
    return "".join([f',"{name}":"{text}"' for name, text in marks.items() if name not in taken])


def _to_stdout(text: str) -> None:
    """Write lines to the standard output of now, which the runtime and tests replace."""
    try:
        sys.stdout.write(text)
    except Exception:  # closed, missing or broken: to the process's own output then
        from shared_utils.logging.output import write_descriptor

        write_descriptor(text[:-1])


def _log_error(message: str) -> None:
    """Log one error line. It never raises, and needs the lines of shared_utils.logging only, not structlog."""
    from shared_utils.logging.fast import write_line

    write_line(40, message, {}, name="shared_utils.metrics")
