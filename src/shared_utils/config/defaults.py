"""The process's defaults, and forgetting what was read."""

from __future__ import annotations

from shared_utils.config.client import store

__all__ = ["configure", "refresh"]


def configure(
    *,
    max_age: float | None = None,
    max_stale: float | None = None,
    connect_timeout: float | None = None,
    read_timeout: float | None = None,
    deadline: float | None = None,
) -> None:
    """Change the process's defaults; what is left out stays as it is. All are seconds.

    Args:
        max_age: how long a value is good (300), ± 10 %.
        max_stale: how much longer it may stand in for one that cannot be read (3600).
        connect_timeout: for a connection to be made, TLS included (1).
        read_timeout: for an answer to be there as a whole (3).
        deadline: for a read altogether, with all its retries (8); less when the invocation ends before.

    Raises:
        ValueError: a number that is negative, or a time-out of zero.
    """
    keeper = store()
    given = {
        "max_age": max_age,
        "max_stale": max_stale,
        "connect_timeout": connect_timeout,
        "read_timeout": read_timeout,
        "deadline": deadline,
    }
    for name, seconds in given.items():
        if seconds is None:
            continue
        least = 0.0 if name.startswith("max_") else 0.001
        if not least <= seconds < float("inf"):
            raise ValueError(f"{name} is {seconds}: give seconds, {least:g} or more")
    for name, seconds in given.items():
        if seconds is not None:
            setattr(keeper.limits, name, float(seconds))
    keeper.generation += 1
    keeper.known = {}  # for as long as the old max_age said
    if connect_timeout is not None or read_timeout is not None:
        keeper.drop_connections()


def refresh() -> None:
    """Forget every value that was read, so that the next read asks its source anew."""
    store().forget_values()
