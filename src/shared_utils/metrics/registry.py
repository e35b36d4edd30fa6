"""All metrics of the process: the sets that wait to be written, the writing, and what is done about problems."""

from __future__ import annotations

import sys
import time

from shared_utils.errors import MetricsError
from shared_utils.metrics.emf import documents
from shared_utils.metrics.limits import MAX_DIMENSIONS, check_dimension, shorten
from shared_utils.metrics.recorder import MetricSet, active_scope, pairs, raise_together
from shared_utils.metrics.settings import Settings

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from shared_utils.invocation.lifecycle import Invocation
    from shared_utils.metrics.emf import Definition
    from shared_utils.metrics.recorder import Recorded
    from shared_utils.metrics.settings import Resolved

__all__ = ["Registry"]

_MOST_PROBLEMS = 100  # different problems that are logged in one invocation


class Registry:
    """Settings, what is recorded, and where it goes. `shared_utils.metrics` has one."""

    def __init__(self) -> None:
        self._armed = self._forked = False
        self.reset()

    def reset(self) -> None:
        """Forget everything that was configured and recorded."""
        self.settings = Settings()
        self.main = MetricSet(self)
        self.sink: Callable[[str], object] = _to_stdout
        self.cold_start_done_for: Invocation | None = None
        self.was_cold_for_powertools = True  # when the invocation began
        self._pending: dict[MetricSet, None] = {}  # the sets that hold metrics, in the order of their first one
        self._reported: set[str] = set()

    # --- settings ---

    def configure(
        self,
        *,
        namespace: str | None = None,
        service: str | None = None,
        strict: bool | None = None,
        cold_start: bool | None = None,
    ) -> None:
        """Set what is not None; see `shared_utils.metrics.configure`."""
        if strict is not None:
            self.settings.strict = strict
        if cold_start is not None:
            self.settings.cold_start = cold_start
        problems = []
        for value, apply in ((namespace, self.settings.set_namespace), (service, self.settings.set_service)):
            if value is not None:
                try:
                    apply(value)
                except MetricsError as problem:
                    problems.append(problem)
        try:
            raise_together(problems)
        except MetricsError as error:
            self.report(error)

    def add_default_dimensions(self, mapping: Mapping[str, object] | None, values: dict[str, object]) -> None:
        """Keep dimensions for every document; see `shared_utils.metrics.default_dimensions`."""
        problems = []
        try:
            for name, value in pairs(mapping, values):
                try:
                    key, text = check_dimension(name, value)
                    self.main.refuse_dimension(self.main.recorded.primary, key)
                except MetricsError as problem:
                    problems.append(problem)
                else:
                    self.settings.default_dimensions[key] = text
            raise_together(problems)
        except Exception as error:
            self.report(error)

    # --- what is recorded ---

    def current_set(self) -> MetricSet:
        """Return the set that is recorded into: the innermost scope's, or the invocation's."""
        return active_scope.get() or self.main

    def opened(self, metric_set: MetricSet) -> None:
        """Take note of a set that holds its first metric."""
        self._pending[metric_set] = None
        if not self._armed:
            from shared_utils.metrics.lifecycle import arm

            self._armed = True
            arm(self, forked=self._forked)

    def waiting(self) -> tuple[MetricSet, ...]:
        """Return the sets that hold metrics."""
        return tuple(self._pending)

    def forget(self, metric_set: MetricSet) -> None:
        """Drop what a set holds."""
        self._pending.pop(metric_set, None)
        metric_set.take()

    def forget_all(self) -> None:
        """Drop what every set holds and which problems were reported; what is configured stays. For tests."""
        for metric_set in (self.main, *self._pending):
            self.forget(metric_set)
        self._reported.clear()

    def forget_parent(self) -> None:
        """In a forked child: leave the parent's metrics to the parent, and locks that its threads may hold."""
        for metric_set in {self.main, *self._pending}:
            metric_set.renew_after_fork()
        self._pending.clear()
        self._armed, self._forked = False, True

    # --- writing ---

    def flush(self, *, final: bool = False, may_raise: bool = True) -> None:
        """Write everything recorded. `final` ends the invocation: what described its document ends too."""
        if final:
            powertools = sys.modules.get("aws_lambda_powertools.metrics.metrics")
            if powertools is not None and powertools.Metrics._metrics:  # what all plain Metrics() record into
                from shared_utils.metrics.powertools import adopt

                adopt(self)
        waiting = self.waiting()
        if final and self.main not in waiting:
            waiting = (self.main, *waiting)
        self.write(waiting, may_raise=may_raise)

    def write(self, sets: Iterable[MetricSet], *, keep_context: bool = False, may_raise: bool = True) -> None:
        """Take what the sets hold and write all of it that can be written, before any problem is reported."""
        resolved = self.settings.resolve()
        problems = resolved.problems[:]
        text = ""
        for metric_set in sets:
            self._pending.pop(metric_set, None)  # before take: a metric that comes in between makes it pending again
            recorded = metric_set.take(keep_context)
            if recorded.series and not resolved.off:
                text += _documents(metric_set, recorded, resolved, problems)
        if text:
            self.sink(text)
        for problem in problems:
            self.report(problem, may_raise=may_raise and problem is problems[-1])

    def preview(self, metric_set: MetricSet) -> str:
        """Return the lines that a set would be written as now, and leave it as it is."""
        recorded = metric_set.recorded
        return _documents(metric_set, recorded, self.settings.resolve(), []) if recorded.series else ""

    # --- problems ---

    def report(self, error: BaseException, *, may_raise: bool = True) -> None:
        """Raise a problem in strict mode, else log it as one error line, each problem once in an invocation."""
        if isinstance(error, MetricsError):
            problem = error
        else:
            problem = MetricsError(f"{type(error).__name__}: {shorten(error)}")
            problem.__cause__ = error
        if self.settings.strict and may_raise:
            problem.must_raise = True
            raise problem
        text = str(problem)
        if text not in self._reported and len(self._reported) < _MOST_PROBLEMS:
            self._reported.add(text)
            _log_error(f"metrics: {text}")

    def new_invocation(self) -> None:
        """Let each problem be logged again, once."""
        self._reported.clear()


