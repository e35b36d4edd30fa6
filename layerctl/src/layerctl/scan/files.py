"""Finds the pins of many files, on several cores where that pays."""

from __future__ import annotations

import gc
import os
import signal
from contextlib import contextmanager
from sys import intern
from typing import TYPE_CHECKING

from layerctl.scan.finder import find_pins
from layerctl.scan.model import FileReport
from layerctl.scan.walk import find_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from multiprocessing.synchronize import Event
    from pathlib import Path

    from layerctl.scan.exclusion import Exclusion
    from layerctl.scan.model import Pin
    from layerctl.scan.walk import FoundFiles

__all__ = ["scan", "search"]

# Starting workers costs about as long as reading this much.
_PARALLEL_FROM_BYTES = 6_000_000
_MAX_WORKERS = 4
_BATCH = 32


def scan(
    roots: Iterable[Path],
    progress: Callable[[int, int], None] | None = None,
    *,
    exclusion: Exclusion | None = None,
) -> FileReport:
    """Find the pins in files and folders.

    Args:
        roots: files and folders.
        progress: told how many of how many files are done.
        exclusion: what is left out; default: what git ignores.
    """
    return search(find_files(roots, exclusion), progress)


def search(found: FoundFiles, progress: Callable[[int, int], None] | None = None) -> FileReport:
    """Find the pins in files that were listed before; see `scan`."""
    report = FileReport(problems=list(found.problems), left_out=list(found.left_out), notes=list(found.notes))
    files = found.files
    batches = [files[at : at + _BATCH] for at in range(0, len(files), _BATCH)]
    done = 0
    workers = min(_cores(), _MAX_WORKERS, len(batches))
    if workers > 1 and found.size > _PARALLEL_FROM_BYTES:
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        context = get_context("spawn")  # not fork: a progress bar's thread may hold a lock at that moment
        stop = context.Event()
        with ProcessPoolExecutor(workers, context, _begin, (stop,)) as pool:
            try:
                with _without_interrupts():
                    results = pool.map(_batch, batches)
                for batch, part in zip(batches, results, strict=True):
                    part.pins = [_compact(pin) for pin in part.pins]
                    report.extend(part)
                    done += len(batch)
                    if progress:
                        progress(done, len(files))
            except KeyboardInterrupt:
                stop.set()
                pool.shutdown(cancel_futures=True)
                raise
    else:
        for batch in batches:
            report.extend(_batch(batch))
            done += len(batch)
            if progress:
                progress(done, len(files))
    if any(part.target for part in report.unread):
        searched = {str(path.resolve()) for path, _ in files}
        report.unread = [part for part in report.unread if part.target not in searched]
    return report


_stopped: Callable[[], bool] = bool  # in a worker: whether its results are still wanted


def _begin(stop: Event) -> None:
    """Prepare a worker: it makes no reference cycles, so it needs no collector, which costs a tenth of its time."""
    global _stopped  # noqa: PLW0603 - a worker has no other place for it
    gc.disable()
    _stopped = stop.is_set


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach: what they do then is the main process's to say."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _batch(files: Sequence[tuple[Path, bool]]) -> FileReport:
    report = FileReport()
    for path, named in files:
        if not _stopped():
            report.extend(find_pins(path, named=named))
    return report


def _compact(pin: Pin) -> Pin:
    """The same pin, sharing its strings with the others: a monorepo has few layers and many pins."""
    return pin._replace(
        path=intern(pin.path),
        partition=pin.partition and intern(pin.partition),
        region=pin.region and intern(pin.region),
        account=pin.account and intern(pin.account),
        name=intern(pin.name),
    )


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1
