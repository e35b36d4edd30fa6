"""Documents in CloudWatch's embedded metric format: what is recorded for one, and its text.

Text is assembled from JSON fragments instead of encoding one dictionary: each fragment's length is known when documents
are split by size, and what is the same in each invocation is encoded once.

Sources: "Specification: Embedded metric format" (CloudWatch user guide) for the structure; 256 KB is what Lambda and
CloudWatch Logs take as one log event everywhere (docs/decisions/metrics.md). A longer line is cut, and a cut
document is none.
"""

from __future__ import annotations

import json
import time
from functools import lru_cache

from shared_utils.metrics.limits import (
    MAX_DIMENSIONS,
    MAX_METRICS,
    MAX_VALUES,
    check_name,
    refused,
    resolution_value,
    shorten,
    unit_value,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, TypeAlias

    from shared_utils.metrics.settings import Resolved

    Values: TypeAlias = list[int | float]
    # The names and values of each set; a name has one value in all of them.
    DimensionSets: TypeAlias = tuple[tuple[tuple[str, str], ...], ...]
    _Fragment: TypeAlias = tuple["Definition", str]  # a metric in one document: its definition, its values as a member

__all__ = ["DEFINITIONS", "Definition", "EmfContext", "define", "lines", "property_json"]

MAX_DOCUMENT_BYTES = 256 * 1024
_quote = json.JSONEncoder().encode  # ASCII only, so that a document's length in characters is its length in bytes


class Definition:
    """A metric's name, unit and resolution, checked and encoded."""

    __slots__ = ("key", "member", "name", "text")

    def __init__(self, name: str, unit: str, resolution: int) -> None:
        self.key = (name, unit, resolution)
        self.name = name
        self.member = f",{_quote(name)}:["
        # 60 is the default and left out, as it would only be paid for in every line.
        storage = ',"StorageResolution":1' if resolution == 1 else ""
        self.text = f'{{"Name":{_quote(name)},"Unit":{_quote(unit)}{storage}}}'


# The definitions made so far, by name, unit and resolution as given.
DEFINITIONS: dict[tuple[Any, Any, Any], Definition] = {}


def define(given: tuple[Any, Any, Any]) -> Definition:
    """Return the definition for name, unit and resolution as given to `shared_utils.metrics.add`, and keep it."""
    name, unit, resolution = given
    definition = Definition(check_name("metric", name), unit_value(unit), resolution_value(resolution))
    if len(DEFINITIONS) >= 4096:  # names made up at run time
        DEFINITIONS.clear()
    DEFINITIONS[given] = definition
    return definition


class EmfContext:
    """What is recorded for one document.

    Attributes:
        series: the values of each metric, in the order of their first value.
        values: the same lists of values by name, unit and resolution as given.
        size: the number of values.
        repeats: whether one metric is in there in several units or resolutions.
        uses: "metric", "dimension" or "property" for each name.
        dimensions: the first dimension set.
        further_sets: the other dimension sets. A dimension that is in several has the same value in each.
        properties: values by name, as JSON.
        timestamp: milliseconds since 1970, or None for the time of writing.
        without_service: the configured service is no dimension of this document.
    """

    # What few documents have stands here, and is replaced, never changed.
    repeats = False
    further_sets: tuple[dict[str, str], ...] = ()
    properties: Mapping[str, str] = {}
    timestamp: int | None = None
    without_service = False

    def __init__(self) -> None:
        self.series: dict[Definition, Values] = {}
        self.values: dict[tuple[Any, Any, Any], Values] = {}
        self.size = 0
        self.uses: dict[str, str] = {}
        self.dimensions: dict[str, str] = {}

    def describe_like(self, other: EmfContext) -> None:
        """Take over dimensions, properties and timestamp."""
        self.uses = {name: use for name, use in other.uses.items() if use != "metric"}
        self.dimensions = dict(other.dimensions)
        self.further_sets = tuple(map(dict, other.further_sets))
        self.properties = other.properties
        self.timestamp = other.timestamp
        self.without_service = other.without_service


def lines(
    context: EmfContext,
    namespace: str,
    resolved: Resolved,
    defaults: dict[str, str],
    problems: list[Exception],
) -> str:
    """Return what is recorded as documents, each one line with its newline.

    Args:
        context: what is recorded; at least one metric.
        namespace: the set's own namespace, or the configured one.
        resolved: what is configured.
        defaults: the default dimensions.
        problems: what is wrong is added here.
    """
    service = None if context.without_service else resolved.service
    timestamp = context.timestamp or time.time_ns() // 1_000_000
    dimensions, series = context.dimensions, context.series
    if (
        context.size <= MAX_VALUES
        and len(dimensions) < MAX_DIMENSIONS
        and not (defaults or context.repeats or context.properties or context.further_sets or resolved.level)
    ):  # nearly always; what follows would come to the same
        directive = _directive(namespace, (tuple(dimensions.items()),), service, tuple(series))
        members = "".join(
            [
                f"{definition.member}{values[0]!r}]" if len(values) == 1 else _member(definition, values)
                for definition, values in series.items()
            ]
        )
        text = f'{{"_aws":{{"Timestamp":{timestamp}{directive}{members}}}\n'
        if len(text) <= MAX_DOCUMENT_BYTES:
            return text
    text, left_out = _documents(
        context,
        namespace,
        _dimension_sets(context, service, defaults, problems),
        timestamp,
        _level_marks(resolved.level, defaults, context, problems) if resolved.level else "",
    )
    problems += [
        refused(f"property {shorten(name)} is left out: no document of 256 KB has room for it") for name in left_out
    ]
    return text


def _dimension_sets(
    context: EmfContext, service: str | None, defaults: dict[str, str], problems: list[Exception]
) -> DimensionSets:
    """Return the dimension sets of a document: default and own dimensions, then the service; then further sets."""
    for name in [name for name in defaults if context.uses.get(name, "dimension") != "dimension"]:
        problems.append(refused(f"default dimension {name!r} is left out: a metric or property has its name"))
        defaults = {other: value for other, value in defaults.items() if other != name}
    sets = []
    values = {**defaults, **context.dimensions}
    for further in context.further_sets:
        values |= further
    primary = {**defaults, **context.dimensions}
    if service:
        primary["service"] = values.setdefault("service", service)
    for names in (primary, *({**defaults, **further} for further in context.further_sets)):
        pairs = tuple([(name, values[name]) for name in names])
        for name, _ in pairs[MAX_DIMENSIONS:]:
            problems.append(refused(f"dimension {name!r} is left out: CloudWatch takes {MAX_DIMENSIONS}"))
        sets.append(pairs[:MAX_DIMENSIONS])
    return tuple(sets)


def _level_marks(level: str, defaults: dict[str, str], context: EmfContext, problems: list[Exception]) -> str:
    """Return the members that let a document pass Lambda's filter: a level, and a time without which it is ignored.

    Source and what could not be tried: docs/decisions/metrics.md.
    """
    from shared_utils.logging.fields import timestamp

    marks = {"level": level, "timestamp": timestamp()}
    taken = marks.keys() & {*defaults, *context.uses}
    problems += [
        refused(f"Lambda filters by {name!r} under log level {level}, and drops what has another there; rename it")
        for name in sorted(taken)
    ]
    return "".join([f',"{name}":"{text}"' for name, text in marks.items() if name not in taken])


def _documents(
    context: EmfContext, namespace: str, dimension_sets: DimensionSets, timestamp: int, marks: str = ""
) -> tuple[str, list[str]]:
    """Write metrics as documents, as few as the limits allow, each one line with its newline.

    Args:
        context: what is recorded; at least one metric. Its properties are repeated in every document.
        namespace: checked by `check_namespace`.
        dimension_sets: the dimension sets, checked by `check_dimension`; a name has one value in all of them.
        timestamp: milliseconds since 1970.
        marks: further members as JSON text, each with a leading comma.

    Returns:
        The lines, and the names of the properties that had to be left out because no document had room for them.
    """
    fragments = [
        (definition, _member(definition, values[start : start + MAX_VALUES]))
        for definition, values in context.series.items()
        for start in range(0, len(values), MAX_VALUES)
    ]
    properties = {name: f",{_quote(name)}:{text}" for name, text in context.properties.items()}
    tail = f"{''.join(properties.values())}{marks}"
    empty = _line(timestamp, _directive(namespace, dimension_sets, None, ()), (), tail)
    room = MAX_DOCUMENT_BYTES - len(empty) + 1  # the first definition has no comma before it
    largest = max(map(_size, fragments))
    left_out = []
    while properties and room < largest:
        name = max(properties, key=lambda candidate: len(properties[candidate]))
        room += len(properties.pop(name))
        left_out.append(name)
    tail = f"{''.join(properties.values())}{marks}"
    pages = (zip(*page, strict=True) for page in _pages(fragments, room))
    texts = [
        _line(timestamp, _directive(namespace, dimension_sets, None, definitions), members, tail)
        for definitions, members in pages
    ]
    return "".join(texts), left_out


def _member(definition: Definition, values: Values) -> str:
    return f"{definition.member}{','.join(map(repr, values))}]"


def _line(timestamp: int, directive: str, members: Iterable[str], tail: str) -> str:
    return f'{{"_aws":{{"Timestamp":{timestamp}{directive}{"".join(members)}{tail}}}\n'


@lru_cache(maxsize=64)
def _directive(
    namespace: str, dimension_sets: DimensionSets, service: str | None, definitions: tuple[Definition, ...]
) -> str:
    """Return a document after its timestamp and before its values: the directive, and the dimensions' members.

    `service` is added to the first set, unless that has one.
    """
    first = dict(dimension_sets[0])
    if service:
        first.setdefault("service", service)
    dimension_sets = (tuple(first.items()), *dimension_sets[1:])
    names = ",".join([f"[{','.join([_quote(name) for name, _ in dimensions])}]" for dimensions in dimension_sets])
    metrics = ",".join([definition.text for definition in definitions])
    values = dict([pair for dimensions in dimension_sets for pair in dimensions])
    members = "".join([f",{_quote(name)}:{_quote(value)}" for name, value in values.items()])
    directive = f'{{"Namespace":{_quote(namespace)},"Dimensions":[{names}],"Metrics":[{metrics}]}}'
    return f',"CloudWatchMetrics":[{directive}]}}{members}'


def _size(fragment: _Fragment) -> int:
    """Return the characters that a metric takes in a document, with the comma between definitions."""
    return len(fragment[0].text) + len(fragment[1]) + 1


def _pages(fragments: list[_Fragment], room: int) -> list[list[_Fragment]]:
    """Spread metrics over documents: at most 100 and `room` characters in each, and none twice.

    A metric comes twice when it has more than 100 values, or values in two units or resolutions.
    """
    pages: list[dict[str, _Fragment]] = []  # by name
    rooms: list[int] = []
    open_pages: list[int] = []
    for fragment in fragments:
        name, need = fragment[0].name, _size(fragment)
        for number in open_pages:
            if rooms[number] >= need and name not in pages[number]:
                break
        else:
            number = len(pages)
            pages.append({})
            rooms.append(room)
            open_pages.append(number)
        pages[number][name] = fragment
        rooms[number] -= need
        if len(pages[number]) == MAX_METRICS:
            open_pages.remove(number)
    return [list(page.values()) for page in pages]


def property_json(name: str, value: Any) -> str:
    """Return a property's value as strict JSON in ASCII, redacted like a line's value and cut at half a document."""
    from shared_utils._json import JSONConverter

    record: dict[str, Any] = {}
    JSONConverter(MAX_DOCUMENT_BYTES // 2).items([(name, value)], record)
    text = json.dumps(next(iter(record.values())), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # A lone surrogate is no character: UTF-8 cannot carry it, nor would every parser take its escape.
    return text if text.isascii() else json.dumps(json.loads(text.encode("utf-8", "replace")), separators=(",", ":"))
