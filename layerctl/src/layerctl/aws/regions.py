"""Which regions, and the same work in all of them at once."""

from __future__ import annotations

import contextlib
import difflib
import json
import threading
from functools import cache
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

from layerctl.aws.clients import CONCURRENCY
from layerctl.aws.failures import UNREACHABLE, Failure, describe
from layerctl.core.errors import LayerctlError
from layerctl.core.files.read import read_text
from layerctl.core.partitions import is_region

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from layerctl.aws.clients import Aws

__all__ = ["InRegions", "enabled_regions", "in_regions", "read_regions"]

T = TypeVar("T")


def read_regions(path: Path) -> list[str]:
    """Read region names from a file: one a line (``#`` starts a comment), or a JSON list.

    Raises:
        LayerctlError: the file cannot be read, or names no region.
    """
    text = read_text(path)
    if text.lstrip().startswith("["):
        try:
            names: list[object] = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise LayerctlError(f"{path} is not JSON: {error}") from None
    else:
        names = [name for line in text.splitlines() for name in line.split("#")[0].replace(",", " ").split()]
    for name in names:
        if not is_region(name):
            raise LayerctlError(
                f"{path}: {name!r} is not a region", hint="expected names like eu-central-1, one a line"
            )
    if not names:
        raise LayerctlError(f"{path} names no region", hint="write one a line")
    return [str(name) for name in names]


def enabled_regions(aws: Aws, ask: str) -> list[str]:
    """Every region that the account has enabled (`ec2:DescribeRegions`), asked of the region `ask`.

    Raises:
        LayerctlError: it could not be asked.
    """
    try:
        answer = aws.client("ec2", ask).describe_regions()
    except UNREACHABLE as error:
        raise LayerctlError(f"--all-regions: {describe(error, ask)}") from None
    return sorted(region["RegionName"] for region in answer["Regions"])


class InRegions(Generic[T]):
    """What work gave in each region: a result or a failure, in the order in which the regions were named."""

    def __init__(self, regions: Sequence[str], outcomes: dict[str, T | Failure]) -> None:
        self.results: dict[str, T] = {}
        self.failures: dict[str, Failure] = {}
        for region in regions:
            outcome = outcomes[region]
            if isinstance(outcome, Failure):
                self.failures[region] = outcome
            else:
                self.results[region] = outcome


def in_regions(
    regions: Iterable[str],
    work: Callable[[str], T],
    *,
    done: Callable[[str], None] = lambda region: None,
    concurrency: int = CONCURRENCY,
) -> InRegions[T]:
    """Do `work` in every region, `concurrency` at a time; what fails in one leaves the others alone.

    Args:
        regions: names; repeated ones count once.
        work: called with a region's name, in threads. Whatever it raises becomes that region's failure.
        done: called in this thread as each region is done; not for one that failed.
        concurrency: how many threads.

    Ctrl-C is passed on at once: nothing more is started, and requests under way are not waited for.
    """
    names = list(dict.fromkeys(regions))
    waiting: SimpleQueue[str] = SimpleQueue()
    finished: SimpleQueue[tuple[str, T | Failure]] = SimpleQueue()
    for name in names:
        waiting.put(name)

    def take() -> None:
        with contextlib.suppress(Empty):
            while True:
                region = waiting.get_nowait()
                finished.put((region, _guarded(region, work)))

    # Daemons, unlike the threads of concurrent.futures, which the interpreter waits for at its end.
    for _ in range(min(concurrency, len(names))):
        threading.Thread(target=take, daemon=True).start()
    outcomes: dict[str, T | Failure] = {}
    try:
        while len(outcomes) < len(names):
            region, outcome = finished.get()
            outcomes[region] = outcome
            if not isinstance(outcome, Failure):
                done(region)
    finally:
        with contextlib.suppress(Empty):
            while True:
                waiting.get_nowait()
    return InRegions(names, outcomes)


def _guarded(region: str, work: Callable[[str], T]) -> T | Failure:
    known = _known_regions()
    if region not in known:
        near = difflib.get_close_matches(region, known, n=1)
        return Failure(
            "region",
            f"{region!r} is not a region that this botocore knows",
            f"did you mean {near[0]}?" if near else "check the name; for a new region update boto3",
        )
    try:
        return work(region)
    except UNREACHABLE as error:
        return describe(error, region)
    except LayerctlError as error:
        return Failure("refused", error.what, error.hint)
    except BaseException as error:  # whatever it is, it must not take the other regions' results with it
        said = " ".join(str(error).split())[:300]
        return Failure(
            "unexpected", f"{type(error).__name__}: {said}", "report this as a fault of layerctl; then run again"
        )


@cache
def _known_regions() -> frozenset[str]:
    import botocore.session

    session = botocore.session.Session()
    return frozenset(
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("lambda", partition)
    )
