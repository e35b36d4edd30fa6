"""A secret that has to be asked for by name."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_utils.config import ConfigError, Secret


@pytest.mark.parametrize(
    "show", [str, repr, "{}".format, "{!r:>30}".format, "{:>20}".format, "%s".__mod__, lambda s: f"{s}{s!r}{s!s}"]
)
def test_printing_masks_it(show: object) -> None:
    """However it is made a text, the value is not in it."""
    assert callable(show)
    assert "canary" not in show(Secret("canary"))


def test_it_is_not_a_text_that_could_be_used_by_mistake() -> None:
    """It is no str, cannot be joined to one, and neither json nor pickle take it."""
    secret = Secret("canary")
    assert not isinstance(secret, str)
    for use in (json.dumps, pickle.dumps, lambda s: "Bearer " + s, ",".join, bytes, len, iter, vars):
        with pytest.raises(TypeError) as caught:
            use(secret)
        assert "canary" not in str(caught.value)


def test_it_cannot_be_changed() -> None:
    """Setting or deleting anything on it is refused."""
    secret = Secret("canary")
    with pytest.raises(AttributeError):
        secret.value = "other"  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        del secret._Secret__value  # type: ignore[attr-defined]
    assert secret.reveal() == "canary"


def test_copies_are_the_same_one() -> None:
    """Copying does not multiply it."""
    secret = Secret("canary")
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


@given(st.text(), st.text())
def test_equal_when_the_values_are(one: str, other: str) -> None:
    """Two are equal, and hash alike, exactly when their values are equal; one is never equal to its value."""
    assert (Secret(one) == Secret(other)) == (one == other)
    assert hash(Secret(one)) == hash(Secret(one))
    assert Secret(one) != one
    assert bool(Secret(one)) == bool(one)


def test_bytes_and_nothing_else() -> None:
    """It holds a text or bytes; anything else is a mistake, told without the value."""
    assert Secret(b"\x00").reveal() == b"\x00"
    with pytest.raises(ConfigError, match="int"):
        Secret(5)  # type: ignore[arg-type]
