"""Settings: a class of typed fields, each with its source, loaded at once."""

from __future__ import annotations

import os
import sys
import time

from shared_utils.config._annotations import kinds_of, resolve_early
from shared_utils.config._cache import Want
from shared_utils.config._convert import copy_of, mentions
from shared_utils.config._errors import INVALID, MISSING, Problem, error_of, one_line
from shared_utils.config._fields import REQUIRED, Source, appconfig, env, secret, ssm
from shared_utils.config._resolve import Found, finish, look_up
from shared_utils.config._secret import Secret
from shared_utils.config._store import fingerprint, store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, Self, dataclass_transform
else:

    def dataclass_transform(**_: object) -> Any:
        """Say to type checkers what the real one says, without importing typing."""
        return lambda decorated: decorated


__all__ = ["Settings", "read_fields"]

_MASK = "**********"


class _Memo:
    """Values that load() may hand out again, and for how long: until a clock passes, or a variable changes."""

    __slots__ = ("environment", "generation", "masked", "max_age", "monotonic", "values", "variables", "wall")

    def __init__(self, values: dict[str, Any], masked: frozenset[str], max_age: float | None) -> None:
        self.values = values
        self.masked = masked
        self.max_age = max_age
        self.environment = fingerprint()
        self.generation = store().generation
        self.variables: list[tuple[str, str | None]] = []
        self.monotonic = self.wall = float("inf")

    def is_fresh(self, max_age: float | None) -> bool:
        return (
            max_age == self.max_age
            and time.monotonic() < self.monotonic
            and time.time() < self.wall
            and self.generation == store().generation
            and self.environment == fingerprint()
            and all(os.environ.get(name) == text for name, text in self.variables)
        )


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(env, ssm, secret, appconfig))
class Settings:
    """Base class of an application's settings.

    Declare fields with a type and a source (`env`, `ssm`, `secret`, `appconfig`); `load()` reads them all with the
    fewest calls, and reports every problem in one error. Instances cannot be changed; calling the class with values
    (by name) makes one without reading anything, for tests.
    """

    __slots__ = ("__dict__", "_masked")

    _sources: ClassVar[dict[str, Source]] = {}
    _kinds: ClassVar[dict[str, Any] | None] = None
    _memo: ClassVar[_Memo | None] = None
    _masked: frozenset[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        sources = {
            name: source
            for base in reversed(cls.__mro__[1:])
            for name, source in vars(base).get("_sources", {}).items()
        }
        for name, value in list(vars(cls).items()):
            if isinstance(value, Source):
                if name in _RESERVED or name.startswith("_"):
                    raise TypeError(f"{cls.__qualname__}.{name}: a field cannot have this name; choose another")
                sources[name] = value
                delattr(cls, name)
            elif name in sources:
                del sources[name]  # a subclass may replace a field by a constant
        cls._sources = sources
        cls._kinds = None
        cls._memo = None
        resolve_early(cls, sys._getframe(1))

    def __init__(self, **values: Any) -> None:
        cls = type(self)
        unknown = sorted(values.keys() - cls._sources.keys())
        if unknown:
            raise TypeError(f"{cls.__qualname__} has no field {', '.join(unknown)}")
        kinds = cls._field_kinds()
        for name, source in cls._sources.items():
            value = values[name] if name in values else _default(source, kinds[name])
            if value is REQUIRED:
                raise TypeError(f"{cls.__qualname__} needs a value for {name}")
            self.__dict__[name] = Secret(value) if kinds[name] is Secret and isinstance(value, str) else value
        secrets = frozenset(name for name, source in cls._sources.items() if source.reference.scheme == "secret")
        object.__setattr__(self, "_masked", secrets)

    @classmethod
    def load(cls, *, max_age: float | None = None) -> Self:
        """Read every field and return the settings, from the cache where it is fresh.

        Args:
            max_age: seconds for which values are good, for this call instead of the fields' own; 0 asks anew.

        Raises:
            MissingConfig: values do not exist and have no default.
            InvalidConfig: values are not of their field's type, or a validator refused them.
            ConfigUnavailable: a source denied a read, failed, or did not answer in time. With several problems the
                error is of the gravest kind (unavailable, invalid, missing); its `problems` hold them all.
        """
        made, error = cls._load(max_age)
        if error is not None:
            raise error
        assert made is not None
        return made

    @classmethod
    async def aload(cls, *, max_age: float | None = None) -> Self:
        """Do what `load` does, without blocking the event loop."""
        memo = cls._memo
        if memo is not None and memo.is_fresh(max_age):
            return cls.load(max_age=max_age)
        import asyncio

        return await asyncio.to_thread(cls.load, max_age=max_age)

    @classmethod
    def _load(cls, max_age: float | None) -> tuple[Self | None, Exception | None]:
        memo = cls._memo
        if memo is None or not memo.is_fresh(max_age):
            _, problems, memo = read_fields(cls, max_age)
            if problems:
                return None, error_of(problems, cls.__qualname__)
            cls._memo = memo if memo.monotonic > 0 else None
        made = cls.__new__(cls)
        made.__dict__.update((name, copy_of(value)) for name, value in memo.values.items())
        object.__setattr__(made, "_masked", memo.masked)
        return made, None

    @classmethod
    def _field_kinds(cls) -> dict[str, Any]:
        """Return the type of each field, None where there is no annotation."""
        if cls._kinds is None:
            cls._kinds = kinds_of(cls, cls._sources)
        return cls._kinds

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__qualname__} cannot be changed; load() gives new ones")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__qualname__} cannot be changed; load() gives new ones")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]  # fields may be lists and dicts

    def __repr__(self) -> str:
        shown = (f"{name}={_MASK if name in self._masked else repr(value)}" for name, value in self.__dict__.items())
        return f"{type(self).__qualname__}({', '.join(shown)})"


