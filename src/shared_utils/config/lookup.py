"""One value by its reference, and as fast as a dictionary when it is known."""

from __future__ import annotations

import time

from shared_utils.config.cache import Want
from shared_utils.config.client import KEYS, lookup, store
from shared_utils.config.failures import INVALID, MISSING, Failure, Problem, error_of
from shared_utils.config.fields import REQUIRED
from shared_utils.config.references import parse
from shared_utils.config.resolve import finish, look_up
from shared_utils.config.types.scalars import FROZEN, conceal, copy_of
from shared_utils.config.types.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["get"]


_LARGEST = 1024
_store = store()


def get(
    reference: str,
    /,
    *,
    type: Any = None,  # noqa: A002 - the word that users expect
    default: Any = REQUIRED,
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
        max_stale: seconds for which an older value may stand in when the source fails (default 3600).

    Raises:
        MissingConfig: the value does not exist and there is no default.
        InvalidConfig: the reference is malformed, or the value is not a `type`.
        ConfigUnavailable: the source denied it, failed, or did not answer in time.
    """
    # The way that nearly every call goes. It has 1 µs (see benchmarks/config.py), of which a call of `fingerprint`, or
    # an entry to look through, would be a tenth.
    try:
        known = _store.known.get((reference, type, max_age))
    except TypeError:  # an unhashable type expression
        known = None
    if known is not None:
        value, monotonic, wall, environment, frozen = known
        if time.monotonic() < monotonic and time.time() < wall and tuple(map(lookup, KEYS)) == environment:
            return value if frozen else copy_of(value)
    known = value = None  # an error's traceback must not hold a value
    value, problem = _read(reference, type, default, max_age, max_stale)
    if problem is not None:
        raise error_of([problem])
    return value


def _read(
    text: str, kind: Any, default: Any, max_age: float | None, max_stale: float | None
) -> tuple[Any, Problem | None]:
    try:
        reference = parse(text)
    except Failure as failure:
        return None, Problem("", str(text), INVALID, failure.what, failure.remedy)
    limits = _store.limits
    want = Want(
        reference,
        limits.max_age if max_age is None else max_age,
        limits.max_stale if max_stale is None else max_stale,
    )
    memory = _store.known  # as it is now: what is forgotten meanwhile must not come back
    (found,) = look_up([want])
    wanted: Any = Secret if kind is None and found.reference.scheme == "secret" else kind
    value, problem = finish(found, wanted)
    if problem is not None:
        if problem.kind == MISSING and default is not REQUIRED:
            return conceal(copy_of(default), wanted), None
        return None, problem
    if found.entry is None or reference.scheme == "env":
        return value, None
    frozen = type(value) in FROZEN
    if len(memory) >= _LARGEST:
        memory.clear()
    good = want.max_age * found.entry.factor
    read_at = found.entry.read_at
    known = (value, read_at.monotonic + good, read_at.wall + good, _store.environment, frozen)
    try:
        memory[(text, kind, max_age)] = known
    except TypeError:  # an unhashable type expression
        return value, None
    return (value if frozen else copy_of(value)), None
