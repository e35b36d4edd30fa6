"""What a handler records is written as valid documents, in the invocation's or a scope's."""

from __future__ import annotations

import asyncio
import contextvars
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared_utils import metrics
from shared_utils.errors import MetricsError
from shared_utils.metrics import emf
from tests.support.emf import values

pytestmark = pytest.mark.usefixtures("strict")


def test_a_count_is_written_with_namespace_and_service(written: Any) -> None:
    """One count is one document with the namespace and service of the environment."""
    metrics.count("TodosListed")
    before = time.time_ns() // 1_000_000
    (document,) = written()
    aws = document.pop("_aws")
    assert document == {"service": "todos", "TodosListed": [1]}
    assert aws["CloudWatchMetrics"] == [
        {
            "Namespace": "Tests",
            "Dimensions": [["service"]],
            "Metrics": [{"Name": "TodosListed", "Unit": "Count"}],
        }
    ]
    assert 0 <= aws["Timestamp"] - before < 60_000


def test_nothing_recorded_writes_nothing(written: Any) -> None:
    """A flush without metrics is silent, whatever else was set."""
    metrics.dimensions(operation="list")
    metrics.properties(id=1)
    assert written() == []


def test_values_of_one_metric_are_collected_in_order(written: Any) -> None:
    """Several values of one metric are an array in the order in which they came."""
    for value in (3, 1.5, 2):
        metrics.add("Size", value, "Bytes")
    assert written()[0]["Size"] == [3, 1.5, 2]


def test_json_in_names_and_values_is_escaped(written: Any) -> None:
    """Quotes, backslashes and commas in names come out as they went in."""
    metrics.add('say "hi", \\ ok', 1, "Count")
    metrics.dimensions({'a "b", c': '{"x": [1, 2]}'})
    (document,) = written()
    assert document['say "hi", \\ ok'] == [1]
    assert document['a "b", c'] == '{"x": [1, 2]}'


def test_all_that_is_wrong_with_a_call_is_said_at_once() -> None:
    """Three bad dimensions are one error that names each of them."""
    with pytest.raises(MetricsError, match=r"'a'.*'b'.*':c'"):
        metrics.dimensions({"a": "", "b": None, ":c": "x", "good": "y"})


def test_properties_may_be_anything_and_are_strict_json(written: Any) -> None:
    """What JSON has no word for is written as text, and the line stays one that any parser reads."""
    circular: dict[str, Any] = {}
    circular["self"] = circular

    class Silent:
        def __str__(self) -> str:
            raise RuntimeError

    metrics.count("A")
    metrics.properties(
        {"Ü": "ä", ("t",): 1}, nan=float("nan"), loop=circular, silent=Silent(), lone="\ud800", emoji="😀", big=10**5000
    )
    metrics.properties(keys={(1, 2): {3}}, nested=[[float("inf")]], password="hunter2", token=None)
    (document,) = written()
    assert document["Ü"] == "ä"
    assert document["nan"] == "NaN"
    assert document["nested"] == [["Infinity"]]
    assert document["emoji"] == "😀"
    assert document["keys"] == {"(1, 2)": [3]}
    assert document["password"] == "[REDACTED]"
    json.dumps(document, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"x": [1, "a"], "y": None}, '{"x":[1,"a"],"y":null}'),
        ({"x": [1, "ü"], "y": 1.5}, '{"x":[1,"\\u00fc"],"y":1.5}'),
        ("\ud800ü", '"?\\u00fc"'),
        ("😀", '"\\ud83d\\ude00"'),
        ("", '""'),
    ],
)
def test_a_property_is_short_json_in_ascii(value: Any, text: str) -> None:
    """Without spaces, whatever characters it holds."""
    assert emf.property_json("a", value) == text


