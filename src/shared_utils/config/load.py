"""Reading all fields of a Settings class at once, and remembering the result for as long as it is good."""

from __future__ import annotations

import os
import time

from shared_utils.config.cache import Want
from shared_utils.config.client import fingerprint, store
from shared_utils.config.failures import INVALID, MISSING, Problem, one_line
from shared_utils.config.fields import REQUIRED
from shared_utils.config.resolve import finish, look_up
from shared_utils.config.types.scalars import conceal, copy_of, mentions
from shared_utils.config.types.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from shared_utils.config.fields import Source
    from shared_utils.config.resolve import Found

__all__ = ["FieldRead", "Memo", "default_of", "read_fields"]


class FieldRead:
    """What came of one field: a value, or the problem with it; and whether the value is one that nobody shall see."""

    __slots__ = ("defaulted", "found", "name", "problem", "sensitive", "source", "value", "want")

    def __init__(self, name: str, source: Source, want: Want, found: Found) -> None:
        self.name = name
        self.source = source
        self.want = want
        self.found = found
        self.value: Any = None
        self.problem: Problem | None = None
        self.defaulted = False
        self.sensitive = False

    def judge(self, kind: Any) -> None:
        """Convert and validate what was found, or take the default where nothing was."""
        found = self.found
        if kind is None and found.reference.scheme == "secret":
            kind = Secret
        self.sensitive = (
            mentions(kind, Secret)
            or found.reference.scheme == "secret"
            or (found.value is not None and found.value.sensitive)
        )
        self.value, self.problem = finish(found, kind, self.name, sensitive=self.sensitive)
        if self.problem is None:
            self.problem = self._refusal()
        elif self.problem.kind == MISSING and self.source.default is not REQUIRED:
            self.value, self.problem, self.defaulted = default_of(self.source, kind), None, True

    def _refusal(self) -> Problem | None:
        """Return the problem that a validator has with the value, if any has."""
        for validator in self.source.validators:
            why = f"refused by {getattr(validator, '__name__', 'its validator')}"
            try:
                if validator(self.value) is not False:
                    continue
            except Exception as error:  # a validator is the user's code; its text may hold the value
                if not self.sensitive:
                    why += f": {one_line(error) or type(error).__name__}"
            return Problem(self.name, self.found.source, INVALID, why, "correct the value at its source")
        return None


def read_fields(sources: Mapping[str, Source], kinds: Mapping[str, Any], max_age: float | None) -> list[FieldRead]:
    """Read every field with the fewest calls; `max_age` stands for the fields' own when it is given."""
    limits = store().limits
    wants = []
    for source in sources.values():
        age = limits.max_age if source.max_age is None else source.max_age
        stale = limits.max_stale if source.max_stale is None else source.max_stale
        wants.append(Want(source.reference, age if max_age is None else max_age, stale))
    reads = [
        FieldRead(name, source, want, found)
        for (name, source), want, found in zip(sources.items(), wants, look_up(wants), strict=True)
    ]
    for read in reads:
        read.judge(kinds[read.name])
    return reads


def default_of(source: Source, kind: Any) -> Any:
    """Return a field's default, a copy of its own for each; REQUIRED when there is none."""
    if source.default is REQUIRED:
        return REQUIRED
    return conceal(copy_of(source.default), kind)


class Memo:
    """Values that may be handed out again: until either clock passes a point, or a variable they depend on changes."""

    __slots__ = ("environment", "generation", "masked", "max_age", "monotonic", "values", "variables", "wall")

    def __init__(self, reads: Sequence[FieldRead], max_age: float | None) -> None:
        self.values = {read.name: read.value for read in reads}
        self.masked = frozenset(read.name for read in reads if read.sensitive)
        self.max_age = max_age
        self.environment = fingerprint()
        self.generation = store().generation
        self.variables = [
            (read.source.reference.name, os.environ.get(read.source.reference.name))
            for read in reads
            if read.source.reference.scheme == "env"
        ]
        self.monotonic = self.wall = float("inf")
        for read in reads:
            self._shorten(read)

    def _shorten(self, read: FieldRead) -> None:
        """Live no longer than this field's value does. What no cache entry stands behind is asked for each time."""
        entry = read.found.entry
        if entry is not None:
            good = read.want.max_age * entry.factor
            self.monotonic = min(self.monotonic, entry.read_at.monotonic + good)
            self.wall = min(self.wall, entry.read_at.wall + good)
        elif read.found.reference.scheme != "env" or store().standins is not None:
            self.monotonic = 0.0  # a default, or a stand-in: either may be another one the next time

    def is_fresh(self, max_age: float | None) -> bool:
        """Whether another load() with this `max_age` would find the same."""
        return (
            max_age == self.max_age
            and time.monotonic() < self.monotonic
            and time.time() < self.wall
            and self.generation == store().generation
            and self.environment == fingerprint()
            and store().standins is None
            and all(os.environ.get(name) == text for name, text in self.variables)
        )
