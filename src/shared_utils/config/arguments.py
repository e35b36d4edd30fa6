"""Checks of arguments: a wrong one is a ConfigError that names the argument, its value, and what is allowed."""

from __future__ import annotations

from shared_utils.config.outcomes import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from shared_utils.errors import ConfigError

__all__ = ["UNSET", "check_seconds", "wrong_argument"]


class _Unset:
    """The value of an argument that was left out, where None means something else."""

    def __repr__(self) -> str:
        return "(unset)"


UNSET: Any = _Unset()


def wrong_argument(where: str, name: str, value: object, allowed: str) -> ConfigError:
    """Return the error for a wrong argument of `where` (the function as it is called, ``config.get``)."""
    from shared_utils.errors import ConfigError

    return ConfigError(f"{where}: {name} is {one_line(repr(value), 60)}; allowed are {allowed}")


def check_seconds(where: str, *, least: float = 0.0, **given: object) -> None:
    """Refuse what is no number of seconds from `least` up; None is one.

    Raises:
        ConfigError: naming the argument.
    """
    for name, value in given.items():
        if value is None or value is UNSET:
            continue
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not least <= value < float("inf"):
            raise wrong_argument(where, name, value, f"seconds as a number, {least:g} or more, and None")
