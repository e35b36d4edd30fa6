"""Writing documents in CloudWatch's embedded metric format.

Text is assembled from JSON fragments instead of encoding one dictionary: each fragment's length is known when documents
are split by size, and a metric's definition is encoded once in a process.

Sources: "Specification: Embedded metric format" (CloudWatch user guide) for the structure; 256 KB is what Lambda and
CloudWatch Logs take as one log event everywhere (docs/decisions/metrics.md). A longer line is cut, and a cut
document is none.
"""

from __future__ import annotations

import json
from functools import lru_cache

from shared_utils.metrics.limits import MAX_METRICS, MAX_VALUES, check_name, resolution_value, unit_value

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TypeAlias

__all__ = ["DEFINITIONS", "MAX_DOCUMENT_BYTES", "Definition", "define", "documents"]

MAX_DOCUMENT_BYTES = 256 * 1024
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
    if few or _stand_once(series):  # nearly always
        lines = [
            _line(
                head,
                [definition.text for definition, _ in page],
                tail,
                [
                    f",{definition.names}:[{repr(values[0]) if len(values) == 1 else ','.join(map(repr, values))}]"
                    for definition, values in page
                ],
            )
            for page in ([series] if few else _hundreds(series))
        ]
        if max(map(len, lines)) <= MAX_DOCUMENT_BYTES:
            return "".join(lines), []
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


def _stand_once(series: Sequence[tuple[Definition, list[int | float]]]) -> bool:
    """Whether no metric needs a second document: at most 100 values each, in one unit and resolution."""
    names = {definition.name for definition, values in series if len(values) <= MAX_VALUES}
    return len(names) == len(series)


def _hundreds(series: Sequence[tuple[Definition, list[int | float]]]) -> list[Any]:
    return [series[start : start + MAX_METRICS] for start in range(0, len(series), MAX_METRICS)]


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
