"""One value by its reference, at the cost of a few dictionary look-ups when it is known."""

from __future__ import annotations

import time

from shared_utils.config.arguments import UNSET, check_seconds
from shared_utils.config.client import client, lookup, variables
from shared_utils.config.entries import Query
from shared_utils.config.outcomes import INVALID, Failure, make_error
from shared_utils.config.resolve import convert_or_default, resolve_all
from shared_utils.config.sources.registry import parse, source_of
from shared_utils.config.types.scalars import IMMUTABLE, copy_value
from shared_utils.config.types.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    import builtins
    from typing import Any, TypeVar, overload

    from shared_utils.errors import Problem

    _T = TypeVar("_T")
    _D = TypeVar("_D")

__all__ = ["aget", "get"]

_LARGEST = 1024
_client = client()

if TYPE_CHECKING:

    @overload
    def get(
        reference: str, /, *, type: builtins.type[_T], max_age: float | None = None, max_stale: float | None = None
    ) -> _T: ...
    @overload
    def get(
        reference: str,
        /,
        *,
        type: builtins.type[_T],
        default: _D,
        max_age: float | None = None,
        max_stale: float | None = None,
    ) -> _T | _D: ...
    @overload
    def get(
        reference: str,
        /,
        *,
        type: Any = None,
        default: Any = UNSET,
        max_age: float | None = None,
        max_stale: float | None = None,
    ) -> Any: ...


def get(
    reference: str,
    /,
    *,
    type: Any = None,  # noqa: A002 - the word that users expect
    default: Any = UNSET,
    max_age: float | None = None,
    max_stale: float | None = None,
) -> Any:
    """Return the value that `reference` names, from the cache while it is fresh.

    Args:
        reference: ``env://NAME``, ``ssm:///path``, ``ssm:///path/`` (a dict of everything below), ``secret://name#key``
            or ``appconfig://app/env/profile``. An environment variable whose value is a reference is resolved, once.
        type: what to make of it (see the docs for the types). Without one, a text stays a str, a StringList is a list,
            and a secret is a `Secret`.
        default: returned when the value does not exist. A read that is denied or fails raises all the same.
        max_age: seconds for which a value is good (default 300, ± 10 %); 0 asks anew.
        max_stale: seconds for which an older value may be returned when the source fails (default 3600).

    Raises:
        MissingConfig: the value does not exist and there is no default.
        InvalidConfig: the reference is malformed, or the value is not a `type`.
        ConfigUnavailable: the source denied it, failed, or did not answer in time.
        ConfigError: another argument is wrong.
    """
    # Nearly every call ends here. It has 1 µs (see benchmarks/config.py), of which each function call is a tenth.
    try:
        known = _client.converted.get((reference, type, max_age))
    except TypeError:  # an unhashable type expression
        known = None
    if known is not None:
        entry, value, monotonic, wall, environment, immutable = known
        if (
            entry.current
            and time.monotonic() < monotonic
            and time.time() < wall
            and [*map(lookup, variables)] == environment
        ):
            return value if immutable else copy_value(value)
    known = value = None  # an error's traceback must not hold a value
    check_seconds("config.get", max_age=max_age, max_stale=max_stale)
    value, problem = _read(reference, type, default, max_age, max_stale)
    if problem is not None:
        raise make_error([problem])
    return value


if TYPE_CHECKING:

    @overload
    async def aget(
        reference: str, /, *, type: builtins.type[_T], max_age: float | None = None, max_stale: float | None = None
    ) -> _T: ...
    @overload
    async def aget(
        reference: str,
        /,
        *,
        type: builtins.type[_T],
        default: _D,
        max_age: float | None = None,
        max_stale: float | None = None,
    ) -> _T | _D: ...
    @overload
    async def aget(
        reference: str,
        /,
        *,
        type: Any = None,
        default: Any = UNSET,
        max_age: float | None = None,
        max_stale: float | None = None,
    ) -> Any: ...


async def aget(
    reference: str,
    /,
    *,
    type: Any = None,  # noqa: A002
    default: Any = UNSET,
    max_age: float | None = None,
    max_stale: float | None = None,
) -> Any:
    """Do what `get` does, without blocking the event loop."""
    options: dict[str, Any] = {"type": type, "default": default, "max_age": max_age, "max_stale": max_stale}
    try:
        known = _client.converted.get((reference, type, max_age))
    except TypeError:  # an unhashable type expression
        known = None
    if known is not None and known[0].current and time.monotonic() < known[2] and time.time() < known[3]:
        return get(reference, **options)
    import asyncio

    return await asyncio.to_thread(lambda: get(reference, **options))


def _read(
    text: str, kind: Any, default: Any, max_age: float | None, max_stale: float | None
) -> tuple[Any, Problem | None]:
    try:
        reference = parse(text)
    except Failure as failure:
        from shared_utils.errors import Problem  # loaded when there is one

        return None, Problem("", str(text), INVALID, failure.what, failure.hint)
    limits = _client.limits
    query = Query(
        reference,
        limits.max_age if max_age is None else max_age,
        limits.max_stale if max_stale is None else max_stale,
    )
    converted = _client.converted  # as it is now: what is forgotten meanwhile must not come back
    (resolved,) = resolve_all([query])
    is_secret = source_of(resolved.reference.scheme).secret
    wanted: Any = Secret if kind is None and is_secret else kind
    value, problem, defaulted = convert_or_default(resolved, wanted, default)
    if problem is not None:
        return None, problem
    entry = resolved.entry
    if entry is None or defaulted or reference.scheme == "env":
        return value, None
    immutable = value.__class__ in IMMUTABLE
    if len(converted) >= _LARGEST:
        converted.clear()
    good = query.max_age * entry.factor
    read_at = entry.read_at
    known = (entry, value, read_at.monotonic + good, read_at.wall + good, _client.environment, immutable)
    try:
        converted[(text, kind, max_age)] = known
    except TypeError:  # an unhashable type expression
        return value, None
    return (value if immutable else copy_value(value)), None
