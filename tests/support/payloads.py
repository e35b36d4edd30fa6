"""What requests carry, and where in the events of AWS services it stands: for tests of what is hidden in them."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CARRIERS", "PLACES", "encoded", "multipart"]

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