def test_in_a_scope_the_modules_functions_record_into_it(documents: Any) -> None:
    """Whatever is recorded within the block, by whichever function, is in the scope's document."""

    def library() -> None:
        metrics.count("Inner")
        metrics.properties(id=1)

    metrics.default_dimensions(stage="dev")
    metrics.dimensions(outer="yes")
    metrics.count("Outer")
    with metrics.scope({"kind": "x"}, namespace="Scoped", operation="import") as scope:
        library()
        scope.add("Own", 2, "Bytes")
        with metrics.scope(nested="yes"):
            metrics.count("Nested")
        with scope.timer("Took"):
            pass
    metrics.count("Outer")
    metrics.flush()
    nested, scoped, outer = documents()
    assert nested["Nested"] == [1]
    assert (nested["nested"], nested["stage"]) == ("yes", "dev")
    assert "kind" not in nested
    assert (scoped["Inner"], scoped["Own"], len(scoped["Took"]), scoped["id"]) == ([1], [2], 1, 1)
    assert scoped["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Scoped"
    assert scoped["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["stage", "kind", "operation", "service"]]
    assert "outer" not in scoped
    assert (outer["Outer"], outer["outer"]) == ([1, 1], "yes")


def test_a_scope_belongs_to_its_task(documents: Any) -> None:
    """Tasks that run at the same time record into their own scopes."""

    async def work(name: str) -> None:
        with metrics.scope(task=name):
            for _ in range(3):
                metrics.count("Steps")
                await asyncio.sleep(0)

    async def both() -> None:
        await asyncio.gather(work("a"), work("b"))

    asyncio.run(both())
    assert sorted((document["task"], len(document["Steps"])) for document in documents()) == [("a", 3), ("b", 3)]


def test_what_comes_after_a_scopes_end_is_not_lost(documents: Any) -> None:
    """A value recorded through the scope object later goes out with the next flush, with the scope's dimensions."""
    with metrics.scope(kind="x") as scope:
        pass
    scope.count("Late")
    metrics.flush()
    (document,) = documents()
    assert (document["Late"], document["kind"]) == ([1], "x")


# --- scopes ---


def test_a_scope_may_be_opened_by_async_with(documents: Any) -> None:
    """`async with` does what `with` does, in each task on its own."""

    async def work(name: str) -> None:
        async with metrics.scope(task=name) as scope:
            metrics.count("Module")
            await asyncio.sleep(0)
            scope.count("Own")

    async def both() -> None:
        await asyncio.gather(work("a"), work("b"))

    asyncio.run(both())
    found = [(document["task"], document["Module"], document["Own"]) for document in documents()]
    assert sorted(found) == [("a", [1], [1]), ("b", [1], [1])]


def test_work_that_takes_the_context_along_records_into_the_scope(documents: Any) -> None:
    """Work of a pool in a copied context, asyncio's threads and tasks belong to the scope; a bare thread does not."""

    async def start() -> None:
        await asyncio.to_thread(metrics.count, "Thread")
        await asyncio.create_task(asyncio.to_thread(metrics.count, "Task"))

    with ThreadPoolExecutor(2) as pool, metrics.scope(kind="scoped"):
        pool.submit(contextvars.copy_context().run, metrics.count, "Pool").result()
        pool.submit(contextvars.copy_context().run, metrics.properties, id=7).result()
        asyncio.run(start())
        pool.submit(metrics.count, "Bare").result()
    metrics.flush()
    scoped, bare = documents()
    assert (scoped["Pool"], scoped["Thread"], scoped["Task"], scoped["id"]) == ([1], [1], [1], 7)
    assert (bare["Bare"], "kind" in bare) == ([1], False)


@pytest.mark.parametrize("order", [("first", "second"), ("second", "first")])
def test_scopes_of_generators_that_take_turns_end_whichever_ends_first(order: tuple[str, str], documents: Any) -> None:
    """When both have ended nothing is recorded into either, whatever the order."""

    def steps(name: str) -> Iterator[None]:
        with metrics.scope(generator=name):
            yield

    generators = {name: steps(name) for name in ("first", "second")}
    for generator in generators.values():
        next(generator)
    next(generators[order[0]], None)
    metrics.count("Between")
    next(generators[order[1]], None)
    metrics.count("After")
    metrics.flush()
    between, after = documents()
    assert (between["generator"], between["Between"]) == (order[1], [1])
    assert ("generator" in after, after["After"]) == (False, [1])


def test_a_scope_may_be_entered_again_and_within_itself(documents: Any) -> None:
    """Each end writes; the outer block goes on recording into it after the inner one's end."""
    scope = metrics.scope(kind="x")
    with scope, metrics.scope(kind="y"):
        with scope:
            metrics.count("Inner")
        metrics.count("Y")
    with scope:
        metrics.count("Again")
    found = documents()
    assert [(one["kind"], next(name for name in one if name[0] in "IYA")) for one in found] == [
        ("x", "Inner"),
        ("y", "Y"),
        ("x", "Again"),
    ]


# --- the service ---


def test_the_service_can_be_left_out(documents: Any) -> None:
    """`service=None` leaves it out of a scope or a document, and only there; alarms may have been made without."""
    with metrics.scope(service=None, kind="x") as scope:
        scope.count("A")
    metrics.dimensions(service=None)
    metrics.count("A")
    metrics.flush()
    metrics.count("A")
    metrics.flush()
    metrics.dimensions(service=None)
    metrics.dimensions(service="again")
    metrics.count("A")
    metrics.flush()
    metrics.dimensions(service="own")
    metrics.dimensions(service=None)
    metrics.dimension_set(service=None, region="eu")
    metrics.count("A")
    metrics.flush()
    found = [one["_aws"]["CloudWatchMetrics"][0]["Dimensions"] for one in documents()]
    assert found == [[["kind"]], [[]], [["service"]], [["service"]], [[], ["region"]]]


def test_without_the_service_there_is_room_for_thirty_of_ones_own(documents: Any) -> None:
    """A document that leaves the service out has its place for another dimension."""
    with metrics.scope({f"d{number}": number for number in range(30)}, service=None) as scope:
        scope.count("A")
    (document,) = documents()
    assert len(document["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]) == 30
    with pytest.raises(MetricsError, match="no room for dimension 'd29'"):
        metrics.scope({f"d{number}": number for number in range(30)})


def test_an_own_service_beats_the_configured_one(documents: Any) -> None:
    """A dimension `service` of the document's own is its service, in every set, and so is a default one."""
    with metrics.scope(service="own") as scope:
        scope.count("A")
    metrics.default_dimensions(service="default")
    with metrics.scope(kind="x") as scope:
        scope.count("A")
    scoped, defaulted = documents()
    assert (scoped["service"], defaulted["service"]) == ("own", "default")
    metrics._registry.settings.default_dimensions.clear()
    metrics.dimensions(service="own")
    metrics.dimension_set(service="own", region="eu")
    metrics.count("A")
    metrics.flush()
    (document,) = documents()
    assert document["service"] == "own"
    assert document["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"], ["service", "region"]]


def test_a_further_set_stays_within_thirty(documents: Any) -> None:
    """Default dimensions count in every set, later ones too; what is beyond thirty is left out and said."""
    metrics.default_dimensions({f"early{number}": "x" for number in range(5)})
    metrics.dimension_set({f"d{number}": number for number in range(25)})
    with pytest.raises(MetricsError, match="no room for dimension 'more': CloudWatch takes 30"):
        metrics.dimension_set({f"e{number}": number for number in range(25)}, more="x")
    metrics.default_dimensions({f"late{number}": "x" for number in range(10)})
    metrics.count("A")
    with pytest.raises(MetricsError, match=r"dimension 'd15' is left out: CloudWatch takes 30.*'e24'"):
        metrics.flush()
    (document,) = documents()
    sets = document["_aws"]["CloudWatchMetrics"][0]["Dimensions"]
    assert [len(names) for names in sets] == [16, 30, 30]
    assert all(names[:5] == [f"early{number}" for number in range(5)] for names in sets)


def test_what_describes_a_document_keeps_its_meaning_in_the_next(documents: Any) -> None:
    """Names of a scope's dimensions, and of a document that goes on after a time-out, stay what they are."""
    scope = metrics.scope(kind="x")
    with scope:
        scope.count("Kind")
    for number in range(2):
        with (
            scope,
            pytest.raises(MetricsError, match="'kind' is a dimension of this document and cannot be a metric too"),
        ):
            scope.count("kind", number)
    metrics.count("A")
    metrics.dimensions(stage="dev")
    metrics.dimension_set(region="eu")
    metrics.properties(id=7)
    metrics.timestamp(then := time.time_ns() // 1_000_000 - 60_000)
    metrics._registry.timing_out(None)  # type: ignore[arg-type]  # outside of an invocation
    for name in ("stage", "region", "id"):
        with pytest.raises(MetricsError, match=f"'{name}' is a .* cannot be a metric too"):
            metrics.count(name)
    metrics.properties(A=1)  # the metric of this name has been written
    metrics.count("B")
    metrics.flush()
    *_, last = documents()
    assert (last["stage"], last["region"], last["id"], last["A"]) == ("dev", "eu", 7, 1)
    assert last["_aws"]["Timestamp"] == then


def test_metric_names_made_up_at_run_time_are_not_kept_for_ever(documents: Any) -> None:
    """The memory for definitions is bounded, and a metric goes on when it is made anew within its document."""
    emf.DEFINITIONS.clear()
    for number in range(4096):
        metrics.count(f"m{number}")
    assert len(emf.DEFINITIONS) == 4096
    metrics.count("m0")
    metrics.count("one more")
    metrics.count("m0")
    assert len(emf.DEFINITIONS) < 10
    metrics.flush()
    assert values(documents(), "m0") == [1, 1, 1]


def test_a_service_that_comes_after_thirty_dimensions_is_left_out(
    documents: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had room for none when they were set, so the document stays valid and the service is said to be missing."""
    monkeypatch.delenv("POWERTOOLS_SERVICE_NAME")
    metrics.dimensions({f"d{number}": number for number in range(30)})
    metrics.count("A")
    metrics.configure(service="late")
    with pytest.raises(MetricsError, match="dimension 'service' is left out: CloudWatch takes 30"):
        metrics.flush()
    (document,) = documents()
    assert "service" not in document["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]


def test_a_default_dimension_gives_way_to_a_metric_of_its_name(documents: Any) -> None:
    """A document that has the name for something else leaves the default out, says so, and keeps others."""
    scope = metrics.scope(kind="x")
    scope.count("taken")
    metrics.default_dimensions(taken="x", stage="dev")
    with pytest.raises(MetricsError, match="default dimension 'taken' is left out: a metric or property has its name"):
        metrics.flush()
    (document,) = documents()
    assert document["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["stage", "kind", "service"]]
    assert (document["taken"], document["stage"]) == ([1], "dev")
