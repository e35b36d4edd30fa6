"""The fast way's own questions: what may be written as it is, what is remembered of it, and what a serializer gets."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import get_logger, logging
from shared_utils.logging.plain import encode_plain
from shared_utils.logging.render import _encoded_context, containers_are_plain, encode, keys_are_safe
from shared_utils.redaction import REDACTION

if TYPE_CHECKING:
    from shared_utils.testing import CapturedLogs


def nested(depth: int, inner: Any, *, kind: type = list) -> Any:
    """Return a value within so many containers."""
    for _ in range(depth):
        inner = [inner] if kind is list else {"a": inner}
    return inner


PLAIN = [1, "x", 1.5, None, True, [], {}, (), [1, [2, (3, {"a": [4]})]], {"a": {"b": ["x", None]}}, nested(16, 1)]
ODD = [
    *({1}, b"x", object(), 1j, range(3), {"password": 1}, {1: 2}, {None: 1}, nested(17, 1), nested(17, 1, kind=dict)),
    *(nested(3, {1}), nested(3, {"password": "x"}), nested(3, b"x", kind=dict), {"message": 1}),
    *({str(number): 1 for number in range(1001)}, type("Own", (str,), {})("x"), type("Own", (dict,), {})(a=1)),
]


@pytest.mark.parametrize("before", [(), (1,), ("x", None), ([1], {"a": 1})], ids=repr)
def test_every_value_is_looked_at_wherever_it_stands(before: tuple[Any, ...]) -> None:
    """Behind simple ones and behind containers, itself and what it holds, down to sixteen containers."""
    for value in PLAIN:
        assert containers_are_plain([*before, value], 0), value
    for value in ODD:
        assert not containers_are_plain([*before, value], 0), value
        assert not containers_are_plain([*before, value, *before], 0), value
        assert not containers_are_plain([[*before, value, 1]], 0), value
        assert not containers_are_plain([{"a": 1, "b": [*before, value]}], 0), value


@pytest.mark.parametrize("size", [0, 1, 1000, 150_000])
def test_the_encoder_gives_the_standard_librarys_text(size: int) -> None:
    """However many parts its accelerator makes of it."""
    values = {"a": list(range(size)), "b": "ü", "c": [None, True, 1.5]}
    assert encode(values) == json.dumps(values, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), {1}, object(), 10**5000], ids=["nan", "inf", "set", "object", "long"]
)
def test_the_encoder_refuses_what_json_has_not(value: object) -> None:
    """So that the full way shows it."""
    with pytest.raises((ValueError, TypeError)):
        encode({"a": [value]})


def test_bound_values_are_compared_where_they_are_simple_only() -> None:
    """What others compare by may raise; a simple value that was changed in place is seen."""

    class Odd:
        def __eq__(self, other: object) -> bool:
            raise ValueError("cannot be compared")

        __hash__ = None  # type: ignore[assignment]

    context: Any = SimpleNamespace(_context={"a": 1}, _encoded=None)
    assert _encoded_context(context) == _encoded_context(context) == ',"a":1'
    context._context["a"] = 2
    assert _encoded_context(context) == ',"a":2'
    for _ in range(3):
        context._context["a"] = Odd()
        assert _encoded_context(context) is None
    context._context["a"] = 3
    context._encoded = None
    assert _encoded_context(context) == ',"a":3'


def test_each_key_is_judged_by_itself() -> None:
    """One that was found harmless says nothing of the next, and none of what is no text."""
    for _ in range(2):
        assert keys_are_safe(["harmless_one"])
        assert not keys_are_safe(["harmless_one", "password"])
        assert not keys_are_safe([None])
        assert not keys_are_safe(["harmless_one", 1])
        assert encode_plain({"harmless_two": 1, "level": "INFO"}) == '{"harmless_two":1,"level":"INFO"}'
        assert encode_plain({None: 1}) is None  # type: ignore[dict-item]
        assert encode_plain({"harmless_two": 1, "otp": 1}) is None
        assert encode_plain({"exc_info": 1}) is None


def test_a_key_that_was_harmless_is_judged_anew_by_other_rules() -> None:
    """Of either way."""
    assert keys_are_safe(["pet"])
    assert encode_plain({"pet": 1}) is not None
    try:
        REDACTION.configure(["pet"])
        assert not keys_are_safe(["pet"])
        assert encode_plain({"pet": 1}) is None
    finally:
        REDACTION.configure()
    assert encode_plain({"pet": 1}) is not None


@pytest.mark.parametrize("extra", [1, {2}])
def test_a_serializer_gets_json_types_only(captured_logs: CapturedLogs, extra: Any) -> None:
    """The place as text, though it would take anything; what it makes of them is written."""
    got: list[dict[str, Any]] = []

    def serialize(record: dict[str, Any]) -> str:
        got.append(record)
        return json.dumps(record, default=repr)

    logging.configure(serializer=serialize)
    get_logger("app").info("it", extra=extra)
    record = got[-1]
    assert record["location"].startswith("test_a_serializer_gets_json_types_only:")
    assert record["location"].rpartition(":")[2].isdecimal()
    assert captured_logs.one() == record == json.loads(json.dumps(record))
    assert len(got) == 1
