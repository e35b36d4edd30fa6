"""Settings: a class of typed fields, each with its source, loaded at once."""

from __future__ import annotations

import sys

from shared_utils.config.annotations import evaluate_now, field_types
from shared_utils.config.arguments import UNSET, check_seconds
from shared_utils.config.fields import Field, appconfig, env, field, secret, ssm
from shared_utils.config.load import LoadedValues, read_fields
from shared_utils.config.outcomes import make_error
from shared_utils.config.resolve import default_for, names_of
from shared_utils.config.sources.registry import source_of
from shared_utils.config.types.scalars import copy_value, wrap_secret
from shared_utils.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, ClassVar, Self, TypeVar, dataclass_transform

    _S = TypeVar("_S", bound="Settings")
else:

    def dataclass_transform(**_: object) -> Any:
        """Return the class unchanged: the real one is for type checkers, and its import costs 2 ms."""
        return lambda decorated: decorated


__all__ = ["Settings"]

_MASK = "**********"


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(env, ssm, secret, appconfig, field))
class Settings:
    """Base class of an application's settings.

    Declare fields with a type and a source (`env`, `ssm`, `secret`, `appconfig`); `load()` reads them all with the
    fewest calls, and reports every problem in one error. Instances cannot be changed; calling the class with values
    (by name) makes one without reading anything, for tests.
    """

    __slots__ = ("__dict__", "_masked")

    _fields: ClassVar[dict[str, Field]] = {}
    _evaluated: ClassVar[dict[str, Any]] = {}
    _types: ClassVar[dict[str, Any] | None] = None
    _loaded: ClassVar[LoadedValues | None] = None
    _masked: frozenset[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        fields = {
            name: field for base in reversed(cls.__mro__[1:]) for name, field in vars(base).get("_fields", {}).items()
        }
        for name, value in list(vars(cls).items()):
            if isinstance(value, Field):
                if name in _RESERVED or name.startswith("_"):
                    raise ConfigError(f"{cls.__qualname__}.{name}: a field cannot have this name; choose another")
                fields[name] = value
                delattr(cls, name)
            elif name in fields:
                del fields[name]  # a subclass may replace a field by a constant
        cls._fields = fields
        cls._types = None
        cls._loaded = None
        cls._evaluated = evaluate_now(cls, sys._getframe(1))

    def __init__(self, **values: Any) -> None:
        cls = type(self)
        types = cls._field_types()
        for name in values:
            if name not in cls._fields:
                raise ConfigError(f"{cls.__qualname__}: there is no field {name!r}{_meant(name, cls._fields)}")
        for name, declared in cls._fields.items():
            value = values[name] if name in values else default_for(declared.default, types[name])
            if value is UNSET:
                raise ConfigError(f"{cls.__qualname__}: a value for {name} is needed; it has no default")
            self.__dict__[name] = wrap_secret(value, types[name])
        secrets = frozenset(
            name for name, declared in cls._fields.items() if source_of(declared.reference.scheme).secret
        )
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
        loaded = cls._loaded
        if loaded is not None and loaded.are_fresh(max_age):
            return cls.load(max_age=max_age)
        import asyncio

        return await asyncio.to_thread(cls.load, max_age=max_age)

    @classmethod
    def _load(cls, max_age: float | None) -> tuple[Self | None, Exception | None]:
        loaded = cls._loaded
        if loaded is None or not loaded.are_fresh(max_age):
            check_seconds(f"{cls.__qualname__}.load", max_age=max_age)
            results = read_fields(cls._fields, cls._field_types(), max_age)
            problems = [result.problem for result in results if result.problem is not None]
            if problems:
                return None, make_error(problems, cls.__qualname__)
            cls._loaded = loaded = LoadedValues(results, max_age)
        return _restore(cls, {name: copy_value(value) for name, value in loaded.values.items()}, loaded.masked), None

    @classmethod
    def _field_types(cls) -> dict[str, Any]:
        """Return the type of each field, None where there is no annotation."""
        if cls._types is None:
            cls._types = field_types(cls, cls._fields)
        return cls._types

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__qualname__} cannot be changed; load() gives new ones")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__qualname__} cannot be changed; load() gives new ones")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]  # fields may be lists and dicts

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.__dict__, self._masked)

    def __repr__(self) -> str:
        from shared_utils.redaction import REDACTION

        def show(name: str, value: object) -> str:
            names = (name, *names_of(self._fields[name].reference)) if name in self._fields else (name,)
            if name in self._masked or any(REDACTION.hides(known, value) for known in names):
                return _MASK
            return REDACTION.scrub(repr(value))

        shown = (f"{name}={show(name, value)}" for name, value in self.__dict__.items())
        return f"{type(self).__qualname__}({', '.join(shown)})"


def _meant(name: str, known: Iterable[str]) -> str:
    """Return the end of an error message: the known name that is like `name`, else all of them."""
    from difflib import get_close_matches

    similar = get_close_matches(name, known, 1)
    return f"; did you mean {similar[0]!r}?" if similar else f"; the fields are {', '.join(known) or 'none'}"


def _restore(cls: type[_S], values: dict[str, Any], masked: frozenset[str]) -> _S:
    """Make an instance of values that were read (or copied, or unpickled) before."""
    made = cls.__new__(cls)
    made.__dict__.update(values)
    object.__setattr__(made, "_masked", masked)
    return made


_RESERVED = frozenset({"aload", "load"})