def _documents(metric_set: MetricSet, recorded: Recorded, resolved: Resolved, problems: list[MetricsError]) -> str:
    """Write one set's metrics as lines."""
    namespace = metric_set.namespace or resolved.namespace
    if namespace is None:
        problems.append(_no_namespace(recorded.series))
        return ""
    text, left_out = documents(
        recorded.series,
        few=recorded.size <= 100 and len(recorded.metric_names) == len(recorded.series),
        namespace=namespace,
        dimension_sets=_dimension_sets(metric_set, recorded, resolved, problems),
        properties=recorded.properties,
        timestamp=recorded.timestamp or time.time_ns() // 1_000_000,
        marks=_level_marks(resolved.level, recorded, problems) if resolved.level else "",
    )
    problems += [
        MetricsError(f"property {shorten(name)} is left out: no document of 256 KB has room for it")
        for name in left_out
    ]
    return text


def _dimension_sets(
    metric_set: MetricSet, recorded: Recorded, resolved: Resolved, problems: list[MetricsError]
) -> list[dict[str, str]]:
    """Return the dimension sets of a document: default and own dimensions, then the service; then further sets."""
    defaults = metric_set.defaults
    if defaults:
        for name in [name for name in defaults if name in recorded.metric_names or name in recorded.properties]:
            problems.append(MetricsError(f"default dimension {name!r} is left out: a metric or property has its name"))
            defaults = {other: value for other, value in defaults.items() if other != name}
    values = {**defaults, **recorded.dimensions}
    service = metric_set.service or resolved.service
    if service:
        values.setdefault("service", service)
    if not recorded.further_sets:
        sets = [values]
    else:
        primary = dict.fromkeys((*defaults, *recorded.primary, *(("service",) if service else ())))
        sets = [
            {name: values[name] for name in names}
            for names in (primary, *((*defaults, *further) for further in recorded.further_sets))
        ]
    for one in sets:
        for name in list(one)[MAX_DIMENSIONS:] if len(one) > MAX_DIMENSIONS else ():
            problems.append(MetricsError(f"dimension {name!r} is left out: CloudWatch takes {MAX_DIMENSIONS}"))
            del one[name]
    return sets


def _no_namespace(series: Sequence[tuple[Definition, Any]]) -> MetricsError:
    """Return the error for metrics that cannot be written for want of a namespace."""
    names = list(dict.fromkeys(definition.name for definition, _ in series))
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return MetricsError(
        f"no namespace, so {shown} could not be written;"
        " set POWERTOOLS_METRICS_NAMESPACE or call metrics.configure(namespace=...)"
    )


def _level_marks(level: str, recorded: Recorded, problems: list[MetricsError]) -> str:
    """Return the members that let a document pass Lambda's filter: a level, and a time without which it is ignored.

    Source and what could not be tried: docs/decisions/metrics.md.
    """
    from shared_utils.logging.fields import timestamp

    marks = {"level": level, "timestamp": timestamp()}
    taken = {*recorded.metric_names, *recorded.dimensions, *recorded.properties}.intersection(marks)
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
    from shared_utils.logging.output import write_line

    write_line(40, message, {}, name="shared_utils.metrics")