_RESERVED = frozenset({"aload", "load"})


def read_fields(cls: type[Settings], max_age: float | None = None) -> tuple[dict[str, Any], list[Problem], _Memo]:
    """Read every field of a Settings class; return the values that could be had, and what was wrong with the others."""
    limits = store().limits
    kinds = cls._field_kinds()
    sources = cls._sources
    wants = [
        Want(
            source.reference,
            max_age if max_age is not None else limits.max_age if source.max_age is None else source.max_age,
            limits.max_stale if source.max_stale is None else source.max_stale,
        )
        for source in sources.values()
    ]
    values: dict[str, Any] = {}
    masked: set[str] = set()
    problems: list[Problem] = []
    memo = _Memo(values, frozenset(), max_age)
    for (name, source), want, found in zip(sources.items(), wants, look_up(wants), strict=True):
        kind = kinds[name]
        secret_kind = mentions(kind, Secret)
        if kind is None and found.reference.scheme == "secret":
            kind = Secret
        sensitive = (
            secret_kind or found.reference.scheme == "secret" or (found.value is not None and found.value.sensitive)
        )
        if sensitive:
            masked.add(name)
        value, problem = finish(found, kind, name, sensitive=sensitive)
        if problem is not None and problem.kind == MISSING and source.default is not REQUIRED:
            value, problem = _default(source, kind), None
        elif problem is None:
            problem = _refusal(source, value, found, name, sensitive=sensitive)
        if problem is not None:
            problems.append(problem)
            continue
        values[name] = value
        _bound(memo, want, found, source)
    memo.masked = frozenset(masked)
    return values, problems, memo


def _default(source: Source, kind: Any) -> Any:
    default = source.default
    return (
        Secret(default)
        if kind is Secret and isinstance(default, str)
        else copy_of(default)
        if default is not REQUIRED
        else default
    )


def _bound(memo: _Memo, want: Want, found: Found, source: Source) -> None:
    """Shorten a memo's life to that of one more value. What no entry stands behind is asked for each time."""
    if source.reference.scheme == "env":
        memo.variables.append((source.reference.name, os.environ.get(source.reference.name)))
    if found.entry is not None:
        good = want.max_age * found.entry.factor
        memo.monotonic = min(memo.monotonic, found.entry.read_at.monotonic + good)
        memo.wall = min(memo.wall, found.entry.read_at.wall + good)
    elif store().standins is not None or found.reference.scheme != "env" or os.environ.get("SHARED_UTILS_CONFIG_FILE"):
        memo.monotonic = 0.0  # a default, or a stand-in: either may be another one the next time


def _refusal(source: Source, value: Any, found: Found, name: str, *, sensitive: bool) -> Problem | None:
    """Return the problem that a validator has with the value, if any has."""
    for validator in source.validators:
        said = getattr(validator, "__name__", "the validator")
        try:
            if validator(value) is not False:
                continue
            why = f"refused by {said}"
        except Exception as error:  # a validator is the user's code; its text may hold the value
            why = f"refused by {said}" if sensitive else f"refused by {said}: {one_line(error) or type(error).__name__}"
        return Problem(name, found.source, INVALID, why, "correct the value at its source")
    return None
