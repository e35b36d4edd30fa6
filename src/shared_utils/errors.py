"""Every error that shared_utils raises on purpose.

One base class, so that ``except SharedUtilsError`` catches them all; none of them ever carries a secret's value.
"""

from __future__ import annotations

__all__ = [
    "ConfigError",
    "ConfigUnavailable",
    "InvalidConfig",
    "LoggingError",
    "MetricsError",
    "MissingConfig",
    "Problem",
    "SharedUtilsError",
]


class SharedUtilsError(Exception):
    """Base class of everything that shared_utils raises on purpose."""


class LoggingError(SharedUtilsError):
    """Logging was set up with something it cannot use (a level, size or format that does not exist)."""


class MetricsError(SharedUtilsError):
    """A metric, unit, dimension or namespace that CloudWatch would refuse.

    Attributes:
        must_raise: strict mode found it, so the end of an invocation raises it too.
    """

    must_raise = False


class Problem:
    """What is wrong with one configuration value.

    Attributes:
        field: the name of the Settings field, "" for a single value.
        source: the reference, and what it led to: ``env://TABLE -> ssm:///table``.
        kind: "missing", "invalid", "denied" or "unavailable".
        what: a sentence without a value in it.
        hint: what to do about it, "" when nothing is known.
        code: the service's error code, "" when there is none.
    """

    __slots__ = ("code", "field", "hint", "kind", "source", "what")

    def __init__(self, field: str, source: str, kind: str, what: str, hint: str, code: str = "") -> None:  # noqa: PLR0917 - a record; read in one order everywhere
        self.field = field
        self.source = source
        self.kind = kind
        self.what = what
        self.hint = hint
        self.code = code

    def __repr__(self) -> str:
        return f"Problem({self})"

    def __str__(self) -> str:
        where = f"{self.field} ({self.source})" if self.field else self.source
        return f"{where}: {self.what}" + (f"; {self.hint}" if self.hint else "")


class ConfigError(SharedUtilsError):
    """A configuration value could not be read (the subclasses say why), or an argument or declaration is wrong.

    Attributes:
        problems: a `Problem` for each value; empty for a wrong argument.
    """

    problems: tuple[Problem, ...] = ()


class MissingConfig(ConfigError):  # noqa: N818 - the public names read as what happened
    """The value does not exist at its source, and the field has no default."""


class InvalidConfig(ConfigError):  # noqa: N818
    """The value exists, but is not what the field's type or validator asks for."""


class ConfigUnavailable(ConfigError):  # noqa: N818
    """The source could not be read: denied, throttled, unreachable, or failing."""
