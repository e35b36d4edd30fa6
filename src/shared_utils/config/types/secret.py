"""A value that is hard to leak: it must be asked for by name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Generic

    from typing_extensions import TypeVar

    T = TypeVar("T", str, bytes, default=str)
else:

    class Generic:
        """Typing's, as far as ``Secret[bytes]`` needs it; importing typing costs 2 ms."""

        __slots__ = ()
        __class_getitem__ = classmethod(type(list[int]))

    T = None

__all__ = ["Secret", "make_secret"]

_MASK = "**********"


class Secret(Generic[T]):
    """A secret str (``Secret``) or bytes (``Secret[bytes]``), masked when printed; `reveal()` returns the value.

    Not a str, so that it cannot be concatenated, logged or serialised by accident: `str`, `repr` and `format` give a
    mask, json and pickle refuse it. Equal to another Secret of the same value, compared in constant time.
    """

    __slots__ = ("__value",)
    __secret__ = True  # how the logger knows one without importing this module

    def __init__(self, value: T) -> None:
        if not isinstance(value, (str, bytes)):
            from shared_utils.errors import ConfigError

            raise ConfigError(f"Secret: the value is of type {type(value).__name__}; allowed are str and bytes")
        from shared_utils.redaction.values import register_secret

        object.__setattr__(self, "_Secret__value", value)
        register_secret(value, lasting=False)

    def reveal(self) -> T:
        """Return the value itself."""
        value: T = self.__value  # type: ignore[attr-defined]  # set past the frozen __setattr__
        return value

    def __repr__(self) -> str:
        return f"Secret({_MASK!r})"

    def __str__(self) -> str:
        return _MASK

    def __format__(self, spec: str) -> str:
        return format(_MASK, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        from hmac import compare_digest

        return compare_digest(_bytes(self.reveal()), _bytes(other.reveal()))

    def __hash__(self) -> int:
        return hash((Secret, _bytes(self.reveal())))

    def __bool__(self) -> bool:
        """Whether there is anything in it."""
        return bool(self.reveal())

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Secret cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a Secret cannot be changed")

    def __copy__(self) -> Secret[T]:
        return self

    def __deepcopy__(self, memo: object) -> Secret[T]:
        return self

    def __reduce_ex__(self, protocol: object) -> str:
        raise TypeError("a Secret is not pickled: reveal() it where the value is needed, and fetch it anew elsewhere")


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")


def make_secret(value: T) -> Secret[T]:
    """Return a Secret that is not told to the logger; `resolve` tells it, with the reference that it is from."""
    made: Secret[T] = Secret.__new__(Secret)
    object.__setattr__(made, "_Secret__value", value)
    return made
