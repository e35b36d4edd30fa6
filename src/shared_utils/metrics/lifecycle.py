"""When metrics are written without being asked: around invocations, before a snapshot, at exit, after a fork."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from shared_utils.metrics.recorder import MetricSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared_utils.invocation.lifecycle import Invocation
    from shared_utils.metrics.registry import Registry

__all__ = ["begun", "ended", "prepare_exit", "write_cold_start"]


def begun(registry: Registry, invocation: Invocation) -> None:
    """An invocation starts: report problems anew, and write the cold-start metric before anything can go wrong."""
    registry.new_invocation()
    if invocation.cold_start:
        _count_cold_start(registry, invocation, last_chance=False)


def ended(registry: Registry, invocation: Invocation) -> None:
    """An invocation ends, however it ends: write everything. The handler's own exception is never replaced."""
    raising = sys.exc_info()[1] is not None
    if invocation.cold_start:
        _count_cold_start(registry, invocation, last_chance=True)
    registry.finish(may_raise=not raising)


def _count_cold_start(registry: Registry, invocation: Invocation, *, last_chance: bool) -> None:
    """Write the metric ColdStart, once for an invocation.

    Written when the invocation begins, so that a handler that raises or runs into the time-out cannot lose it; when
    the namespace is not known by then (the handler configures it, or imports metrics late), at the end.
    """
    if not registry.settings.cold_start or registry.cold_start_done_for is invocation:
        return
    theirs = sys.modules.get("aws_lambda_powertools.metrics.provider.cold_start")
    is_cold_for_powertools = theirs is None or theirs.is_cold_start
    if last_chance:
        if registry.was_cold_for_powertools and not is_cold_for_powertools:
            return  # its own decorator has reported this one meanwhile
    elif registry.settings.resolve().namespace is None:
        registry.was_cold_for_powertools = is_cold_for_powertools
        return
    registry.cold_start_done_for = invocation
    if theirs is not None:
        theirs.__dict__["is_cold_start"] = False  # what its log_metrics looks at: one cold start, one metric
    write_cold_start(registry, invocation.function_name)


def write_cold_start(registry: Registry, function_name: str | None) -> None:
    """Write a document with the metric ColdStart alone; like Powertools', by function_name and service."""
    document = MetricSet(registry, defaults={})
    document.count("ColdStart")
    name = os.environ.get("POWERTOOLS_METRICS_FUNCTION_NAME") or function_name
    if name:
        document.dimensions(function_name=name)
    registry.write((document,), may_raise=False)


def prepare_exit(registry: Registry, forked: bool) -> None:
    """Prepare for the process's end. Called when a first metric is recorded, because nothing may happen at import.

    A forked child inherits atexit's and os's registrations, but one of multiprocessing ends without atexit.
    """
    if not forked:
        import atexit

        atexit.register(_write_at_exit, registry)
        if hasattr(os, "register_at_fork"):  # not on Windows
            os.register_at_fork(after_in_child=registry.discard_parents)
        if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
            _flush_before_snapshot(registry)
    elif "multiprocessing.util" in sys.modules:
        from multiprocessing.util import Finalize

        Finalize(None, _write_at_exit, (registry,), exitpriority=0)


def _write_at_exit(registry: Registry) -> None:
    """Write everything, and flush: a child of multiprocessing has flushed its streams before (Python 3.13)."""
    registry.finish(may_raise=False)
    with suppress(Exception):  # closed or broken; nobody is left to tell
        sys.stdout.flush()


def _flush_before_snapshot(registry: Registry) -> None:
    """Write what was recorded during init before the snapshot, or each restored copy would write it again."""
    try:
        from snapshot_restore_py import register_before_snapshot
    except ImportError:  # not in Lambda's runtime: no snapshot will ever be taken
        return
    register_before_snapshot(registry.flush, may_raise=False)
