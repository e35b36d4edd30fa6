"""What CloudWatch accepts in a metric. Each rule returns the value as it will be written, or raises MetricsError.

Sources, all in AWS's documentation:

- "Specification: Embedded metric format" (CloudWatch user guide): 100 metrics in a document, 100 values of each, the
  window for timestamps.
- ``Dimension`` and ``MetricDatum`` (CloudWatch API reference): lengths, ASCII, 30 dimensions, range of values, units.
- "CloudWatch concepts" (CloudWatch user guide), "Namespaces": the characters of a namespace.
"""

from __future__ import annotations

from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from shared_utils.errors import MetricsError

__all__ = [
    "MAX_DIMENSIONS",
    "MAX_INT",
    "MAX_METRICS",
    "MAX_VALUE",
    "MAX_VALUES",
    "MIN_INT",
    "MIN_VALUE",
    "UNITS",
    "check_dimension",
    "check_name",
    "check_namespace",
    "check_property_name",
    "check_service",
    "check_timestamp",
    "number",
    "refused",
    "resolution_value",
    "shorten",
    "unit_value",
]

MAX_METRICS = 100
MAX_VALUES = 100
MAX_DIMENSIONS = 30
MAX_NAME = 255
MAX_DIMENSION_NAME = 250  # in EMF's schema, which the log line must meet first; the API takes 255
MAX_DIMENSION_VALUE = 1024
MIN_VALUE, MAX_VALUE = -(2.0**360), 2.0**360
# A longer integer is written as a float: tools that read logs take integers for 64 bits, CloudWatch takes a double.
MIN_INT, MAX_INT = -(2**63), 2**63 - 1
PAST_MS = 14 * 24 * 3600 * 1000
FUTURE_MS = 2 * 3600 * 1000

# Every accepted spelling and CloudWatch's own: its 27 units, and the member names of Powertools' MetricUnit.
UNITS: dict[str, str] = {
    unit: unit
    for unit in (
        *("Seconds", "Microseconds", "Milliseconds"),
        *("Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes"),
        *("Bits", "Kilobits", "Megabits", "Gigabits", "Terabits"),
        *("Percent", "Count"),
        *("Bytes/Second", "Kilobytes/Second", "Megabytes/Second", "Gigabytes/Second", "Terabytes/Second"),
        *("Bits/Second", "Kilobits/Second", "Megabits/Second", "Gigabits/Second", "Terabits/Second"),
        *("Count/Second", "None"),
    )
}
UNITS.update({unit.replace("/", "Per"): unit for unit in tuple(UNITS) if "/" in unit}, NoUnit="None")

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
_NAMESPACE_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_/#: ")


def refused(message: str) -> MetricsError:
    """Return the error; its module, which costs a cold start as much as four others, loads when there is one."""
    from shared_utils.errors import MetricsError

    return MetricsError(message)


def shorten(value: object) -> str:
    """Return a short printable form of anything, for messages."""
    try:
        text = repr(value)
    except Exception:
        text = f"<{type(value).__name__} without a repr>"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _check_text(what: str, text: object, longest: int) -> str:
    """Return `text` when it is 1 to `longest` printable ASCII characters, not all of them spaces."""
    if not isinstance(text, str):
        raise refused(f"{what} must be a string, not {type(text).__name__} {shorten(text)}")
    if not text or text.isspace():
        raise refused(f"{what} is empty; give it at least one character that is not a space")
    if len(text) > longest:
        raise refused(f"{what} {shorten(text)} has {len(text)} characters; CloudWatch takes at most {longest}")
    if not (text.isascii() and text.isprintable()):
        raise refused(f"{what} {shorten(text)} has characters that are not printable ASCII; CloudWatch refuses them")
    return text


def check_name(kind: str, name: object) -> str:
    """Return the name of a metric or dimension; `kind` says which, for the message."""
    text = _check_text(f"{kind} name", name, MAX_DIMENSION_NAME if kind == "dimension" else MAX_NAME)
    if text == "_aws":
        raise refused(f"{kind} name '_aws' is taken by the format itself; choose another")
    return text


def check_dimension(name: object, value: object) -> tuple[str, str]:
    """Return a dimension's name and value as strings. Numbers and enum members are converted, None is refused."""
    if type(name) is str and type(value) is str:
        return _checked_dimension(name, value)
    key = check_name("dimension", name)
    if value is None:
        raise refused(f"dimension {key!r} has no value (None); leave it out or give it a string")
    if isinstance(value, bytes):
        raise refused(f"dimension {key!r} is bytes; decode it to a string first")
    try:
        text = str(_member_value(value))
    except Exception as error:  # any object may stand here
        raise refused(f"value of dimension {key!r} cannot be made a string: {type(error).__name__}") from error
    return _checked_dimension(key, text)


