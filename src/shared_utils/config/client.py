"""The process's one client of configuration: its cache, its transport, and the values that override AWS.

What was read belongs to the environment it was read in (region, endpoints, credentials): when one of those variables
changes, everything is forgotten, so that no answer of one account or region is ever given for another.
"""

from __future__ import annotations

import os
from threading import RLock

from shared_utils import _env
from shared_utils.config.cache import Cache
from shared_utils.config.outcomes import UNAVAILABLE, Failure, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from shared_utils.config.aws.retry import Deadline
    from shared_utils.config.aws.transports.base import Transport
    from shared_utils.config.entries import Entry, Query
    from shared_utils.config.references import Reference

__all__ = ["ConfigClient", "Limits", "client", "environment", "lookup", "variables"]

# Every answer depends on these, for comparison only.
lookup, variables = _env.stored(
    (
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_SSM",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        "AWS_ENDPOINT_URL_APPCONFIGDATA",
        "AWS_ENDPOINT_URL_DYNAMODB",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "AWS_USE_FIPS_ENDPOINT",
        "AWS_USE_DUALSTACK_ENDPOINT",
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "SHARED_UTILS_CONFIG_TRANSPORT",
        "SHARED_UTILS_CONFIG_FILE",
    )
)


def environment() -> list[object]:
    """Return the variables on which every answer depends."""
    return [*map(lookup, variables)]  # a list: a tenth faster than a tuple


class Limits:
    """Defaults of the process, in seconds (see `configure`)."""

    __slots__ = ("connect_timeout", "deadline", "max_age", "max_stale", "read_timeout")

    def __init__(self) -> None:
        self.connect_timeout = 1.0
        self.read_timeout = 3.0
        self.deadline = 8.0
        self.max_age = 300.0
        self.max_stale = 3600.0


class ConfigClient:
    """The answers to queries, from AWS through the cache."""

    def __init__(self) -> None:
        self.limits = Limits()
        self.overrides: Mapping[str, object] | None = None
        """Values by reference that replace AWS altogether (the `config_values` fixture)."""
        self.generation = 0
        """Grows when results that were handed out may be wrong; those who keep results compare it."""
        self.converted: dict[Any, tuple[Entry, Any, float, float, list[object], bool]] = {}
        """The results of `get`, by reference, type and max_age; see there."""
        self.environment = environment()
        self._lock = RLock()
        self._transport: Transport | None = None
        self._kept: dict[str, Any] = {}
        self._cache = Cache(self._fetch, _warn_stale)

    def read(self, queries: Sequence[Query], deadline: Deadline) -> dict[str, Entry | Failure]:
        """Return an entry or a failure for every query, by the base of its reference."""
        return self._cache.read(queries, deadline)

    def check_environment(self) -> None:
        """Forget everything if the environment has changed since it was read."""
        now = environment()
        if now != self.environment:
            self.environment = now
            self.forget()

    def forget_results(self) -> None:
        """Forget the results that were handed out, which are then made of the values in the cache anew."""
        self.generation += 1
        self.converted = {}

    def forget_values(self) -> None:
        """Forget values and failures. AppConfig's sessions stay: AppConfig decides when it may be asked again."""
        self.forget_results()
        self._cache.clear()

    def forget(self) -> None:
        """Forget everything: values, failures, sessions, connections and the choice of transport."""
        self.forget_values()
        self.drop_connections()
        self._kept = {}

    def drop_connections(self) -> None:
        """Use new connections (and a new choice of transport) from the next read on."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def after_fork(self) -> None:
        """Keep the values in a forked child, but not the parent's locks, sockets and single-use tokens."""
        self._lock = RLock()
        self._cache.forget_in_flight()
        self._kept = {}
        self.drop_connections()

    def _fetch(
        self, references: Sequence[Reference], deadline: Deadline, deliver: Callable[[str, Value | Failure], None]
    ) -> None:
        from shared_utils.config.sources.base import Reading
        from shared_utils.config.sources.registry import source_of

        reading = Reading(self._get_transport, deadline, deliver, self._kept)
        by_scheme: dict[str, list[Reference]] = {}
        for reference in references:
            by_scheme.setdefault(reference.scheme, []).append(reference)
        jobs = []
        for scheme, same in by_scheme.items():
            source = source_of(scheme)
            try:
                if source.service and not _env.aws_allowed:
                    _refuse_aws(source.service)
                jobs += source.jobs(same, reading)
            except Failure as failure:  # of all of them: the environment names no transport, for example
                reading.fail(same, failure)
        reading.run(jobs)

    def _get_transport(self) -> Transport:
        with self._lock:
            if self._transport is None:
                from shared_utils.config.aws.transports import choose, make

                name, reason = choose()
                _log("debug", "config transport chosen", transport=name, reason=reason)
                self._transport = make(name, self.limits.connect_timeout, self.limits.read_timeout)
            return self._transport


_client: ConfigClient | None = None


def client() -> ConfigClient:
    """Return the process's client; the first call arranges for forks and SnapStart restores."""
    global _client  # noqa: PLW0603 - one client for the process
    if _client is None:
        from shared_utils.invocation import lifecycle

        _client = created = ConfigClient()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=created.after_fork)
        lifecycle.after_restore(created.forget)
        lifecycle.arm_restore()
    return _client


def _refuse_aws(service: str) -> None:
    """Refuse what would reach AWS in a test: neither an endpoint of one's own nor the extension is asked for."""
    from shared_utils.config.aws.endpoints import override

    if override(service) is None and _env.text_of("SHARED_UTILS_CONFIG_TRANSPORT").lower() != "extension":
        raise Failure(
            UNAVAILABLE,
            "a test must not reach AWS",
            hint="give it a value by the fixture config_values, or set AWS_ENDPOINT_URL to a local AWS; the fixture "
            "real_aws allows it for a test, shared_utils_real_aws = true in pytest's configuration for all",
        )


def _warn_stale(base: str, failure: Failure, age: float) -> None:
    _log(
        "warning",
        "a configuration value could not be refreshed, the old one is served",
        reference=base,
        age_seconds=round(age),
        reason=failure.what,
    )


def _log(level: str, message: str, **details: object) -> None:
    """Log a line; for a debug line that nobody would see, the logger is not loaded."""
    import sys

    if level == "debug" and "shared_utils.logging" not in sys.modules:
        names = ("AWS_LAMBDA_LOG_LEVEL", "POWERTOOLS_LOG_LEVEL", "LOG_LEVEL")
        if not any(_env.text_of(name).upper() in {"DEBUG", "TRACE"} for name in names):
            return
    from shared_utils import logging

    getattr(logging, level)(message, **details)
