"""CloudWatch's units as an enum, and the error for one that does not exist. Loaded only when one of them is needed."""

from __future__ import annotations

from enum import StrEnum

from shared_utils.errors import MetricsError
from shared_utils.metrics.limits import UNITS, shorten

__all__ = ["Unit", "unknown_unit"]

# What people write for a unit out of habit.
_SHORT_FORMS = {
    "%": "Percent",
    "b": "Bytes",
    "gb": "Gigabytes",
    "kb": "Kilobytes",
    "mb": "Megabytes",
    "ms": "Milliseconds",
    "s": "Seconds",
    "us": "Microseconds",
    "µs": "Microseconds",
}


class Unit(StrEnum):
    """The units that CloudWatch knows, named as in Powertools' MetricUnit (source: MetricDatum, CloudWatch API)."""

    Seconds = "Seconds"
    Microseconds = "Microseconds"
    Milliseconds = "Milliseconds"
    Bytes = "Bytes"
    Kilobytes = "Kilobytes"
    Megabytes = "Megabytes"
    Gigabytes = "Gigabytes"
    Terabytes = "Terabytes"
    Bits = "Bits"
    Kilobits = "Kilobits"
    Megabits = "Megabits"
    Gigabits = "Gigabits"
    Terabits = "Terabits"
    Percent = "Percent"
    Count = "Count"  # hides str.count, which nobody calls on a unit
    BytesPerSecond = "Bytes/Second"
    KilobytesPerSecond = "Kilobytes/Second"
    MegabytesPerSecond = "Megabytes/Second"
    GigabytesPerSecond = "Gigabytes/Second"
    TerabytesPerSecond = "Terabytes/Second"
    BitsPerSecond = "Bits/Second"
    KilobitsPerSecond = "Kilobits/Second"
    MegabitsPerSecond = "Megabits/Second"
    GigabitsPerSecond = "Gigabits/Second"
    TerabitsPerSecond = "Terabits/Second"
    CountPerSecond = "Count/Second"
    NoUnit = "None"


def unknown_unit(given: object) -> MetricsError:
    """Return the error for a unit that does not exist: the nearest one that does, and all of them."""
    nearest = None
    if isinstance(given, str):
        from difflib import get_close_matches  # 3 ms, paid by a mistake only

        lower = given.strip().lower()
        spellings = {unit.lower(): unit for unit in Unit}
        close = get_close_matches(lower, spellings, n=1, cutoff=0.5)
        nearest = _SHORT_FORMS.get(lower) or (spellings[close[0]] if close else None)
    guess = f"; did you mean {str(nearest)!r}?" if nearest else ";"
    return MetricsError(
        f"unit {shorten(given)} does not exist{guess} CloudWatch's units are {', '.join(dict.fromkeys(UNITS.values()))}"
    )
