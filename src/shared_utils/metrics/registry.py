"""All metrics of the process: the sets that wait to be written, when they are, and what is done about problems."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import shared_utils
from shared_utils.invocation import lifecycle
from shared_utils.metrics.emf import lines
from shared_utils.metrics.limits import refused, shorten
from shared_utils.metrics.recorder import MetricSet, active, for_each
from shared_utils.metrics.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from shared_utils.invocation.lifecycle import Invocation
    from shared_utils.metrics.emf import Definition

__all__ = ["Registry"]

_WARNING, _ERROR = 30, 40
_MOST_PROBLEMS = 100  # different problems that are logged in one invocation


class Registry:
    """Settings, what is recorded, and where it goes. `shared_utils.metrics` has one.

    Attributes:
        settings: what is configured.
        main: the set outside of invocations and scopes; an invocation that records takes over what it holds.
        outside: `main` alone while no invocation is open, else empty.
        sink: takes the text of documents.
    """

    def __init__(self) -> None:
        self._prepared = self._forked = False
        self.reset()

    def reset(self) -> None:
        """Forget everything that was configured and recorded."""
        self.settings = Settings()
        self.main = MetricSet(self)
        self.outside: tuple[MetricSet, ...] = () if lifecycle.open_invocations() else (self.main,)
        self.sink: Callable[[str], object] = _to_stdout
        self._cold_start_done_for: Invocation | None = None
        self._was_cold_for_powertools = True  # when the invocation began
        # The sets that hold metrics, in the order of their first one, each with the invocation that it belongs to.
        self._pending: dict[MetricSet, Invocation | None] = {}
        self._reported: set[str] = set()
        self._namespace_missed = False

    def add_default_dimensions(self, mapping: Mapping[str, object] | None, values: dict[str, object]) -> None:
        """Keep dimensions for every document; see `shared_utils.metrics.default_dimensions`."""
        self.report(*for_each(mapping, values, self.main.set_default, self.settings.default_dimensions))

    def service_changed(self) -> None:
        """Take note of what `shared_utils.configure` has set."""
        self.settings.forget()

    # --- what is recorded ---

    def current_set(self) -> MetricSet:
        """Return the set that is recorded into: the innermost scope's, or the invocation's."""
        return (active.get() or self.outside or self.enter())[-1]

    def enter(self) -> tuple[MetricSet, ...]:
        """Return what `active` shall hold for the running code; it stays there where an invocation's own context is."""
        invocation = lifecycle.current()
        sets = (self.set_of(invocation),)
        if invocation is not None and lifecycle.here() is invocation:
            active.set(sets)
        return sets

    def set_of(self, invocation: Invocation | None) -> MetricSet:
        """Return the set of an invocation, or the one outside of any."""
        if invocation is None:
            return self.main
        metric_set: MetricSet = invocation.metrics or self._begin_set(invocation)
        return metric_set

    def _begin_set(self, invocation: Invocation) -> MetricSet:
        metric_set = MetricSet(self)
        if self.main.holds_anything():
            self._pending.pop(self.main, None)
            metric_set.context = self.main.drain()
            if metric_set.context.series:
                self.opened(metric_set)
        kept: MetricSet = invocation.keep("metrics", metric_set)
        return kept

    def opened(self, metric_set: MetricSet) -> None:
        """Take note of a set that holds its first metric."""
        self._pending[metric_set] = None if self.outside else lifecycle.current()
        if not self._prepared:
            self._prepared = True
            self._prepare_exit()

    def pending(self) -> tuple[MetricSet, ...]:
        """Return the sets that hold metrics: the present invocation's, and those that no open invocation will write."""
        present = lifecycle.current()
        return tuple(
            metric_set
            for metric_set, owner in list(self._pending.items())
            if owner is None or owner is present or not owner.is_open
        )

    def discard(self, metric_set: MetricSet) -> None:
        """Drop what a set holds."""
        self._pending.pop(metric_set, None)
        metric_set.drain()

    def discard_all(self) -> None:
        """Drop what every set holds and which problems were reported; what is configured stays. For tests."""
        for metric_set in (self.main, *self._pending):
            self.discard(metric_set)
        self._reported.clear()
        self._namespace_missed = False

    def discard_parents(self) -> None:
        """In a forked child: leave the parent's metrics to the parent, and locks that its threads may hold."""
        open_sets = [
            invocation.metrics for invocation in lifecycle.open_invocations() if invocation.metrics is not None
        ]
        for metric_set in {self.main, *self._pending, *open_sets}:
            metric_set.renew_after_fork()
        self._pending.clear()
        self._prepared, self._forked = False, True

    # --- writing ---

    def flush(self, may_raise: bool = True) -> None:
        """Write what the present invocation has recorded, and what belongs to none that is open."""
        self.write(tuple(self._pending) if self.outside else self.pending(), may_raise=may_raise)

    def finish(self, may_raise: bool = True, everything: bool = False) -> None:
        """Do as `flush`, with what Powertools has recorded too, and end what describes the documents."""
        powertools = sys.modules.get("aws_lambda_powertools.metrics.metrics")
        if powertools is not None and powertools.Metrics._metrics:  # what all plain Metrics() record into
            from shared_utils.metrics.powertools import adopt

            adopt(self)
        invocation = lifecycle.current()
        sets = [*self._pending] if everything else [*self.pending()]
        for metric_set in (self.main, None if invocation is None else invocation.metrics):
            if metric_set is not None and metric_set not in sets and metric_set.holds_anything():
                sets.insert(0, metric_set)
        if sets:
            self.write(sets, may_raise=may_raise)

    def write(self, sets: Iterable[MetricSet], *, keep_context: bool = False, may_raise: bool = True) -> None:
        """Drain the sets and write all that can be written, before any problem is reported."""
        resolved = self.settings.resolve()
        problems = resolved.problems[:]
        text = ""
        missed: dict[Definition, Any] = {}
        for metric_set in sets:
            self._pending.pop(metric_set, None)  # before it is drained: a metric in between makes it pending again
            context = metric_set.drain(keep_context)
            if context.series and not resolved.off:
                namespace = metric_set.namespace or resolved.namespace
                if namespace is None:
                    missed |= context.series
                else:
                    text += lines(context, namespace, resolved, metric_set.defaults, problems)
        if text:
            self.sink(text)
        if missed:
            self._report_no_namespace([definition.name for definition in missed], may_raise)
        if problems:
            self.report(*problems, may_raise=may_raise)

    def preview(self, metric_set: MetricSet) -> str:
        """Return the lines that a set would be written as now, and leave it as it is."""
        context, resolved = metric_set.context, self.settings.resolve()
        namespace = metric_set.namespace or resolved.namespace
        return lines(context, namespace, resolved, metric_set.defaults, []) if context.series and namespace else ""

    # --- problems ---

    def report(self, *problems: Exception, may_raise: bool = True) -> None:
        """Raise problems as one error in strict mode, else log each, once in an invocation."""
        if problems and self.settings.strict and may_raise:
            error = refused("; ".join(map(_text, problems)))
            error.must_raise = True
            raise error from problems[0]
        for problem in problems:
            invocation = lifecycle.current()
            reported = self._reported if invocation is None else invocation.keep("metric_problems", set())
            text = _text(problem)
            if text not in reported and len(reported) < _MOST_PROBLEMS:
                reported.add(text)
                _log(_ERROR, problem)

    def _report_no_namespace(self, names: list[str], may_raise: bool) -> None:
        """Say that metrics are not written. It is the same in each invocation, so it is said once in a process."""
        problem = refused(
            f"no namespace, so metrics are not written ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''}):"
            " set the environment variable POWERTOOLS_METRICS_NAMESPACE or call metrics.configure(namespace=...)"
        )
        if self.settings.strict and may_raise:
            self.report(problem)
        if not self._namespace_missed:
            self._namespace_missed = True
            _log(_WARNING, problem)

    # --- when metrics are written without being asked ---

    def begun(self, invocation: Invocation) -> None:
        """Write the cold-start metric before anything can go wrong."""
        active.set(())  # nothing of what the context was copied from
        self.outside = ()
        if invocation.cold_start:
            self._count_cold_start(invocation, last_chance=False)

    def ended(self, invocation: Invocation) -> None:
        """Write everything, however the invocation ends. The handler's own exception is never replaced."""
        raising = sys.exc_info()[1] is not None
        if invocation.cold_start:
            self._count_cold_start(invocation, last_chance=True)
        try:
            self.finish(may_raise=not raising)
        finally:
            if len(lifecycle.open_invocations()) == 1:  # this one
                self.outside = (self.main,)

    def timing_out(self, _: Invocation) -> None:
        """Write what there is while there is time; the handler may still finish, so its document goes on."""
        self.write(self.pending(), keep_context=True, may_raise=False)

    def _count_cold_start(self, invocation: Invocation, *, last_chance: bool) -> None:
        """Write the metric ColdStart, once for an invocation.

        Written when the invocation begins, so that a handler that raises or runs into the time-out cannot lose it; when
        the namespace is not known by then (the handler configures it, or imports metrics late), at the end.
        """
        if not self.settings.cold_start or self._cold_start_done_for is invocation:
            return
        theirs = sys.modules.get("aws_lambda_powertools.metrics.provider.cold_start")
        is_cold_for_powertools = theirs is None or theirs.is_cold_start
        if last_chance:
            if self._was_cold_for_powertools and not is_cold_for_powertools:
                return  # its own decorator has reported this one meanwhile
        elif self.settings.resolve().namespace is None:
            self._was_cold_for_powertools = is_cold_for_powertools
            return
        self._cold_start_done_for = invocation
        if theirs is not None:
            theirs.__dict__["is_cold_start"] = False  # what its log_metrics looks at: one cold start, one metric
        self.write_cold_start(invocation.function_name)

    def write_cold_start(self, function_name: str | None) -> None:
        """Write a document with the metric ColdStart alone; like Powertools', by function_name and service."""
        document = MetricSet(self, defaults={})
        document.count("ColdStart")
        name = os.environ.get("POWERTOOLS_METRICS_FUNCTION_NAME") or function_name
        if name:
            document.dimensions(function_name=name)
        self.write((document,), may_raise=False)

    def _prepare_exit(self) -> None:
        """Prepare for the process's end. Called when a first metric is recorded: nothing may happen at import.

        A forked child inherits atexit's and os's registrations, but one of multiprocessing ends without atexit.
        """
        if not self._forked:
            import atexit

            atexit.register(self._write_at_exit)
            if hasattr(os, "register_at_fork"):  # not on Windows
                os.register_at_fork(after_in_child=self.discard_parents)
            if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
                self._flush_before_snapshot()
        elif "multiprocessing.util" in sys.modules:
            from multiprocessing.util import Finalize

            Finalize(None, self._write_at_exit, exitpriority=0)

    def _write_at_exit(self) -> None:
        """Write everything, and flush: a child of multiprocessing has flushed its streams before (Python 3.13)."""
        self.finish(may_raise=False, everything=True)
        with suppress(Exception):  # closed or broken; nothing is left to tell
            sys.stdout.flush()

    def _flush_before_snapshot(self) -> None:
        """Write what was recorded during init before the snapshot, or each restored copy would write it again."""
        try:
            from snapshot_restore_py import register_before_snapshot
        except ImportError:  # not in Lambda's runtime: no snapshot will ever be taken
            return
        register_before_snapshot(self.flush, may_raise=False)


