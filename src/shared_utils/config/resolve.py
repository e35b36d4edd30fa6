"""From references to values: environment variables, values that override AWS, and AWS."""

from __future__ import annotations

import os

from shared_utils._env import text_of
from shared_utils.config.arguments import UNSET
from shared_utils.config.aws.retry import current_deadline
from shared_utils.config.client import client
from shared_utils.config.entries import Entry, Query
from shared_utils.config.outcomes import INVALID, MISSING, Failure, Value
from shared_utils.config.sources.registry import is_reference, meant_reference, parse, source_of
from shared_utils.config.types import convert
from shared_utils.config.types.scalars import ConversionError, contains_type, copy_value, wrap_secret
from shared_utils.config.types.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from shared_utils.config.references import Reference
    from shared_utils.errors import Problem

__all__ = ["Resolved", "convert_or_default", "default_for", "has_secret_name", "names_of", "resolve", "resolve_all"]


_EMPTY = "EmptyVariable"


class Resolved:
    """What one reference led to: a value or a failure, its source, and the cache's entry if there is one."""

    __slots__ = ("entry", "failure", "reference", "source", "value")

    def __init__(self, reference: Reference, source: str) -> None:
        self.reference = reference
        self.source = source
        self.value: Value | None = None
        self.failure: Failure | None = None
        self.entry: Entry | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is neither a value nor a failure yet."""
        return self.value is None and self.failure is None

    def set(self, outcome: Entry | Value | Failure) -> None:
        """Keep an outcome of any kind."""
        if isinstance(outcome, Failure):
            self.failure = outcome
        elif isinstance(outcome, Entry):
            self.entry, self.value = outcome, outcome.value
        else:
            self.value = outcome


def resolve_all(queries: Sequence[Query]) -> list[Resolved]:
    """Return what each query's reference leads to, in their order, with the fewest requests. Nothing is raised."""
    config_client = client()
    config_client.check_environment()
    overrides: Any = config_client.overrides
    if overrides is None:
        overrides = _file_values()
    found = [resolve(query.reference, overrides) for query in queries]
    asked: dict[str, Query] = {}
    for query, resolved in zip(queries, found, strict=True):
        if not resolved.is_open:
            continue
        if overrides is not None:
            from shared_utils.config.overrides import find_override

            resolved.set(find_override(overrides, resolved.reference))
            continue
        base = resolved.reference.base
        other = asked.get(base)
        max_age = query.max_age if other is None else min(query.max_age, other.max_age)
        max_stale = query.max_stale if other is None else min(query.max_stale, other.max_stale)
        asked[base] = Query(resolved.reference, max_age, max_stale)
    if asked:
        outcomes = config_client.read(list(asked.values()), current_deadline(config_client.limits.deadline))
        for resolved in found:
            if resolved.is_open:
                resolved.set(outcomes[resolved.reference.base])
    return found


def _file_values() -> dict[str, object] | Failure | None:
    if not text_of("SHARED_UTILS_CONFIG_FILE"):
        return None
    from shared_utils.config.overrides import file_values

    return file_values()


def resolve(reference: Reference, overrides: Any) -> Resolved:
    """Return what a reference leads to without a request: an environment variable has a value, or is a reference."""
    source = str(reference)
    resolved = Resolved(reference, source)
    if reference.scheme != "env":
        return resolved
    text = _variable(reference.name, overrides)
    if not isinstance(text, str) or not is_reference(text.strip()):
        meant = meant_reference(text) if isinstance(text, str) else ""
        if meant:
            what = "the variable holds what looks like a reference, but is none"
            resolved.set(Failure(INVALID, what, hint=f"write {meant}"))
        else:
            resolved.set(_value_of(reference.name, text))
        return resolved
    resolved.source = f"{source} -> {text.strip()}"
    try:
        resolved.reference = parse(text.strip())
    except Failure as failure:
        resolved.set(failure)
        return resolved
    if resolved.reference.scheme == "env":  # one level only
        name = resolved.reference.name
        resolved.set(_value_of(name, _variable(name, overrides)))
    return resolved


def _variable(name: str, overrides: Any) -> object:
    """Return an environment variable, from the overrides if it is there."""
    if overrides is not None and not isinstance(overrides, Failure) and f"env://{name}" in overrides:
        given: object = overrides[f"env://{name}"]
        return given
    return os.environ.get(name)


def _value_of(name: str, text: object) -> Value | Failure:
    if text is None:
        return Failure(MISSING, "not set", hint=f"set the environment variable {name}")
    if isinstance(text, str) and not text.strip():
        return Failure(MISSING, "is empty", code=_EMPTY, hint=f"give the environment variable {name} a value")
    return Value(text)


def convert_or_default(
    resolved: Resolved, kind: Any, default: Any, *, name: str = "", sensitive: bool = False
) -> tuple[Any, Problem | None, bool]:
    """Return the value as a `kind`, or the problem with it; and whether it is the default (UNSET: there is none)."""
    value, problem = _convert(resolved, kind, name, sensitive=sensitive)
    if problem is None or problem.kind != MISSING:
        return value, problem, False
    if default is not UNSET:
        return default_for(default, kind), None, True
    if problem.code == _EMPTY and type(None) in getattr(kind, "__args__", ()):
        return None, None, False
    return None, problem, False


def default_for(default: Any, kind: Any) -> Any:
    """Return a copy of a default, as a Secret where the type asks for one; UNSET when there is none."""
    return UNSET if default is UNSET else wrap_secret(copy_value(default), kind)


def _convert(resolved: Resolved, kind: Any, name: str, *, sensitive: bool) -> tuple[Any, Problem | None]:
    failure = resolved.failure
    value = resolved.value
    reference = resolved.reference
    if value is not None:
        sensitive = sensitive or value.sensitive
        try:
            result = convert(source_of(reference.scheme).select(value.content, reference.key), kind)
            if value.sensitive or contains_type(kind, Secret):
                _register_parts(result, f"{resolved.source} as {kind}")
            return result, None
        except Failure as error:
            failure = error
        except ConversionError as error:
            hidden = sensitive or has_secret_name(resolved, name)
            failure = Failure(INVALID, error.message(sensitive=hidden), hint="correct the value at its source")
    assert failure is not None
    what, hint = failure.what, failure.hint
    if reference.scheme != "env":
        from shared_utils.config.aws.hints import hint_for

        source = source_of(reference.scheme)
        what, hint = hint_for(failure, reference, source.actions(reference), source.resources)
    from shared_utils.errors import Problem  # loaded when there is one

    return None, Problem(name, resolved.source, failure.kind, what, hint, failure.code)


def _register_parts(result: Any, owner: str) -> None:
    """Tell the logger what a secret was made into: Secrets, the items of a list, the fields of a dataclass."""
    if isinstance(result, (str, bytes, int, float)) or result is None:
        return  # the source has told it
    from shared_utils.redaction.values import register_secret

    register_secret(result, owner=owner)


def names_of(reference: Reference) -> list[str]:
    """Return the names by which a reference calls its value: the last part of its name, and its key."""
    return [name for name in (reference.name.rpartition("/")[2], reference.key) if name]


def has_secret_name(resolved: Resolved, name: str) -> bool:
    """Whether the name of the field, of the variable, or of the value at its source is one that the logger masks."""
    from shared_utils.redaction import REDACTION

    variable = resolved.source.partition(" -> ")[0].rpartition("/")[2]
    return any(REDACTION.is_sensitive(known) for known in (name, variable, *names_of(resolved.reference)))