@lru_cache(maxsize=256)
def _checked_dimension(name: str, value: str) -> tuple[str, str]:
    key = check_name("dimension", name)
    if key.startswith(":"):
        raise refused(f"dimension name {shorten(key)} starts with a colon; CloudWatch refuses it")
    return key, _check_text(f"value of dimension {key!r}", value, MAX_DIMENSION_VALUE)


def check_property_name(name: object) -> str:
    """Return the name of a property: any text, since CloudWatch only stores it."""
    text = name if isinstance(name, str) else str(name)
    if not text or text == "_aws":
        raise refused(f"property name {text!r} cannot be used; choose another")
    return text


def check_namespace(namespace: object) -> str:
    """Return a namespace that CloudWatch accepts for custom metrics."""
    text = _check_text("namespace", namespace, MAX_NAME)
    if text.startswith((":", "AWS/")):
        raise refused(f"namespace {shorten(text)} starts with ':' or 'AWS/', which CloudWatch keeps for itself")
    if not _NAMESPACE_CHARACTERS.issuperset(text):
        wrong = "".join(sorted(set(text) - _NAMESPACE_CHARACTERS))
        raise refused(f"namespace {shorten(text)} contains {wrong!r}; use letters, digits, space and . - _ / # :")
    return text


def check_service(service: object) -> str:
    """Return the name of a service, which is a dimension's value."""
    return _check_text("service", service, MAX_DIMENSION_VALUE)


def unit_value(unit: object) -> str:
    """Return CloudWatch's name of a unit given as a string or an enum member (ours or Powertools')."""
    given = unit if isinstance(unit, str) else _member_value(unit)
    try:
        return UNITS[given]
    except (KeyError, TypeError):
        raise _unknown_unit(given) from None


def _unknown_unit(given: object) -> MetricsError:
    """Return the error for a unit that does not exist: the nearest one that does, and all of them."""
    units = dict.fromkeys(UNITS.values())
    nearest = None
    if isinstance(given, str):
        from difflib import get_close_matches  # 3 ms, paid by a mistake only

        lower = given.strip().lower()
        spellings = {unit.lower(): unit for unit in units}
        close = get_close_matches(lower, spellings, n=1, cutoff=0.5)
        nearest = _SHORT_FORMS.get(lower) or (spellings[close[0]] if close else None)
    guess = f"; did you mean {nearest!r}?" if nearest else ";"
    return refused(f"unit {shorten(given)} does not exist{guess} CloudWatch's units are {', '.join(units)}")


def resolution_value(resolution: object) -> int:
    """Return 1 (high resolution) or 60 (standard), given as a number or Powertools' MetricResolution."""
    given = _member_value(resolution)
    if isinstance(given, int | float) and given in (1, 60):
        return int(given)
    raise refused(f"resolution {shorten(resolution)} is not one of 1 (second) and 60 (seconds)")


def number(name: object, value: Any) -> int | float:
    """Return a metric's value as a plain int or float that CloudWatch accepts.

    Takes whatever converts to a float by itself: bool, Decimal, Fraction, numpy scalars; no strings.
    """
    if isinstance(value, int) and MIN_INT <= value <= MAX_INT:
        return int(value)  # bool and IntEnum become the plain number that JSON needs
    if isinstance(value, str | bytes | bytearray) or not (hasattr(value, "__float__") or hasattr(value, "__index__")):
        raise refused(f"value {shorten(value)} of metric {shorten(name)} is not a number")
    try:
        converted = float(value)
    except OverflowError:
        converted = float("inf")
    except Exception as error:
        raise refused(f"value {shorten(value)} of metric {shorten(name)} is not a number: {error}") from error
    if not MIN_VALUE <= converted <= MAX_VALUE:  # false for NaN too
        raise refused(
            f"value {shorten(value)} of metric {shorten(name)} cannot be stored by CloudWatch;"
            " it takes finite numbers from -2**360 to 2**360"
        )
    return converted


def check_timestamp(when: Any, now_ms: int) -> int:
    """Return `when` (a datetime, or milliseconds since 1970) in milliseconds, if CloudWatch would keep the metric."""
    if isinstance(when, int | float) and not isinstance(when, bool):
        milliseconds = float(when)
    elif hasattr(when, "timestamp"):
        milliseconds = when.timestamp() * 1000
    else:
        raise refused(f"timestamp {shorten(when)} is neither a datetime nor milliseconds since 1970")
    if not now_ms - PAST_MS <= milliseconds <= now_ms + FUTURE_MS:
        hint = "; it looks like seconds, give milliseconds" if now_ms - PAST_MS <= milliseconds * 1000 <= now_ms else ""
        raise refused(
            f"timestamp {shorten(when)} is more than 14 days old or more than 2 hours ahead;"
            f" CloudWatch would drop the metrics{hint}"
        )
    return round(milliseconds)


def _member_value(value: object) -> Any:
    """Return the value of an enum member, and anything else as it is, without importing enum."""
    return value.value if hasattr(type(value), "__members__") else value  # type: ignore[attr-defined]
