"""CloudWatch's embedded metric format: what a document may hold, and how one is written.

Sources of the rules, all in AWS's documentation:

- "Specification: Embedded metric format" (CloudWatch user guide): structure, 100 metrics, 100 values.
- ``Dimension`` and ``MetricDatum`` (CloudWatch API reference): lengths, ASCII, 30 dimensions, range of values, units.
- "CloudWatch concepts" (CloudWatch user guide), "Namespaces": the characters of a namespace.
- "Lambda quotas": one log event is at most 256 KB; a longer line is cut, and a cut document is no document.

Text is assembled from JSON fragments instead of encoding one dictionary: each fragment's length is known when documents
are split by size, and a metric's definition is encoded once in a process.
"""

from __future__ import annotations

import json
from functools import lru_cache

from shared_utils.errors import MetricsError

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TypeAlias

__all__ = [
    "DEFINITIONS",
    "MAX_DIMENSIONS",
    "MAX_DOCUMENT_BYTES",
    "MAX_INT",
    "MAX_VALUE",
    "MIN_INT",
    "MIN_VALUE",
    "UNITS",
    "Definition",
    "check_dimension",
    "check_name",
    "check_namespace",
    "check_property_name",
    "check_timestamp",
    "define",
    "documents",
    "number",
    "resolution_value",
    "unit_value",
]

MAX_METRICS = 100
MAX_VALUES = 100
MAX_DIMENSIONS = 30
MAX_NAME = 255
MAX_DIMENSION_VALUE = 1024
MAX_DOCUMENT_BYTES = 256 * 1024
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

_NAMESPACE_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_/#: ")
_Fragment: TypeAlias = "tuple[Definition, str]"  # a metric of one document: its definition, and its member with values
_quote = json.JSONEncoder().encode  # ASCII only, so that a document's length in characters is its length in bytes


class Definition:
    """A metric's name, unit and resolution, checked and encoded."""

    __slots__ = ("key", "name", "names", "text")

    def __init__(self, name: str, unit: str, resolution: int) -> None:
        self.key = (name, unit, resolution)
        self.name = name
        self.names = _quote(name)
        # 60 is the default and left out, as it would only be paid for in every line.
        storage = ',"StorageResolution":1' if resolution == 1 else ""
        self.text = f'{{"Name":{self.names},"Unit":{_quote(unit)}{storage}}}'


# The definitions made so far, by name, unit and resolution as given.
DEFINITIONS: dict[tuple[Any, Any, Any], Definition] = {}


def define(given: tuple[Any, Any, Any]) -> Definition:
    """Make the definition for name, unit and resolution as given to `shared_utils.metrics.add`, and keep it."""
    name, unit, resolution = given
    definition = Definition(check_name("metric", name), unit_value(unit), resolution_value(resolution))
    if len(DEFINITIONS) >= 4096:  # names made up at run time
        DEFINITIONS.clear()
    DEFINITIONS[given] = definition
    return definition


# --- rules: each returns the value as it will be written, or raises MetricsError -----------------------------


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
        raise MetricsError(f"{what} must be a string, not {type(text).__name__} {shorten(text)}")
    if not text or text.isspace():
        raise MetricsError(f"{what} is empty; give it at least one character that is not a space")
    if len(text) > longest:
        raise MetricsError(f"{what} {shorten(text)} has {len(text)} characters; CloudWatch takes at most {longest}")
    if not (text.isascii() and text.isprintable()):
        raise MetricsError(
            f"{what} {shorten(text)} has characters that are not printable ASCII; CloudWatch refuses them"
        )
    return text


def check_name(kind: str, name: object) -> str:
    """Return the name of a metric or dimension; `kind` says which, for the message."""
    text = _check_text(f"{kind} name", name, MAX_NAME)
    if text == "_aws":
        raise MetricsError(f"{kind} name '_aws' is taken by the format itself; choose another")
    return text


def check_dimension(name: object, value: object) -> tuple[str, str]:
    """Return a dimension's name and value as strings. Numbers and enum members are converted, None is refused."""
    if type(name) is str and type(value) is str:
        return _checked_dimension(name, value)
    key = check_name("dimension", name)
    if value is None:
        raise MetricsError(f"dimension {key!r} has no value (None); leave it out or give it a string")
    if not isinstance(value, str):
        if isinstance(value, bytes):
            raise MetricsError(f"dimension {key!r} is bytes; decode it to a string first")
        value = str(_member_value(value))
    return _checked_dimension(key, value)


