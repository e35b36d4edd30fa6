"""Every error that shared_utils raises on purpose.

One base class, so that ``except SharedUtilsError`` catches them all; none of them ever carries a secret's value.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared_utils.config.failures import Problem

__all__ = [
    "ConfigError",
    "ConfigUnavailable",
    "InvalidConfig",
    "LoggingError",
    "MetricsError",
    "MissingConfig",
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


class ConfigError(SharedUtilsError):
    """A configuration value could not be had. The subclasses say why.

    `problems` tells each one apart: its `field`, `source`, `kind`, `what` was wrong, `remedy`, and the
    service's `code`.
    """

    problems: tuple[Problem, ...] = ()


class MissingConfig(ConfigError):  # noqa: N818 - the public names read as what happened
    """The value does not exist at its source, and the field has no default."""


class InvalidConfig(ConfigError):  # noqa: N818
    """The value exists, but is not what the field's type or validator asks for."""


class ConfigUnavailable(ConfigError):  # noqa: N818
    """The source could not be read: denied, throttled, unreachable, or failing."""
