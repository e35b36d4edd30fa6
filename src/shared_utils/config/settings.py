"""Settings: a class of typed fields, each with its source, loaded at once."""

from __future__ import annotations

import sys

from shared_utils.config.annotations import kinds_of, resolve_early
from shared_utils.config.failures import error_of
from shared_utils.config.fields import REQUIRED, Source, appconfig, env, secret, ssm
from shared_utils.config.load import Memo, default_of, read_fields
from shared_utils.config.types.scalars import conceal, copy_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, Self, TypeVar, dataclass_transform

    _S = TypeVar("_S", bound="Settings")
else:

    def dataclass_transform(**_: object) -> Any:
        """Say to type checkers what the real one says, without importing typing."""
        return lambda decorated: decorated


__all__ = ["Settings"]

_MASK = "**********"


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(env, ssm, secret, appconfig))
class Settings:
    """Base class of an application's settings.

    Declare fields with a type and a source (`env`, `ssm`, `secret`, `appconfig`); `load()` reads them all with the
    fewest calls, and reports every problem in one error. Instances cannot be changed; calling the class with values
    (by name) makes one without reading anything, for tests.
    """

    __slots__ = ("__dict__", "_masked")

    _sources: ClassVar[dict[str, Source]] = {}
    _early: ClassVar[dict[str, Any]] = {}
    _kinds: ClassVar[dict[str, Any] | None] = None
    _memo: ClassVar[Memo | None] = None
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
        cls._early = resolve_early(cls, sys._getframe(1))

    def __init__(self, **values: Any) -> None:
        cls = type(self)
        unknown = sorted(values.keys() - cls._sources.keys())
        if unknown:
            raise TypeError(f"{cls.__qualname__} has no field {', '.join(unknown)}")
        kinds = cls._field_kinds()
        for name, source in cls._sources.items():
            value = values[name] if name in values else default_of(source, kinds[name])
            if value is REQUIRED:
                raise TypeError(f"{cls.__qualname__} needs a value for {name}")
            self.__dict__[name] = conceal(value, kinds[name])
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
            reads = read_fields(cls._sources, cls._field_kinds(), max_age)
            problems = [read.problem for read in reads if read.problem is not None]
            if problems:
                return None, error_of(problems, cls.__qualname__)
            cls._memo = memo = Memo(reads, max_age)
        return _restore(cls, {name: copy_of(value) for name, value in memo.values.items()}, memo.masked), None

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

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.__dict__, self._masked)

    def __repr__(self) -> str:
        shown = (f"{name}={_MASK if name in self._masked else repr(value)}" for name, value in self.__dict__.items())
        return f"{type(self).__qualname__}({', '.join(shown)})"


def _restore(cls: type[_S], values: dict[str, Any], masked: frozenset[str]) -> _S:
    """Make an instance of values that were read (or copied, or unpickled) before."""
    made = cls.__new__(cls)
    made.__dict__.update(values)
    object.__setattr__(made, "_masked", masked)
    return made


_RESERVED = frozenset({"aload", "load"})
