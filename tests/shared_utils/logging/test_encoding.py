"""Which values are encoded the fast way, and how: with the accelerator of the interpreter and without it."""

from __future__ import annotations

import importlib.util
import json
import json.encoder
import sys
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import logging
from shared_utils.logging import plain, render
from shared_utils.redaction import REDACTION

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    Encode = Callable[[dict[str, Any]], str | None]


@pytest.fixture(params=["accelerated", "plain"])
def encode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Encode:
    """`encode_plain` as it is loaded in an interpreter with the C accelerator, and in one without."""
    if request.param == "plain":
        monkeypatch.setattr(json.encoder, "c_make_encoder", None)
    for module in (render, plain):
        monkeypatch.setitem(sys.modules, module.__name__, loaded_anew(module))
    found: Encode = sys.modules[plain.__name__].encode_plain  # type: ignore[assignment]
    return found


def loaded_anew(module: ModuleType) -> ModuleType:
    """Return another instance of a module, made of its source now."""
    spec = importlib.util.spec_from_file_location(module.__name__, module.__file__ or "")
    assert spec is not None
    assert spec.loader is not None
    another = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(another)
    return another


def deep(levels: int) -> dict[str, Any]:
    """Return so many containers within each other, lists and dicts in turn."""
    value: Any = 1
    for level in range(levels - 1):
        value = [value] if level % 2 else {"a": value}
    return {"d": value if levels > 1 else 1}


CYCLE: list[Any] = []
CYCLE.append(CYCLE)
PLAIN: dict[str, dict[str, Any]] = {
    "nothing": {},
    "scalars": {"a": 1, "b": 1.5, "c": True, "d": None, "e": 'ü"\\\n\u2028'},
    "containers": {"a": [1, [2, (3,)]], "b": {"c": {"d": [None]}}, "e": [], "f": {}},
    "standing keys": {"level": "INFO", "message": "m", "timestamp": "t"},
    "sixteen deep": deep(17),
    "many keys": {"a": {f"k{number}": number for number in range(1000)}},
    "a list of many": {"a": list(range(2000))},
}
NOT_PLAIN: dict[str, dict[Any, Any]] = {
    "no number": {"a": float("nan")},
    "endless": {"a": [float("inf")]},
    "a set": {"a": {1}},
    "an object": {"a": [object()]},
    "bytes": {"a": b"x"},
    "a key that is no text": {1: "a"},
    "a key that is no text, within": {"a": {1: "a"}},
    "a sensitive key": {"password": "x"},
    "a sensitive key, within": {"a": [{"password": "x"}]},
    "an exception": {"exc_info": True},
    "a stack": {"stack_info": True},
    "a cycle": {"a": CYCLE},
    "seventeen deep": deep(18),
    "too many keys": {"a": {f"many{number}": number for number in range(1001)}},
    "too long an integer": {"a": 10**5000},
    "a kind of text": {"a": type("Text", (str,), {})("x")},
    "a kind of list": {"a": type("List", (list,), {})([1])},
}


@pytest.mark.parametrize("case", PLAIN)
def test_plain_values_are_encoded(encode: Encode, case: str) -> None:
    """JSON without spaces, characters as they are, in the order given; also the second time."""
    expected = json.dumps(PLAIN[case], ensure_ascii=False, separators=(",", ":"))
    assert encode(PLAIN[case]) == expected
    assert encode(PLAIN[case]) == expected


@pytest.mark.parametrize("case", NOT_PLAIN)
def test_values_that_need_a_look_are_not(encode: Encode, case: str) -> None:
    """Whatever is no JSON, has a key that says something, or is too deep or large to judge; also the second time."""
    assert encode(NOT_PLAIN[case]) is None
    assert encode(NOT_PLAIN[case]) is None


def test_a_key_is_judged_anew_when_the_rules_change(captured_logs: object, encode: Encode) -> None:
    """What was harmless may be sensitive now, and the other way round."""
    assert encode({"flavour": "x", "level": 1}) == '{"flavour":"x","level":1}'
    logging.configure(redact=["flavour", "!token"])
    assert encode({"flavour": "x"}) is None
    assert encode({"token": "x"}) == '{"token":"x"}'
    logging.configure(redact=None)
    assert encode({"flavour": "x"}) == '{"flavour":"x"}'
    assert encode({"token": "x"}) is None
    assert not REDACTION.is_sensitive("flavour")