@lru_cache(maxsize=256)
def _checked_dimension(name: str, value: str) -> tuple[str, str]:
    key = check_name("dimension", name)
    if key.startswith(":"):
        raise MetricsError(f"dimension name {shorten(key)} starts with a colon; CloudWatch refuses it")
    return key, _check_text(f"value of dimension {key!r}", value, MAX_DIMENSION_VALUE)


def check_property_name(name: object) -> str:
    """Return the name of a property: any text, since CloudWatch only stores it."""
    text = name if isinstance(name, str) else str(name)
    if not text or text == "_aws":
        raise MetricsError(f"property name {text!r} cannot be used; choose another")
    return text


def check_namespace(namespace: object) -> str:
    """Return a namespace that CloudWatch accepts for custom metrics."""
    text = _check_text("namespace", namespace, MAX_NAME)
    if text.startswith((":", "AWS/")):
        raise MetricsError(f"namespace {shorten(text)} starts with ':' or 'AWS/', which CloudWatch keeps for itself")
    if not _NAMESPACE_CHARACTERS.issuperset(text):
        wrong = "".join(sorted(set(text) - _NAMESPACE_CHARACTERS))
        raise MetricsError(f"namespace {shorten(text)} contains {wrong!r}; use letters, digits, space and . - _ / # :")
    return text


def unit_value(unit: object) -> str:
    """Return CloudWatch's name of a unit given as a string or an enum member (ours or Powertools')."""
    given = unit if isinstance(unit, str) else _member_value(unit)
    try:
        return UNITS[given]
    except (KeyError, TypeError):
        pass
    from shared_utils._units import unknown_unit

    raise unknown_unit(given)


def resolution_value(resolution: object) -> int:
    """Return 1 (high resolution) or 60 (standard), given as a number or Powertools' MetricResolution."""
    given = _member_value(resolution)
    if isinstance(given, int | float) and given in (1, 60):
        return int(given)
    raise MetricsError(f"resolution {shorten(resolution)} is not one of 1 (second) and 60 (seconds)")


