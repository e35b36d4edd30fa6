"""Variables that are empty, and texts that look like a mistyped reference."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_utils import config
from shared_utils.config.sources.registry import is_reference, meant_reference
from shared_utils.testing import ConfigValues

EMPTY = ["", " ", "\t\n"]


@pytest.mark.parametrize("text", EMPTY)
@pytest.mark.parametrize("kind", [None, str, int, bool, list[str], config.Secret, dict])
def test_an_empty_variable_is_not_set_where_there_is_a_default(
    monkeypatch: pytest.MonkeyPatch, text: str, kind: Any
) -> None:
    """A default replaces an empty variable as it replaces one that is not set, for get() and for fields of any type."""
    monkeypatch.setenv("X", text)
    default = config.Secret("d") if kind is config.Secret else "d"
    assert config.get("env://X", type=kind, default=default) == default
    settings = type(
        "Settings", (config.Settings,), {"__annotations__": {"x": kind}, "x": config.env("X", default=default)}
    )
    assert settings.load().x == default


@pytest.mark.parametrize("text", EMPTY)
@pytest.mark.parametrize("kind", [None, str, int, bool, list[str], config.Secret, dict])
def test_an_empty_variable_without_default_says_that_it_is_empty(
    monkeypatch: pytest.MonkeyPatch, text: str, kind: Any
) -> None:
    """Elsewhere the error says "is empty", not that a number was expected."""
    monkeypatch.setenv("X", text)
    with pytest.raises(config.MissingConfig, match="env://X: is empty; give the environment variable X a value"):
        config.get("env://X", type=kind)


def test_an_empty_variable_is_none_where_none_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """`X | None` without a default takes an empty variable as None, but not one that is not set."""
    monkeypatch.setenv("X", "")
    assert config.get("env://X", type=int | None) is None
    assert config.get("env://X", type=int | None, default=5) == 5
    monkeypatch.delenv("X")
    with pytest.raises(config.MissingConfig, match="not set"):
        config.get("env://X", type=int | None)


def test_an_empty_variable_in_config_values(config_values: ConfigValues) -> None:
    """A test's variables are variables."""
    config_values(X="")
    assert config.get("env://X", default="d") == "d"
    with pytest.raises(config.MissingConfig, match="is empty"):
        config.get("env://X")


def test_a_variable_that_refers_to_an_empty_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second level is a variable, too."""
    monkeypatch.setenv("X", "env://Y")
    monkeypatch.setenv("Y", "")
    assert config.get("env://X", default="d") == "d"
    with pytest.raises(config.MissingConfig, match="env://X -> env://Y: is empty"):
        config.get("env://X")


MEANT = {
    "ssm:/x": "ssm:///x",
    "ssm:/a/b": "ssm:///a/b",
    "ssn:///x": "ssm:///x",
    "SSM://x": "ssm://x",
    "Ssm:///a/b": "ssm:///a/b",
    "smm:///x": "ssm:///x",
    "mss:///x": "",
    "sm:///x": "ssm:///x",
    "ssmm:///x": "ssm:///x",
    '"ssm:///x"': "ssm:///x",
    "'secret://db#k'": "secret://db#k",
    "secrets://db": "secret://db",
    "secert://db": "secret://db",
    "SECRET:/db": "secret://db",
    "appconfg://a/b/c": "appconfig://a/b/c",
    "ENV://HOME": "env://HOME",
    "env:/HOME": "env://HOME",
}
OTHERS = [
    *("https://example.com/a?b#c", "http://x", "s3://bucket/key", "ssh://host/x", "sms://123", "file:///etc/x"),
    *("postgres://user@host/db", "redis://host", "arn:aws:ssm:eu-west-1:1:parameter/x", "env:HOME", "secret:value"),
    *("ssm", "/ssm/x", "todos", "C:/Users", "12:/30", "enc://x", ":///", "://", "ssm: /x is a path"),
]


@pytest.mark.parametrize("text", MEANT)
def test_a_mistyped_reference_is_refused_with_the_right_form(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A variable that holds one is an error, default or not; so is such a reference in the code."""
    monkeypatch.setenv("TABLE_NAME", f" {text} ")
    meant = MEANT[text]
    if not meant:
        assert config.get("env://TABLE_NAME", default="d") == f" {text} "
        return
    with pytest.raises(config.InvalidConfig, match="looks like a reference") as caught:
        config.get("env://TABLE_NAME", default="d")
    assert caught.value.problems[0].hint == f"write {meant}"
    with pytest.raises(config.InvalidConfig) as caught:
        config.get(text, default="d")
    assert caught.value.problems[0].hint == f"write {meant}"


@pytest.mark.parametrize("text", OTHERS)
def test_other_texts_are_texts(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """URLs of other things, paths and prose are what they are."""
    monkeypatch.setenv("TABLE_NAME", text)
    assert config.get("env://TABLE_NAME") == text


@given(st.text(max_size=30) | st.from_regex(r"[a-zA-Z]{1,10}:/{0,3}[a-z/#]{0,10}", fullmatch=True))
def test_what_is_meant_is_a_reference(text: str) -> None:
    """For any text, what is proposed starts like a reference, and is not the text itself."""
    meant = meant_reference(text)
    assert not meant or (is_reference(meant) and (meant != text.strip() or not is_reference(text.strip())))


def test_a_mistyped_name_in_a_declaration() -> None:
    """A declaration's name that looks like another form of reference is refused, too."""
    with pytest.raises(config.ConfigError, match=r"write ssm:///x"):
        config.ssm("ssm:/x")
    with pytest.raises(config.ConfigError, match=r"write secret://db"):
        config.secret("SECRET://db")
