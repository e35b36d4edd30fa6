"""The process's defaults, and forgetting what was read."""

from __future__ import annotations

from shared_utils.config.arguments import UNSET, check_seconds
from shared_utils.config.client import Limits, client

__all__ = ["configure", "refresh"]


def configure(
    *,
    max_age: float | None = UNSET,
    max_stale: float | None = UNSET,
    connect_timeout: float | None = UNSET,
    read_timeout: float | None = UNSET,
    deadline: float | None = UNSET,
) -> None:
    """Change the process's defaults, in seconds. An argument left out changes nothing; None restores the default.

    Args:
        max_age: how long a value is good (300), ± 10 %.
        max_stale: how much longer an old value may replace one that cannot be read (3600).
        connect_timeout: for a connection to be made, TLS included (1).
        read_timeout: for an answer to be there as a whole (3).
        deadline: for a read altogether, with all its retries (8); less when the invocation ends before.

    Raises:
        ConfigError: a value that is no number, or too small.
    """
    check_seconds("config.configure", max_age=max_age, max_stale=max_stale)
    timeouts = {"connect_timeout": connect_timeout, "read_timeout": read_timeout, "deadline": deadline}
    check_seconds("config.configure", least=0.001, **timeouts)
    config_client = client()
    usual = Limits()
    for name, seconds in {"max_age": max_age, "max_stale": max_stale, **timeouts}.items():
        if seconds is not UNSET:
            setattr(config_client.limits, name, getattr(usual, name) if seconds is None else float(seconds))
    config_client.forget_results()  # they are good for as long as the old max_age said
    if connect_timeout is not UNSET or read_timeout is not UNSET:
        config_client.drop_connections()


def refresh() -> None:
    """Forget every value that was read, so that the next read asks its source anew."""
    client().forget_values()
