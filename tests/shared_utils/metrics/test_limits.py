"""What CloudWatch would refuse is said at the call; numbers, units and texts of other types are converted."""

from __future__ import annotations

import enum
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from shared_utils import metrics
from shared_utils.errors import MetricsError

pytestmark = pytest.mark.usefixtures("strict")


@pytest.mark.parametrize("unit", ["Milliseconds", metrics.Unit.Milliseconds])
def test_units_are_strings_or_members_of_the_enum(unit: Any, written: Any) -> None:
    """A unit may be CloudWatch's word or a member of Unit."""
    metrics.add("Time", 1, unit)
    assert written()[0]["_aws"]["CloudWatchMetrics"][0]["Metrics"] == [{"Name": "Time", "Unit": "Milliseconds"}]


def test_the_enum_has_all_units_of_cloudwatch_and_no_others() -> None:
    """Unit and the table of accepted spellings name the same 27 units."""
    from shared_utils.metrics.limits import UNITS

    assert [unit.value for unit in metrics.Unit] == list(dict.fromkeys(UNITS.values()))
    assert len(metrics.Unit) == 27
    assert {unit.name for unit in metrics.Unit} <= set(UNITS)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("Millisecond", "Milliseconds"), ("milliseconds", "Milliseconds"), ("ms", "Milliseconds"), ("COUNT", "Count")],
)
def test_a_unit_that_does_not_exist_names_the_nearest_and_all(wrong: str, right: str) -> None:
    """The error for a unit says which one was probably meant, and lists all that exist."""
    with pytest.raises(MetricsError) as caught:
        metrics.add("Time", 1, wrong)
    assert f"unit {wrong!r} does not exist; did you mean {right!r}?" in str(caught.value)
    for unit in metrics.Unit:
        assert unit.value in str(caught.value)


@pytest.mark.parametrize("unit", [None, 3, ["Count"], "", object()])
def test_a_unit_of_another_kind_is_refused(unit: Any) -> None:
    """Anything that is no unit at all gets the list of units too."""
    with pytest.raises(MetricsError, match=r"does not exist.*Count/Second, None"):
        metrics.add("Time", 1, unit)


class Colour(enum.IntEnum):
    """An int that JSON would not write as one."""

    RED = 7


class Floaty:
    """Like a numpy scalar: no number, but converts to one."""

    def __float__(self) -> float:
        return 2.5


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, 1),
        (Colour.RED, 7),
        (Decimal("1.25"), 1.25),
        (Fraction(1, 4), 0.25),
        (Floaty(), 2.5),
        (2**62, 2**62),
        (-(2**200), -(2.0**200)),
        (0.0, 0.0),
    ],
)
def test_whatever_is_a_number_is_written_as_one(value: Any, expected: float, written: Any) -> None:
    """Numbers of other types are converted, so that the document stays JSON."""
    metrics.add("Value", value, "None")
    assert written()[0]["Value"] == [expected]


class Raising:
    """Converts to nothing."""

    def __repr__(self) -> str:
        return "Raising()"  # without an address: xdist workers must agree on the test's name

    def __float__(self) -> float:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        -float("inf"),
        2.0**361,
        10**400,
        "5",
        b"5",
        None,
        [1],
        1j,
        Decimal("NaN"),
        Decimal("sNaN"),
        Raising(),
    ],
    ids=repr,
)
def test_a_value_that_cloudwatch_cannot_store_is_refused_and_others_stay(value: Any, written: Any) -> None:
    """A bad value is an error at the call and takes no other value with it."""
    metrics.add("Value", 1, "Count")
    with pytest.raises(MetricsError, match="metric 'Value'"):
        metrics.add("Value", value, "Count")
    assert written()[0]["Value"] == [1]


def test_high_resolution_is_written_and_the_default_is_not(written: Any) -> None:
    """Resolution 1 is stated, 60 is CloudWatch's default and left out."""
    metrics.add("Fast", 1, "Count", resolution=1)
    metrics.add("Slow", 1, "Count", resolution=60)
    assert written()[0]["_aws"]["CloudWatchMetrics"][0]["Metrics"] == [
        {"Name": "Fast", "Unit": "Count", "StorageResolution": 1},
        {"Name": "Slow", "Unit": "Count"},
    ]
    with pytest.raises(MetricsError, match="resolution 30 is not one of 1"):
        metrics.add("Slow", 1, "Count", resolution=30)


class Stage(str, enum.Enum):  # noqa: UP042 - the older form, whose str() is "Stage.DEV"
    """A string that is an enum member."""

    DEV = "dev"


class Unprintable:
    """Has no text."""

    def __str__(self) -> str:
        raise RuntimeError


def test_dimension_values_are_made_strings(written: Any) -> None:
    """Numbers, enum members and other objects are written as text; what has none is refused, and the others stay."""
    metrics.count("A")
    metrics.dimensions(number=7, stage=Stage.DEV, colour=Colour.RED, flag=True, share=Decimal("0.5"))
    with pytest.raises(MetricsError, match="value of dimension 'bad' cannot be made a string"):
        metrics.dimensions(before="x", bad=Unprintable(), after="y")
    (document,) = written()
    (names,) = document["_aws"]["CloudWatchMetrics"][0]["Dimensions"]
    assert {name: document[name] for name in names} == {
        "number": "7",
        "stage": "dev",
        "colour": "7",
        "flag": "True",
        "share": "0.5",
        "before": "x",
        "after": "y",
        "service": "todos",
    }


def test_a_custom_timestamp_accepts_datetime_and_milliseconds(written: Any) -> None:
    """The two forms of a timestamp mean the same."""
    when = datetime.now(UTC) - timedelta(hours=1)
    for form in (when, round(when.timestamp() * 1000)):
        metrics.timestamp(form)
        metrics.count("A")
        assert written()[0]["_aws"]["Timestamp"] == round(when.timestamp() * 1000)


@pytest.mark.parametrize("days", [-14.1, 0.1])
def test_a_timestamp_that_cloudwatch_would_drop_is_refused(days: float) -> None:
    """More than 14 days ago or 2 hours ahead is an error."""
    with pytest.raises(MetricsError, match="14 days old or more than 2 hours ahead"):
        metrics.timestamp(datetime.now(UTC) + timedelta(days=days))
    with pytest.raises(MetricsError, match="looks like seconds"):
        metrics.timestamp(int(time.time()))
    with pytest.raises(MetricsError, match="neither a datetime nor milliseconds"):
        metrics.timestamp("today")  # type: ignore[arg-type]