def number(name: object, value: Any) -> int | float:
    """Return a metric's value as a plain int or float that CloudWatch accepts.

    Takes whatever converts to a float by itself: bool, Decimal, Fraction, numpy scalars; no strings.
    """
    if isinstance(value, int) and MIN_INT <= value <= MAX_INT:
        return int(value)  # bool and IntEnum become the plain number that JSON needs
    if isinstance(value, str | bytes | bytearray) or not (hasattr(value, "__float__") or hasattr(value, "__index__")):
        raise MetricsError(f"value {shorten(value)} of metric {shorten(name)} is not a number")
    try:
        converted = float(value)
    except OverflowError:
        converted = float("inf")
    except Exception as error:
        raise MetricsError(f"value {shorten(value)} of metric {shorten(name)} is not a number: {error}") from error
    if not MIN_VALUE <= converted <= MAX_VALUE:  # false for NaN too
        raise MetricsError(
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
        raise MetricsError(f"timestamp {shorten(when)} is neither a datetime nor milliseconds since 1970")
    if not now_ms - PAST_MS <= milliseconds <= now_ms + FUTURE_MS:
        hint = "; it looks like seconds, give milliseconds" if now_ms - PAST_MS <= milliseconds * 1000 <= now_ms else ""
        raise MetricsError(
            f"timestamp {shorten(when)} is more than 14 days old or more than 2 hours ahead;"
            f" CloudWatch would drop the metrics{hint}"
        )
    return round(milliseconds)


def _member_value(value: object) -> Any:
    """Return the value of an enum member, and anything else as it is, without importing enum."""
    return value.value if hasattr(type(value), "__members__") else value  # type: ignore[attr-defined]


# --- writing -------------------------------------------------------------------------------------------------


def documents(
    series: Sequence[tuple[Definition, list[int | float]]],
    *,
    few: bool,
    namespace: str,
    dimension_sets: Sequence[Mapping[str, str]],
    properties: Mapping[str, str],
    timestamp: int,
    marks: str = "",
) -> tuple[str, list[str]]:
    """Write metrics as documents, as few as the limits allow, each one line with its newline.

    Args:
        series: definitions and the values recorded for each, in the order in which the metrics shall stand.
        few: no more than 100 values in all, and no metric twice.
        namespace: checked by `check_namespace`.
        dimension_sets: the dimension sets, checked by `check_dimension`; a name has one value in all of them.
        properties: further members, values already encoded as JSON. They are repeated in every document.
        timestamp: milliseconds since 1970.
        marks: further members as JSON text, each with a leading comma.

    Returns:
        The lines, and the names of the properties that had to be left out because no document had room for them.
    """
    directive, targets = _directive(namespace, tuple([tuple(dimensions.items()) for dimensions in dimension_sets]))
    head = f'{{"_aws":{{"Timestamp":{timestamp},{directive}'
    members = {name: f",{_quote(name)}:{text}" for name, text in properties.items()} if properties else {}
    tail = f"{targets}{''.join(members.values())}{marks}" if members or marks else targets
    if few:  # nearly always
        line = _line(
            head,
            [definition.text for definition, _ in series],
            tail,
            [
                f",{definition.names}:[{repr(values[0]) if len(values) == 1 else ','.join(map(repr, values))}]"
                for definition, values in series
            ],
        )
        if len(line) <= MAX_DOCUMENT_BYTES:
            return line, []
    fragments = [
        (definition, f",{definition.names}:[{','.join(map(repr, chunk))}]")
        for definition, values in series
        for chunk in _chunks(values)
    ]
    room = MAX_DOCUMENT_BYTES - len(_line(head, [], tail, []))
    largest = max(map(_size, fragments))
    left_out = []
    while members and room < largest:
        name = max(members, key=lambda candidate: len(members[candidate]))
        room += len(members.pop(name))
        left_out.append(name)
    tail = f"{targets}{''.join(members.values())}{marks}"
    lines = [
        _line(head, [definition.text for definition, _ in page], tail, [member for _, member in page])
        for page in _pages(fragments, room)
    ]
    return "".join(lines), left_out


def _line(head: str, definitions: list[str], tail: str, members: list[str]) -> str:
    return f"{head}{','.join(definitions)}]}}]}}{tail}{''.join(members)}}}\n"


@lru_cache(maxsize=64)
def _directive(namespace: str, dimension_sets: tuple[tuple[tuple[str, str], ...], ...]) -> tuple[str, str]:
    """Return a metric directive up to the metrics' definitions, and the members that its dimensions refer to."""
    names = ",".join([f"[{','.join([_quote(name) for name, _ in dimensions])}]" for dimensions in dimension_sets])
    values = dict([pair for dimensions in dimension_sets for pair in dimensions])
    return (
        f'"CloudWatchMetrics":[{{"Namespace":{_quote(namespace)},"Dimensions":[{names}],"Metrics":[',
        "".join([f",{_quote(name)}:{_quote(value)}" for name, value in values.items()]),
    )


def _chunks(values: list[int | float]) -> list[list[int | float]]:
    return [values[start : start + MAX_VALUES] for start in range(0, len(values), MAX_VALUES)]


class _Page:
    """The metrics of one document, and how many characters more it has room for."""

    __slots__ = ("fragments", "names", "room")

    def __init__(self, room: int) -> None:
        self.fragments: list[_Fragment] = []
        self.names: set[str] = set()
        self.room = room


def _size(fragment: _Fragment) -> int:
    """Return the characters that a metric takes in a document, with the comma between definitions."""
    return len(fragment[0].text) + len(fragment[1]) + 1


def _pages(fragments: list[_Fragment], room: int) -> list[list[_Fragment]]:
    """Spread metrics over documents: at most 100 and `room` characters in each, and none twice.

    A metric comes twice when it has more than 100 values, or values in two units or resolutions.
    """
    pages: list[_Page] = []
    open_pages: list[_Page] = []
    for fragment in fragments:
        name, need = fragment[0].name, _size(fragment)
        for page in open_pages:
            if page.room >= need and name not in page.names:
                break
        else:
            page = _Page(room)
            pages.append(page)
            open_pages.append(page)
        page.fragments.append(fragment)
        page.names.add(name)
        page.room -= need
        if len(page.names) == MAX_METRICS:
            open_pages.remove(page)
    return [page.fragments for page in pages]
