"""Level names and numbers: the standard library's, and the names that Lambda's own log filter knows."""

from __future__ import annotations

__all__ = ["NAMES", "PLATFORM_NAMES", "name_of", "parse_level"]

NAMES = {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}
# With JSON log format Lambda filters by these; a line with another name counts as INFO and may be dropped
# (Lambda developer guide, "Log-level filtering").
PLATFORM_NAMES = NAMES | {30: "WARN", 50: "FATAL"}

_NUMBERS = {name: number for names in (NAMES, PLATFORM_NAMES) for number, name in names.items()} | {
    "TRACE": 10,
    "NOTSET": 10,
    "EXCEPTION": 40,
}


def parse_level(level: object) -> int | None:
    """Return the number of a level given as a number or a name in any case, or None when there is no such level."""
    if isinstance(level, bool):
        return None
    if isinstance(level, int):
        return level if 0 <= level <= 1000 else None
    if isinstance(level, str):
        return _NUMBERS.get(level.strip().upper()) if not level.strip().isdecimal() else int(level)
    return None


def standard(number: int) -> int:
    """Return the standard level that a line of level `number` is reported under: the next one below, DEBUG at least."""
    return min(50, max(10, number // 10 * 10))


def name_of(number: int, names: dict[int, str] = NAMES) -> str:
    """Return the name under which a line of this level is reported."""
    return names[standard(number)]
