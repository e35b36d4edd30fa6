"""Reading all fields of a Settings class at once, and keeping the values for as long as they are good."""

from __future__ import annotations

import os
import time

from shared_utils.config.client import client, environment
from shared_utils.config.entries import Query
from shared_utils.config.outcomes import INVALID, one_line
from shared_utils.config.resolve import convert_or_default, has_secret_name, resolve_all
from shared_utils.config.sources.registry import source_of
from shared_utils.config.types.scalars import contains_type
from shared_utils.config.types.secret import Secret
from shared_utils.errors import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from shared_utils.config.fields import Field
    from shared_utils.config.resolve import Resolved

__all__ = ["FieldResult", "LoadedValues", "read_fields"]


class FieldResult:
    """The value of one field, or the problem with it; and whether the value is secret."""

    __slots__ = ("defaulted", "field", "name", "problem", "query", "resolved", "sensitive", "value")

    def __init__(self, name: str, field: Field, query: Query, resolved: Resolved, kind: Any) -> None:
        self.name = name
        self.field = field
        self.query = query
        self.resolved = resolved
        is_secret = source_of(resolved.reference.scheme).secret
        if kind is None and is_secret:
            kind = Secret
        self.sensitive = (
            is_secret or contains_type(kind, Secret) or (resolved.value is not None and resolved.value.sensitive)
        )
        self.value: Any
        self.problem: Problem | None
        self.value, self.problem, self.defaulted = convert_or_default(
            resolved, kind, field.default, name=name, sensitive=self.sensitive
        )
        if self.problem is None and not self.defaulted:
            self.problem = self._validate()

    def _validate(self) -> Problem | None:
        """Return the problem that a validator has with the value, if any has."""
        for validator in self.field.validators:
            why = f"refused by {getattr(validator, '__name__', 'its validator')}"
            try:
                if validator(self.value) is not False:
                    continue
            except Exception as error:  # a validator is the user's code; its text may hold the value
                if not self.sensitive and not has_secret_name(self.resolved, self.name):
                    why += f": {one_line(error) or type(error).__name__}"
            return Problem(self.name, self.resolved.source, INVALID, why, "correct the value at its source")
        return None


def read_fields(fields: Mapping[str, Field], kinds: Mapping[str, Any], max_age: float | None) -> list[FieldResult]:
    """Read every field with the fewest requests. `max_age` replaces the fields' own when it is given."""
    limits = client().limits
    queries = []
    for field in fields.values():
        age = limits.max_age if field.max_age is None else field.max_age
        stale = limits.max_stale if field.max_stale is None else field.max_stale
        queries.append(Query(field.reference, age if max_age is None else max_age, stale))
    resolved = resolve_all(queries)
    return [
        FieldResult(name, field, query, answer, kinds[name])
        for (name, field), query, answer in zip(fields.items(), queries, resolved, strict=True)
    ]


class LoadedValues:
    """Values that may be handed out again: until one of them expires, or is known to have changed."""

    __slots__ = (
        "_entries",
        "_environment",
        "_generation",
        "_max_age",
        "_monotonic",
        "_variables",
        "_wall",
        "masked",
        "values",
    )

    def __init__(self, results: Sequence[FieldResult], max_age: float | None) -> None:
        self.values = {result.name: result.value for result in results}
        self.masked = frozenset(result.name for result in results if result.sensitive)
        self._max_age = max_age
        self._environment = environment()
        self._generation = client().generation
        self._entries = [result.resolved.entry for result in results if result.resolved.entry is not None]
        names = [result.field.reference.name for result in results if result.field.reference.scheme == "env"]
        self._variables = [(name, os.environ.get(name)) for name in names]
        self._monotonic = self._wall = float("inf")
        for result in results:
            self._shorten(result)

    def _shorten(self, result: FieldResult) -> None:
        """Expire no later than this field's value does. A value without an entry is asked for each time."""
        entry = result.resolved.entry
        if entry is not None:
            good = result.query.max_age * entry.factor
            self._monotonic = min(self._monotonic, entry.read_at.monotonic + good)
            self._wall = min(self._wall, entry.read_at.wall + good)
        elif result.resolved.reference.scheme != "env" or client().overrides is not None:
            self._monotonic = 0.0  # a default, or an override: either may be another one the next time

    def are_fresh(self, max_age: float | None) -> bool:
        """Whether another load() with this `max_age` would find the same."""
        return (
            max_age == self._max_age
            and time.monotonic() < self._monotonic
            and time.time() < self._wall
            and self._generation == client().generation
            and self._environment == environment()
            and client().overrides is None
            and all(entry.current for entry in self._entries)
            and all(os.environ.get(name) == text for name, text in self._variables)
        )