def _text(problem: Exception) -> str:
    is_ours = isinstance(problem, shared_utils.errors.MetricsError)
    return str(problem) if is_ours else f"{type(problem).__name__}: {shorten(problem)}"


def _log(level: int, problem: Exception) -> None:
    """Log one line. It never raises, and needs the lines of shared_utils.logging only, not structlog."""
    from shared_utils.logging.output import write_line

    write_line(level, f"metrics: {_text(problem)}", {}, name="shared_utils.metrics")


_wrote_whole: Callable[[Any, str], bool] | None = None
# With one of these loaded a short line, too, may have to wait until another process has written its own.
_SHARERS = ("shared_utils.logging.output", "multiprocessing.process")


def _to_stdout(text: str) -> None:
    """Write lines to the standard output of now, which the runtime and tests replace, and flush it.

    What a stream holds back is gone after `os._exit`, and written twice after a fork.
    """
    global _wrote_whole  # noqa: PLW0603 - what is imported stands here from then on: this is done for each document
    stream = sys.stdout
    if _wrote_whole is None and (len(text) > 1000 or any(name in sys.modules for name in _SHARERS)):
        from shared_utils.logging.output import wrote_whole as _wrote_whole
    if _wrote_whole is not None and _wrote_whole(stream, text):
        return
    try:
        stream.write(text)
    except Exception:  # closed, missing or broken: to the process's own output then
        from shared_utils.logging.shared_output import write_descriptor

        write_descriptor(text[:-1])
        return
    try:
        stream.flush()
    except Exception:  # what the stream cannot pass on now it keeps
        return
