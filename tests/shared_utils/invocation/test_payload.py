"""Events and responses in the log: what is secret by its key is masked, whatever holds it."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest

from shared_utils import instrument
from shared_utils.redaction.values import register_secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared_utils.testing import CapturedLogs

SECRET = "c4n4ry hunter2, and more"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def multipart(secret: str, newline: str = "\r\n", **more: str) -> str:
    """Return a login form with an attachment, as browsers send it."""
    parts = {"user": "ann", **more, "user[password]": secret}
    lines = [
        line
        for name, value in parts.items()
        for line in ("--b0und", f'Content-Disposition: form-data; name="{name}"', "", value)
    ]
    lines += [
        "--b0und",
        'Content-Disposition: form-data; name="cv"; filename="cv.txt"',
        "Content-Type: text/plain",
        "",
        "hello",
    ]
    return newline.join([*lines, "--b0und--", ""])


# What a request carries: how its text looks with a secret in it.
CARRIERS: dict[str, Callable[[str], str]] = {
    "JSON": lambda secret: json.dumps({"user": "ann", "password": secret}),
    "JSON with an escaped key": lambda secret: '{"p\\u0061ssword": ' + json.dumps(secret) + "}",
    "broken JSON with an escaped key": lambda secret: '{"p\\u0061ssword": ' + json.dumps(secret),
    "JSON with a repeated key": lambda secret: '{"a": {"api_key": ' + json.dumps({"x": secret}) + '}, "a": 1}',
    "deep JSON": lambda secret: json.dumps([{"a": {"credentials": {"of": ["ann", secret]}}}]),
    "JSON in JSON": lambda secret: json.dumps({"detail": json.dumps({"token": [secret]})}),
    "a JSON string of JSON": lambda secret: json.dumps(json.dumps({"auth": {"x": secret}})),
    "lines of JSON": lambda secret: '{"a": 1}\n' + json.dumps({"p": {"passwd": {"x": secret}}}),
    "named values": lambda secret: json.dumps([{"Name": "DB_PASSWORD", "Value": secret}]),
    "form": lambda secret: f"user=ann&password={quote_plus(secret)}&x=1",
    "form that a program sent": lambda secret: f"user=ann&password={secret}&x=1",
    "form with the secret first": lambda secret: f"password={secret}",
    "form with an encoded key": lambda secret: f"a=1&user%5Bp%61ssword%5D={quote(secret)}",
    "form with a flag first": lambda secret: f"remember&client_secret={secret}",
    "form with JSON": lambda secret: "payload=" + quote_plus(json.dumps({"token": {"x": secret}})),
    "form with a form": lambda secret: "next=" + quote(f"/a?token={quote(secret)}&b=1"),
    "multipart": multipart,
    "multipart with single newlines": lambda secret: multipart(secret, "\n"),
    "multipart with JSON": lambda secret: multipart("x", meta=json.dumps({"token": {"x": secret}})),
    "multipart with other headers first": lambda secret: multipart(secret).replace(
        "\r\nContent", "\r\nX-A: b\r\nContent"
    ),
    "address": lambda secret: f"https://example.com/a?x=1&access_token={secret}#b",
    "path with a query": lambda secret: f"/a/b?client_secret={secret}",
    "fragment": lambda secret: f"https://example.com/cb#access_token={secret}&x=1",
    "XML": lambda secret: f"<?xml version='1.0'?><a:login><user>ann</user><a:password>{secret}</a:password></a:login>",
    "deep XML": lambda secret: f"<login><credentials><value>{secret}</value></credentials></login>",
    "named XML": lambda secret: f'<form><field name="password">{secret}</field></form>',
    "HTML": lambda secret: f"<form><input type=hidden name='csrf_token' value='{secret}'></form>",
    "credentials": lambda secret: f"Bearer {secret}",
    "data address": lambda secret: "data:text/plain;base64," + encoded(f"password={secret}"),
}


def encoded(text: str | bytes) -> str:
    """Return a text in base64."""
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


# Where in an event or a response it stands.
PLACES: dict[str, Callable[[str], Any]] = {
    "the event": lambda text: text,
    "bytes": lambda text: {"body": text.encode()},
    "a body": lambda text: {"headers": {}, "body": text, "isBase64Encoded": False},
    "a body in base64": lambda text: {"headers": FORM, "body": encoded(text), "isBase64Encoded": True},
    "VPC Lattice": lambda text: {"body": encoded(text), "is_base64_encoded": "true"},
    "CloudFront": lambda text: {"request": {"body": {"encoding": "base64", "data": encoded(text)}}},
    "CloudFront's response": lambda text: {"body": encoded(text), "bodyEncoding": "base64", 5: "a key that is no text"},
    "base64 that nothing tells": lambda text: {"state": encoded(text)},
    "base64 of the URL's alphabet": lambda text: [base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")],
    "base64 in lines": lambda text: {"x": base64.encodebytes(text.encode()).decode()},
    "base64 twice": lambda text: {"body": encoded(encoded(text)), "isBase64Encoded": True},
    "SQS": lambda text: {
        "Records": [{"messageId": "a", "body": text, "messageAttributes": {"a": {"stringValue": text}}}]
    },
    "binary attributes": lambda text: {
        "messageAttributes": {"a": {"binaryValue": encoded(text), "dataType": "Binary"}}
    },
    "SNS": lambda text: {
        "Records": [{"Sns": {"Message": text, "MessageAttributes": {"a": {"Type": "Binary", "Value": encoded(text)}}}}]
    },
    "SNS in SQS": lambda text: {"Records": [{"body": json.dumps({"Type": "Notification", "Message": text})}]},
    "Kinesis": lambda text: {"Records": [{"kinesis": {"partitionKey": "a", "data": encoded(text)}}]},
    "a pipe from Kinesis": lambda text: [{"eventSource": "aws:kinesis", "data": encoded(text)}],
    "Firehose": lambda text: {"records": [{"recordId": "a", "data": encoded(text)}]},
    "Kafka": lambda text: {
        "records": {"t-0": [{"topic": "t", "offset": 1, "key": encoded("k"), "value": encoded(text)}]}
    },
    "ActiveMQ": lambda text: {"messages": [{"messageID": "a", "data": encoded(text)}]},
    "RabbitMQ": lambda text: {"rmqMessagesByQueue": {"q::/": [{"basicProperties": {}, "data": encoded(text)}]}},
    "DynamoDB": lambda text: {"Records": [{"dynamodb": {"NewImage": {"x": {"B": encoded(text)}, "y": {"S": text}}}}]},
    "a destination": lambda text: {"requestPayload": {"body": text}, "responsePayload": json.dumps({"body": text})},
    "compressed logs": lambda text: {"awslogs": {"data": encoded(gzip.compress(text.encode()))}},
    "compressed anywhere": lambda text: {"state": encoded(gzip.compress(text.encode()))},
    "another encoding": lambda text: {"body": encoded(text.encode("utf-16")), "isBase64Encoded": True},
}


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
        text = json.dumps({"x": SECRET}) if carrier == "JSON" else make("x").replace("ann", SECRET)
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
