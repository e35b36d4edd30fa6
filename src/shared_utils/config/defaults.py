"""What is the same for the whole process: defaults, the application's own sources, and forgetting what was read."""

from __future__ import annotations

from shared_utils.config.arguments import UNSET, check_seconds, wrong_argument
from shared_utils.config.client import Limits, client
from shared_utils.config.sources.registry import register

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["configure", "refresh", "register_source"]


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


def register_source(scheme: str, reader: Callable[[str], str | bytes | None], *, secret: bool = False) -> None:
    """Read references of the application's own scheme: ``vault://path``, and ``vault://path#key`` of a JSON object.

    What it reads is cached, converted, and replaced in tests like everything else. Registering a scheme again replaces
    its reader and forgets what was read.

    Args:
        scheme: what is before ``://``, in lower case.
        reader: returns the value of what is after it (without the key), None when there is none. It is called in a
            thread, which is left to itself at the read's deadline; an exception makes the read fail.
        secret: whether its values are secrets: masked in lines and errors, and a `Secret` without a type.

    Raises:
        ConfigError: the scheme is none, or built in, or `reader` is no function (``async def`` is not, either).
    """
    from shared_utils.config.sources.custom import CustomSource
    from shared_utils.invocation import COROUTINE, code_flags

    given: object = reader
    if not callable(given) or code_flags(reader) & COROUTINE:
        raise wrong_argument("config.register_source", "reader", reader, "functions (not async) of a path")
    register(scheme, CustomSource(scheme, reader, secret=secret))
    client().forget_values()
