"""Arguments that are wrong: a ConfigError that names the argument, its value, and what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import config
from shared_utils.config.client import Limits, client

if TYPE_CHECKING:
    from collections.abc import Callable

LIMITS = ["max_age", "max_stale", "connect_timeout", "read_timeout", "deadline"]
WRONG = ["1", True, -1, float("nan"), float("inf"), b"1", [1]]


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("value", WRONG)
def test_a_wrong_limit_names_itself_and_changes_nothing(name: str, value: Any) -> None:
    """A limit that is no number of seconds is refused, and the other arguments of the call are not taken either."""
    other = "deadline" if name != "deadline" else "max_age"
    with pytest.raises(config.ConfigError) as caught:
        config.configure(**{other: 1.0, name: value})
    message = str(caught.value)
    assert f"config.configure: {name} is {value!r}; allowed are seconds as a number" in message
    assert [getattr(client().limits, limit) for limit in LIMITS] == [getattr(Limits(), limit) for limit in LIMITS]


@pytest.mark.parametrize("name", ["connect_timeout", "read_timeout", "deadline"])
def test_a_time_out_of_nothing_is_refused(name: str) -> None:
    """Zero seconds are an age, but no time-out."""
    config.configure(max_age=0, max_stale=0)
    with pytest.raises(config.ConfigError, match=f"{name} is 0; allowed are seconds as a number, 0.001 or more"):
        config.configure(**{name: 0})


def test_left_out_and_none_are_two_things() -> None:
    """An argument that is left out changes nothing, and None restores the default."""
    config.configure(max_age=60, deadline=2)
    config.configure(deadline=3)
    assert (client().limits.max_age, client().limits.deadline) == (60, 3)
    config.configure(max_age=None)
    assert (client().limits.max_age, client().limits.deadline) == (300, 3)


@pytest.mark.parametrize("value", WRONG)
@pytest.mark.parametrize("name", ["max_age", "max_stale"])
@pytest.mark.parametrize(
    "declare",
    [
        lambda **ages: config.get("env://HOME", **ages),
        lambda **ages: config.ssm("/a", **ages),
        lambda **ages: config.secret("a", **ages),
        lambda **ages: config.appconfig("a", "b", "c", **ages),
    ],
    ids=["get", "ssm", "secret", "appconfig"],
)
def test_ages_are_checked_wherever_they_are_given(declare: Callable[..., object], name: str, value: Any) -> None:
    """A field's and a single read's ages are numbers of seconds, too."""
    with pytest.raises(config.ConfigError, match=f"{name} is"):
        declare(**{name: value})


@pytest.mark.parametrize(
    ("declare", "told"),
    [
        (lambda: config.env(5), "config.env: name is 5; allowed are texts"),  # type: ignore[arg-type]
        (lambda: config.ssm(None), "config.ssm: name is None"),  # type: ignore[arg-type]
        (lambda: config.secret("a", key=5), "config.secret: key is 5"),  # type: ignore[arg-type]
        (lambda: config.ssm("/a", version="x"), "a version is a whole number"),  # type: ignore[arg-type]
        (lambda: config.ssm("/a", validate=5), "config.ssm: validate is 5; allowed are a function"),  # type: ignore[arg-type]
        (lambda: config.env("A", validate=["x"]), "config.env: validate is ['x']"),  # type: ignore[list-item]
        (lambda: config.Secret(5), "Secret: the value is of type int; allowed are str and bytes"),  # type: ignore[type-var]
        (lambda: config.get(5), "a reference is a text, not int"),  # type: ignore[call-overload]
    ],
)
def test_a_wrong_declaration_says_what_is_allowed(declare: Callable[[], object], told: str) -> None:
    """A declaration, a Secret or a reference of the wrong type is an error at its line."""
    with pytest.raises(config.ConfigError) as caught:
        declare()
    assert told in str(caught.value)


def test_load_checks_its_age() -> None:
    """The age of one load() is a number of seconds."""

    class Settings(config.Settings):
        home: str = config.env("HOME")

    with pytest.raises(config.ConfigError, match=r"Settings.load: max_age is '1'"):
        Settings.load(max_age="1")  # type: ignore[arg-type]
