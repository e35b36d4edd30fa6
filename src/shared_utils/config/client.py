"""The process's one store of configuration: it knows the cache, the transport, and what stands in for AWS in tests.

What was read belongs to the environment it was read in (region, endpoints, credentials): when one of those variables
changes, everything is forgotten, so that no answer of one account or region is ever given for another.
"""

from __future__ import annotations

import os
from _thread import allocate_lock

from shared_utils.config.cache import Cache, Value
from shared_utils.config.failures import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from shared_utils.config.aws.retry import Deadline
    from shared_utils.config.aws.transports import Transport
    from shared_utils.config.cache import Entry, Want
    from shared_utils.config.references import Reference
    from shared_utils.config.sources.appconfig_sessions import Sessions
    from shared_utils.config.sources.reading import Reading

__all__ = ["KEYS", "Limits", "Store", "fingerprint", "lookup", "report", "store"]

_VARIABLES = (
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_SSM",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    "AWS_ENDPOINT_URL_APPCONFIGDATA",
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "SHARED_UTILS_CONFIG_TRANSPORT",
    "SHARED_UTILS_CONFIG_FILE",
)

# os.environ.get() encodes and decodes: 0.7 µs a variable, where a cached read as a whole may take 1 µs. Its dict of raw
# values answers in 0.04 µs. It is an implementation detail of CPython's, so there is a way without it.
_raw = getattr(os.environ, "_data", None)
if _raw is not None and isinstance(_raw, dict) and os.name == "posix":
    KEYS: tuple[object, ...] = tuple(os.fsencode(name) for name in _VARIABLES)
    lookup: Callable[[object], object] = _raw.get
else:
    KEYS, lookup = _VARIABLES, os.environ.get  # type: ignore[assignment]


def fingerprint() -> tuple[object, ...]:
    """Return the variables on which every answer depends, for comparison only."""
    return tuple(map(lookup, KEYS))


class Limits:
    """Defaults of the process, in seconds (see `configure`)."""

    __slots__ = ("connect_timeout", "deadline", "max_age", "max_stale", "read_timeout")

    def __init__(self) -> None:
        self.connect_timeout = 1.0
        self.read_timeout = 3.0
        self.deadline = 8.0
        self.max_age = 300.0
        self.max_stale = 3600.0


class Store:
    """Reads wants: from stand-in values when there are any, else through the cache from AWS."""

    def __init__(self) -> None:
        self.limits = Limits()
        self.standins: Mapping[str, object] | None = None
        """Values by reference that stand in for AWS altogether (the `config_values` fixture)."""
        self.generation = 0
        """Grows whenever something already handed out may be wrong: those who keep results compare it."""
        self.known: dict[Any, tuple[Any, float, float, tuple[object, ...], bool]] = {}
        """What `get` hands out without any ado: values as converted, by reference, type and max_age; see there."""
        self._lock = allocate_lock()
        self.environment = fingerprint()
        self._transport: Transport | None = None
        self._sessions: Sessions | None = None
        self._cache = Cache(self._fetch, _warn_stale)

    def read(self, wants: Sequence[Want], deadline: Deadline) -> dict[str, Entry | Failure]:
        """Return an entry or a failure for every want, by the base of its reference."""
        return self._cache.read(wants, deadline)

    def settle(self) -> None:
        """Forget everything if the environment is another than when it was read."""
        now = fingerprint()
        if now != self.environment:
            self.environment = now
            self.forget()

    def forget_values(self) -> None:
        """Forget values and failures. AppConfig's sessions go on: when they may be asked again is not ours to say."""
        self.generation += 1
        self.known = {}
        self._cache.clear()

    def forget(self) -> None:
        """Forget everything: values, failures, sessions, connections and the choice of transport."""
        self.forget_values()
        self.drop_connections()
        self._sessions = None

    def drop_connections(self) -> None:
        """Start with new connections (and a new choice of transport) at the next read."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def after_fork(self) -> None:
        """In the child: keep the values, but not the parent's locks, sockets and single-use tokens."""
        self._lock = allocate_lock()
        self._cache.forget_readers()
        self._sessions = None
        self.drop_connections()

    def _fetch(
        self, references: Sequence[Reference], deadline: Deadline, deliver: Callable[[str, Value | Failure], None]
    ) -> None:
        try:
            reading = self._reading(deadline, deliver)
        except Failure as failure:
            for reference in references:
                deliver(reference.base, failure)
            return
        reading.read(references)

    def _reading(self, deadline: Deadline, deliver: Callable[[str, Value | Failure], None]) -> Reading:
        from shared_utils.config.sources.reading import Reading

        with self._lock:
            if self._transport is None:
                self._transport = self._choose()
            return Reading(self._transport, deadline, deliver, seed=self._cache.seeder(), sessions=self._open_sessions)

    def _open_sessions(self) -> Sessions:
        from shared_utils.config.sources.appconfig_sessions import Sessions

        with self._lock:
            if self._sessions is None:
                self._sessions = Sessions()
            return self._sessions

    def _choose(self) -> Transport:
        from shared_utils.config.aws.transports import Timeouts, choose, make

        name, reason = choose()
        report("debug", "config transport chosen", transport=name, reason=reason)
        return make(name, Timeouts(self.limits.connect_timeout, self.limits.read_timeout))


_store: Store | None = None


def store() -> Store:
    """Return the process's store; the first call arranges for forks and SnapStart restores."""
    global _store  # noqa: PLW0603 - one store for the process
    if _store is None:
        from shared_utils.invocation import lifecycle as _invocation

        _store = created = Store()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=created.after_fork)
        _invocation.after_restore(created.forget)
        _invocation.arm_restore()
    return _store


def _warn_stale(base: str, failure: Failure, age: float) -> None:
    report(
        "warning",
        "a configuration value could not be refreshed, the old one is served",
        reference=base,
        age_seconds=round(age),
        reason=failure.what,
    )


def report(level: str, message: str, **details: object) -> None:
    """Log a line, loading the logger only when there is something to say to somebody who listens."""
    import sys

    if level == "debug" and "shared_utils.logging" not in sys.modules:
        names = ("AWS_LAMBDA_LOG_LEVEL", "POWERTOOLS_LOG_LEVEL", "LOG_LEVEL")
        if not any(os.environ.get(name, "").upper() in {"DEBUG", "TRACE"} for name in names):
            return
    try:
        from shared_utils import logging
    except ImportError:  # structlog is missing: configuration works without it
        return
    getattr(logging, level)(message, **details)
