"""Whatever is recorded: valid documents or a clear error, and every accepted value in exactly one of them."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_utils import metrics
from shared_utils.errors import MetricsError
from shared_utils.metrics.registry import Registry
from shared_utils.metrics.scopes import Scope
from tests.support import emf

UNITS = [unit.value for unit in metrics.Unit]
# Arbitrary text, and little of it, so that names meet each other; now and then one at a limit.
NAMES = st.one_of(
    st.text(max_size=3),
    st.sampled_from(["a", "b", "c", "service", "_aws", "Timestamp", 'quo"te', "back\\slash", ", "]),
    st.integers(254, 257).map("n".__mul__),
)
NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.booleans(),
    st.decimals(),
    st.fractions(),
    st.sampled_from([2**63, -(2**63) - 1, 2.0**360, -(2.0**360), 2.0**360 * 1.1, 10**400]),
)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.dates(), st.uuids()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(st.text(), st.integers(), st.tuples(st.integers())), inner, max_size=3),
    ),
    max_leaves=8,
)
STEPS = st.one_of(
    st.tuples(st.just("add"), NAMES, NUMBERS, st.sampled_from([*UNITS, "CountPerSecond", "Millisecond", ""])),
    st.tuples(st.just("fast"), NAMES, NUMBERS, st.sampled_from(UNITS)),
    st.tuples(st.just("burst"), NAMES, st.integers(0, 250)),
    st.tuples(st.just("dimensions"), st.dictionaries(NAMES, st.one_of(ANYTHING, st.text(max_size=5)), max_size=4)),
    st.tuples(st.just("set"), st.dictionaries(NAMES, st.text(max_size=5), max_size=3)),
    st.tuples(st.just("default"), st.dictionaries(NAMES, st.text(max_size=5), max_size=2)),
    st.tuples(st.just("properties"), st.dictionaries(NAMES, ANYTHING, max_size=3)),
    st.tuples(st.just("flush")),
    st.tuples(st.just("scope"), st.dictionaries(NAMES, st.text(max_size=5), max_size=2), NAMES, NUMBERS),
)
Written = Counter[tuple[str, str, int, float]]


def written_values(text: str) -> Written:
    """Return how often each (name, unit, resolution, value) stands in the documents, all of which are checked."""
    found: Written = Counter()
    for document in emf.parse_all(text):
        for directive in document["_aws"]["CloudWatchMetrics"]:
            for metric in directive["Metrics"]:
                for value in document[metric["Name"]]:
                    found[metric["Name"], metric["Unit"], metric.get("StorageResolution", 60), value] += 1
    return found


def make_registry(lines: list[str], *, strict: bool) -> Registry:
    """Return a registry of its own that writes into a list."""
    registry = Registry()
    registry.sink = lines.append
    registry.settings.configure(namespace="Tests", service="todos", strict=strict)
    return registry


def perform(registry: Registry, step: tuple[Any, ...], expected: Written) -> None:
    """Do one step; count what was accepted, which is what did not raise."""
    kind, *arguments = step
    if kind in ("add", "fast"):
        name, value, unit = arguments
        resolution = 1 if kind == "fast" else 60
        registry.main.add(name, value, unit, resolution)
        expected[name, "Count/Second" if unit == "CountPerSecond" else unit, resolution, plain(value)] += 1
    elif kind == "burst":
        name, count = arguments
        for value in range(count):
            registry.main.count(name, value)
            expected[name, "Count", 60, value] += 1
    elif kind == "scope":
        dimensions, name, value = arguments
        with Scope(registry, None, dimensions, {}) as scope:
            scope.add(name, value, "None")
            expected[name, "None", 60, plain(value)] += 1
    elif kind == "flush":
        registry.flush()
    else:
        call = {
            "dimensions": registry.main.dimensions,
            "set": registry.main.dimension_set,
            "properties": registry.main.properties,
            "default": lambda values: registry.add_default_dimensions(values, {}),
        }[kind]
        call(*arguments)


def plain(value: Any) -> float:
    """Return a number as it must be read from the document."""
    return int(value) if isinstance(value, int) and -(2**63) <= value < 2**63 else float(value)


@settings(max_examples=150)
@given(st.lists(STEPS, max_size=25))
def test_any_sequence_of_calls_gives_valid_documents_with_every_accepted_value(steps: list[tuple[Any, ...]]) -> None:
    """Strict: each call is accepted or raises MetricsError; what was accepted is written once, what was not is not."""
    lines: list[str] = []
    registry = make_registry(lines, strict=True)
    expected: Written = Counter()
    for step in steps:
        with suppress(MetricsError):
            perform(registry, step, expected)
    registry.settings.configure(strict=False)
    registry.finish()
    assert written_values("".join(lines)) == expected


@settings(max_examples=100)
@given(st.lists(STEPS, max_size=25))
def test_in_production_no_call_ever_raises_and_every_document_is_valid(steps: list[tuple[Any, ...]]) -> None:
    """Not strict: the same calls never raise, and each refused one is an error line, not a document."""
    lines: list[str] = []
    registry = make_registry(lines, strict=False)
    for step in steps:
        if step[0] not in ("add", "fast", "burst", "scope"):
            perform(registry, step, Counter())
        elif step[0] == "scope":
            with Scope(registry, None, step[1], {}) as scope:
                scope.add(step[2], step[3], "None")
        elif step[0] == "burst":
            registry.main.count(step[1], step[2])
        else:
            registry.main.add(step[1], step[2], step[3], 1)
    registry.finish()
    emf.parse_all("".join(lines))


@settings(max_examples=30)
@given(names=st.integers(1, 230), values=st.integers(1, 230), length=st.sampled_from([3, 255]))
def test_more_than_a_document_holds_is_split_and_never_dropped(names: int, values: int, length: int) -> None:
    """Names by the hundred and values by the hundred come out in documents of at most 100 of each."""
    lines: list[str] = []
    registry = make_registry(lines, strict=True)
    expected: Written = Counter()
    for number in range(names):
        name = f"m{number}".ljust(length, "x")
        for value in range(values if number < 40 else 1):
            registry.main.add(name, value, "Count")
            expected[name, "Count", 60, value] += 1
    registry.flush()
    assert written_values("".join(lines)) == expected


def test_a_document_is_never_longer_than_what_lambda_takes() -> None:
    """100 metrics of 100 long values and long names take two lines of 256 KB at most, and the first is full."""
    lines: list[str] = []
    registry = make_registry(lines, strict=True)
    expected: Written = Counter()
    for number in range(100):
        name = f'"{number}'.ljust(255, '"')  # each quote takes two characters, in two places
        for value in range(100):
            registry.main.add(name, -1.2345678901234567e100 - value, "Terabytes/Second", 1)
            expected[name, "Terabytes/Second", 1, -1.2345678901234567e100 - value] += 1
    registry.main.dimensions({f'{number}"'.ljust(250, '"'): '"' * 1024 for number in range(29)})
    registry.main.properties(note="x" * 50_000)
    registry.flush()
    text = "".join(lines)
    assert written_values(text) == expected
    sizes = [len(line) for line in text.splitlines(keepends=True)]
    assert len(sizes) == 2
    assert min(sizes[:-1]) > emf.MAX_LINE_BYTES - 10_000


@pytest.mark.parametrize("extra", range(-3, 4))
def test_the_limit_of_a_line_is_met_exactly(extra: int) -> None:
    """A document of exactly 256 KB with its newline is one line; one character more makes it two."""
    lines: list[str] = []
    registry = make_registry(lines, strict=True)
    for number in range(2):
        registry.main.count(f"m{number}")
    registry.main.properties(p="", q="")
    empty = len(registry.preview(registry.main))
    first = (emf.MAX_LINE_BYTES - empty) // 2
    registry.main.properties(p="x" * first, q="x" * (emf.MAX_LINE_BYTES - empty - first + extra))
    registry.flush()
    documents = emf.parse_all("".join(lines))
    assert len(documents) == (1 if extra <= 0 else 2)
    assert sum("m0" in document for document in documents) == sum("m1" in document for document in documents) == 1


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_properties_give_way_to_the_character(extra: int) -> None:
    """Where one metric and all of them are a document of exactly 256 KB, none is left out."""
    lines: list[str] = []
    registry = make_registry(lines, strict=True)
    registry.main.count("A")
    registry.main.properties(p="", q="")
    empty = len(registry.preview(registry.main))
    first = (emf.MAX_LINE_BYTES - empty) // 2
    registry.main.properties(p="x" * first, q="x" * (emf.MAX_LINE_BYTES - empty - first + extra))
    if extra > 0:
        with pytest.raises(MetricsError, match=r"property '[pq]' is left out"):
            registry.flush()
    else:
        registry.flush()
    (document,) = emf.parse_all("".join(lines))
    assert len(document.keys() & {"p", "q"}) == (2 if extra <= 0 else 1)
    assert document["A"] == [1]


def test_properties_give_way_to_metrics_with_an_error() -> None:
    """Properties that leave no room for a metric are left out, the longest first, and it is said."""
    lines: list[str] = []
    registry = make_registry(lines, strict=True)
    registry.main.properties(small=1, one="x" * 131_000, large="y" * 131_050)
    registry.main.count("A")
    with pytest.raises(MetricsError, match="property 'large' is left out: no document of 256 KB has room for it"):
        registry.flush()
    (document,) = emf.parse_all("".join(lines))
    assert document["A"] == [1]
    assert document["small"] == 1
    assert len(document["one"]) == 131_000
    assert "large" not in document


def test_as_many_properties_give_way_as_leave_room() -> None:
    """One after the other, until a document of 256 KB has room."""
    lines: list[str] = []
    registry = make_registry(lines, strict=True)
    registry.main.properties(small=1, **dict.fromkeys("abcd", "x" * 131000))
    registry.main.count("A")
    with pytest.raises(MetricsError, match="is left out"):
        registry.flush()
    (line,) = "".join(lines).splitlines(keepends=True)
    assert len(line) <= emf.MAX_LINE_BYTES
    (document,) = emf.parse_all(line)
    assert len(document.keys() & set("abcd")) == 1
    assert (document["A"], document["small"]) == ([1], 1)


def test_a_property_of_any_size_is_cut_to_half_a_document() -> None:
    """A single huge property is shortened where it is, so that something of it is there."""
    lines: list[str] = []
    registry = make_registry(lines, strict=True)
    registry.main.properties(big=["abc" * 100] * 10_000)
    registry.main.count("A")
    registry.flush()
    (document,) = emf.parse_all("".join(lines))
    assert document["big"][0] == "abc" * 100


def test_threads_may_record_while_others_flush() -> None:
    """Values of eight threads come out once each, though two more threads write documents all the time."""
    lines: list[str] = []
    registry = make_registry(lines, strict=True)
    workers, rounds = 8, 60
    done = threading.Event()

    def record(worker: int) -> None:
        for number in range(rounds):
            registry.main.add(f"w{worker}", number, "Count")
            registry.main.add("shared", worker * rounds + number, "Bytes" if number % 2 else "Count")
            registry.main.dimensions({f"d{worker}": number})
            with Scope(registry, None, {"worker": worker}, {}) as scope:
                scope.count("scoped")

    def write() -> None:
        while not done.is_set():
            registry.flush()

    writers = [threading.Thread(target=write) for _ in range(2)]
    recorders = [threading.Thread(target=record, args=(worker,)) for worker in range(workers)]
    for thread in (*writers, *recorders):
        thread.start()
    for thread in recorders:
        thread.join()
    done.set()
    for thread in writers:
        thread.join()
    registry.finish()
    found = written_values("".join(lines))
    assert sum(found.values()) == workers * rounds * 3
    for worker in range(workers):
        assert sum(count for (name, *_), count in found.items() if name == f"w{worker}") == rounds
    assert all(count == 1 for (name, *_), count in found.items() if name == "shared")


def test_values_without_end_are_written_early_and_keep_what_describes_them() -> None:
    """A script that never flushes does not keep everything in memory; its dimensions stay on all documents."""
    lines: list[str] = []
    registry = make_registry(lines, strict=True)
    registry.main.dimensions(job="import")
    for number in range(25_000):
        registry.main.count("Rows", number)
    assert lines
    registry.finish()
    documents = emf.parse_all("".join(lines))
    assert Counter(value for document in documents for value in document["Rows"]) == Counter(range(25_000))
    assert {document["job"] for document in documents} == {"import"}
