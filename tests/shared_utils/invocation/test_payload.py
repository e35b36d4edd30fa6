"""Events and responses in the log: what is secret by its key is masked, whatever holds it."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest

from shared_utils import instrument
from shared_utils.redaction.values import register_secret
from tests.support.payloads import CARRIERS, PLACES, encoded, multipart

if TYPE_CHECKING:
    from shared_utils.testing import CapturedLogs

SECRET = "c4n4ry hunter2, and more"
SENSITIVE = re.compile(r"p(?:a|%61|\\u0061)ssw(?:or)?d|api_key|credentials|token|auth|client_secret", re.IGNORECASE)


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("place", PLACES)
def test_what_a_key_says_is_secret_is_not_in_the_line(captured_logs: CapturedLogs, carrier: str, place: str) -> None:
    """In every way to carry it, wherever that stands, in events and responses: not as text and not in base64."""
    content = PLACES[place](CARRIERS[carrier](SECRET))
    instrument(log_event=True, log_response=True)(lambda event, context: event)(content, None)
    lines = json.dumps(captured_logs, ensure_ascii=False)
    assert len(captured_logs) == 2
    for form in (SECRET, "hunter2", quote(SECRET), quote_plus(SECRET)):
        assert form not in lines
        for start in range(3):  # base64 looks different at each place
            assert encoded("xx"[:start] + form)[4 if start else 0 : -4] not in lines


@pytest.mark.parametrize("place", PLACES)
def test_a_registered_value_is_not_in_the_line_either(captured_logs: CapturedLogs, place: str) -> None:
    """Under a key that says nothing."""
    register_secret(SECRET)
    for carrier, make in CARRIERS.items():
        text = SENSITIVE.sub("note", make(SECRET))
        instrument(log_event=True)(lambda event, context: None)(PLACES[place](text), None)
        assert "hunter2" not in json.dumps(captured_logs, ensure_ascii=False), carrier


@pytest.mark.parametrize(
    ("event", "line"),
    [
        ({"body": encoded('{"user": "ann"}'), "isBase64Encoded": True}, '{"user": "ann"}'),
        ({"body": encoded("user=ann&n=%C3%A9"), "isBase64Encoded": True}, "user=ann&n=%C3%A9"),
        ({"body": encoded("user=ann&pin=1"), "isBase64Encoded": True}, "user=ann&pin=[REDACTED]"),
        ({"body": encoded(b"\x89PNG\xff\x00"), "isBase64Encoded": True}, "<base64, 6 bytes>"),
        ({"body": "cGFz!", "isBase64Encoded": True}, "<not base64, 5 characters>"),
        ({"body": "", "isBase64Encoded": True}, ""),
        ({"body": None, "isBase64Encoded": True}, None),
        (
            {"body": encoded(multipart("x")), "isBase64Encoded": True},
            "<multipart> user=ann; user[password]=[REDACTED]; cv=<5 bytes>",
        ),
        (
            {"body": encoded(multipart("x").encode() + b"\xff"), "isBase64Encoded": True},
            "<multipart> user=ann; user[password]=[REDACTED]; cv=<5 bytes>",
        ),
        ({"body": '{"a":1,  "b":[true,null,1.5]}'}, '{"a":1,  "b":[true,null,1.5]}'),
        ({"body": '{"a":1,"token":"x"}'}, '{"a": 1, "token": "[REDACTED]"}'),
        ({"body": "[INFO] an ordinary line: a=1"}, "[INFO] an ordinary line: a=1"),
        ({"body": "todolist"}, "todolist"),
        ({"body": "a5b1c2d3e4f5a6b7"}, "a5b1c2d3e4f5a6b7"),
        ({"body": encoded("an ordinary text")}, encoded("an ordinary text")),
        (
            {"body": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"},
            "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
        ),
        ({"body": "https://example.com/a?b=c%20d#e"}, "https://example.com/a?b=c%20d#e"),
        ({"body": "/a?code=1&state=x%3D1"}, "/a?code=1&state=x%3D1"),
        ({"body": "<p>hello</p>"}, "<p>hello</p>"),
        ({"body": "<a><pin x='1'>1</pin><b>2</b></a>"}, "<a><pin x='1'>[REDACTED]</pin><b>2</b></a>"),
    ],
)
def test_what_is_no_secret_is_shown(captured_logs: CapturedLogs, event: Any, line: Any) -> None:
    """Decoded where the event says that it is base64, else as it came; what is no text is told by its size."""
    instrument(log_event=True)(lambda event, context: None)(event, None)
    assert captured_logs.one(message="invocation event")["event"]["body"] == line


@pytest.mark.parametrize("key", ["BS", "binaryListValues"])
def test_each_of_several_texts_in_base64_is_looked_into(captured_logs: CapturedLogs, key: str) -> None:
    """A binary set of DynamoDB and SQS's list of binary values: no flag says so, their key does."""
    values = [encoded('{"pin": "1234"}'), encoded("ann"), 5]
    instrument(log_event=True)(lambda event, context: None)({"keys": {key: values}}, None)
    assert captured_logs.one()["event"]["keys"] == {key: ['{"pin": "[REDACTED]"}', "ann", 5]}


def test_texts_within_texts_end(captured_logs: CapturedLogs) -> None:
    """What is nested deeper than anybody reads is left out, not shown unread."""
    text = json.dumps({"password": SECRET})
    for _ in range(12):
        text = encoded(json.dumps({"x": text}))
    instrument(log_event=10**6)(lambda event, context: None)({"body": text, "isBase64Encoded": True}, None)
    instrument(log_event=10**6)(lambda event, context: None)({"body": "[" * 100_000 + '{"token": "hunter2"}'}, None)
    assert "hunter2" not in json.dumps(captured_logs)
    assert "nested too deep" in json.dumps(captured_logs)
    assert text[-2000:] not in json.dumps(captured_logs)


def test_responses_of_any_type(captured_logs: CapturedLogs) -> None:
    """A dataclass, bytes, and objects that print themselves."""

    @dataclasses.dataclass
    class Answer:
        body: str
        password: str

    class Printed:
        def __str__(self) -> str:
            return f"user=ann&password={SECRET}"

    answers = [Answer(f"token={SECRET}", SECRET), f"token={SECRET}".encode(), b"\xff\x00", Printed()]
    for answer in answers:
        instrument(log_response=True)(lambda event, context: event)(answer, None)
    assert [line["response"] for line in captured_logs] == [
        {"body": "token=[REDACTED]", "password": "[REDACTED]"},
        "token=[REDACTED]",
        "<bytes, 2 bytes>",
        "user=ann&password=[REDACTED]",
    ]
