"""HTTP requests as events, and answers as HTTP responses, in both payload formats."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent, APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.parser.models import APIGatewayProxyEventModel, APIGatewayProxyEventV2Model
from hypothesis import given
from hypothesis import strategies as st

from layerctl.local.gateway import MalformedAnswerError, Match
from layerctl.local.gateway import event_for as matched_event
from layerctl.local.gateway import response_from as response_to
from layerctl.local.http import Request, Response
from layerctl.templates.sam import Api, Route

HTTP = Route(Api("http", "H"), "POST", "/todos/{id}", "2.0", 30.0)
HTTP_1 = Route(Api("http", "H"), "POST", "/todos/{id}", "1.0", 30.0)
REST = Route(Api("rest", "R", stage="Prod", binary=("*/*",)), "POST", "/todos/{id}", "1.0", 29.0)
TEXT_REST = Route(Api("rest", "R", stage="Prod"), "POST", "/todos/{id}", "1.0", 29.0)

REQUEST = Request(
    "POST",
    "/todos/a%20b?x=1&x=2&y=%2F+z&empty=",
    [
        ("Host", "127.0.0.1:3000"),
        ("Content-Type", "application/json"),
        ("Cookie", "a=b; c=d"),
        ("X-Custom", "one"),
        ("x-custom", "two"),
        ("X-Forwarded-For", "10.0.0.1"),
        ("User-Agent", "test"),
    ],
    '{"title": "grün"}'.encode(),
)


def event_for(request: Request, route: Route, parameters: dict[str, str]) -> dict[str, Any]:
    """The event of a request that takes a route."""
    return matched_event(request, Match(route, None, request.raw_path, parameters))


def response_from(value: Any, route: Route) -> Response:
    """The response to an ordinary request."""
    return response_to(value, route, REQUEST)


def test_format_2() -> None:
    """Repeated headers and query values are joined by commas, cookies stand apart, the path is decoded."""
    event = event_for(REQUEST, HTTP, {"id": "a b"})
    assert event["version"] == "2.0"
    assert event["routeKey"] == event["requestContext"]["routeKey"] == "POST /todos/{id}"
    assert event["rawPath"] == event["requestContext"]["http"]["path"] == "/todos/a b"
    assert event["rawQueryString"] == "x=1&x=2&y=%2F+z&empty="
    assert event["queryStringParameters"] == {"x": "1,2", "y": "/ z", "empty": ""}
    assert event["cookies"] == ["a=b", "c=d"]
    assert "cookie" not in event["headers"]
    assert event["headers"]["x-custom"] == "one,two"
    assert event["headers"]["x-forwarded-for"] == "127.0.0.1"  # a client can't claim to be somebody else
    assert event["headers"]["x-forwarded-port"] == "3000"
    assert all(name == name.lower() for name in event["headers"])
    assert event["pathParameters"] == {"id": "a b"}
    assert (event["body"], event["isBase64Encoded"]) == ('{"title": "grün"}', False)
    assert event["requestContext"]["stage"] == "$default"
    assert event["requestContext"]["timeEpoch"] == int(REQUEST.received * 1000)


def test_format_2_leaves_out_what_there_is_none_of() -> None:
    """Without body, query, cookies and path variables their fields are absent, not null."""
    event = event_for(Request("GET", "/todos", [("Host", "localhost")]), HTTP, {})
    assert {"body", "cookies", "pathParameters", "queryStringParameters", "stageVariables"}.isdisjoint(event)
    assert event["rawQueryString"] == ""
    assert event["isBase64Encoded"] is False


def test_format_1_of_a_rest_api() -> None:
    """Headers and query come once with the last value and once with all; the path is as it came; the stage is Prod."""
    event = event_for(REQUEST, REST, {"id": "a b"})
    assert "version" not in event
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/todos/{id}", "/todos/a%20b", "POST")
    assert event["queryStringParameters"] == {"x": "2", "y": "/ z", "empty": ""}
    assert event["multiValueQueryStringParameters"]["x"] == ["1", "2"]
    assert event["headers"]["Content-Type"] == "application/json"
    assert event["multiValueHeaders"]["Cookie"] == ["a=b; c=d"]
    assert event["requestContext"]["path"] == "/Prod/todos/a%20b"
    assert event["requestContext"]["stage"] == "Prod"
    twice = event_for(Request("GET", "/todos", [("Host", "localhost"), ("X-A", "one"), ("X-A", "two")]), REST, {})
    assert (twice["headers"]["X-A"], twice["multiValueHeaders"]["X-A"]) == ("two", ["one", "two"])
    nothing = event_for(Request("GET", "/todos", [("Host", "localhost")]), REST, {})
    for field in ("body", "pathParameters", "queryStringParameters", "multiValueQueryStringParameters"):
        assert nothing[field] is None


def test_format_1_of_an_http_api() -> None:
    """An HTTP API says its version, decodes the path and writes header names in lower case."""
    event = event_for(REQUEST, HTTP_1, {"id": "a b"})
    assert event["version"] == "1.0"
    assert event["path"] == "/todos/a b"
    assert event["multiValueHeaders"]["x-custom"] == ["one", "two"]
    assert event["headers"]["x-custom"] == "two"
    assert event["requestContext"]["stage"] == "$default"


@pytest.mark.parametrize(
    ("content_type", "encoded"),
    [
        ("application/json", False),
        ("application/problem+json; charset=utf-8", False),
        ("text/plain", False),
        ("application/x-www-form-urlencoded", True),
        ("image/png", True),
        (None, True),
    ],
)
def test_bodies_of_an_http_api(content_type: str | None, encoded: bool) -> None:
    """Text types come as text, everything else, forms too, in base64."""
    headers = [("Content-Type", content_type)] if content_type else []
    event = event_for(Request("POST", "/", headers, b"a=b"), HTTP, {})
    assert event["isBase64Encoded"] is encoded
    assert event["body"] == (base64.b64encode(b"a=b").decode() if encoded else "a=b")


@given(body=st.binary(), kind=st.sampled_from(["text/plain", "application/json", "image/png", ""]))
def test_any_body_arrives(body: bytes, kind: str) -> None:
    """Whatever the bytes and the type: text or base64, they can be had back, and the event is JSON."""
    for route in (HTTP, HTTP_1, REST, TEXT_REST):
        event = json.loads(json.dumps(event_for(Request("POST", "/", [("content-type", kind)], body), route, {})))
        text = event.get("body") or ""
        assert (base64.b64decode(text) if event["isBase64Encoded"] else text.encode()) == body


def test_powertools_own_models_take_the_events() -> None:
    """The events are what Powertools' models and data classes, written from AWS's events, expect."""
    two = event_for(REQUEST, HTTP, {"id": "a b"})
    APIGatewayProxyEventV2Model.model_validate(two)
    assert APIGatewayProxyEventV2(two).json_body == {"title": "grün"}
    one = event_for(REQUEST, REST, {"id": "a b"})
    APIGatewayProxyEventModel.model_validate(one)
    assert APIGatewayProxyEvent(one).resolved_headers_field["x-custom"] == ["two"]


@pytest.mark.parametrize(
    ("value", "status", "content_type", "body"),
    [
        ({"message": "hi"}, 200, "application/json", b'{"message":"hi"}'),
        ("hello", 200, "application/json", b"hello"),
        (["a"], 200, "application/json", b'["a"]'),
        (None, 200, "application/json", b"null"),
        (7, 200, "application/json", b"7"),
        ({"statusCode": 201, "body": "text"}, 201, "text/plain; charset=utf-8", b"text"),
        ({"statusCode": "404"}, 404, "text/plain; charset=utf-8", b""),
        (
            {"statusCode": 200, "body": "aGk=", "isBase64Encoded": True, "headers": {"Content-Type": "x/y"}},
            200,
            "x/y",
            b"hi",
        ),
    ],
)
def test_answers_in_format_2(value: Any, status: int, content_type: str, body: bytes) -> None:
    """A value without statusCode is the body of a 200 in JSON; one with it says everything itself."""
    response = response_from(value, HTTP)
    assert (response.status, response.body) == (status, body)
    assert [text for name, text in response.headers if name.lower() == "content-type"] == [content_type]


def test_cookies_and_headers_in_format_2() -> None:
    """Each cookie becomes a Set-Cookie header; what the server writes itself is dropped; numbers become text."""
    answer = {"statusCode": 200, "cookies": ["a=1", "b=2"], "headers": {"X-A": 5, "Content-Length": "9", "x-b": True}}
    headers = response_from(answer, HTTP).headers
    assert [text for name, text in headers if name == "set-cookie"] == ["a=1", "b=2"]
    assert ("X-A", "5") in headers
    assert ("x-b", "true") in headers
    assert not any(name.lower() == "content-length" for name, _ in headers)


def test_multi_value_headers_in_format_1() -> None:
    """MultiValueHeaders goes before headers of the same name."""
    answer = {"statusCode": 200, "headers": {"X-A": "0", "x-b": "3"}, "multiValueHeaders": {"x-a": ["1", "2"]}}
    headers = response_from(answer, REST).headers
    assert [text for name, text in headers if name.lower() == "x-a"] == ["1", "2"]
    assert ("x-b", "3") in headers
    assert ("content-type", "application/json") in headers


@pytest.mark.parametrize("route", [HTTP, HTTP_1, REST])
@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"statusCode": "many"}, "statusCode"),
        ({"statusCode": 99}, "statusCode"),
        ({"statusCode": True}, "statusCode"),
        ({"statusCode": 200, "body": {"a": 1}}, "json.dumps"),
        ({"statusCode": 200, "body": "%%%", "isBase64Encoded": True}, "base64"),
        ({"statusCode": 200, "headers": ["a"]}, "mappings"),
        ({"statusCode": 200, "headers": {"x": "a\r\nset-cookie: evil=1"}}, "control character"),
        ({"statusCode": 200, "headers": {"x y": "a"}}, "no header name"),
        ({"statusCode": 200, "headers": {"x": {"a": 1}}}, "not text"),
        ({"statusCode": 200, "multiValueHeaders": {"x": "a"}}, "list"),
    ],
)
def test_malformed_answers_are_told(route: Route, answer: dict[str, Any], message: str) -> None:
    """What API Gateway would answer with an error is an error that says what is wrong."""
    with pytest.raises(MalformedAnswerError, match=message):
        response_from(answer, route)


@pytest.mark.parametrize("value", ["text", None, {"no": "status"}, [1]])
def test_format_1_needs_a_status(value: Any) -> None:
    """Payload format 1.0 infers nothing."""
    with pytest.raises(MalformedAnswerError, match="statusCode"):
        response_from(value, REST)


_KEYS = st.sampled_from(["statusCode", "headers", "body", "cookies", "multiValueHeaders", "isBase64Encoded", "x"])
_LEAVES = st.none() | st.booleans() | st.integers() | st.text(st.characters())


@given(st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(_KEYS, inner)))
def test_any_answer_is_a_response_or_told(value: Any) -> None:
    """No value, however odd, ends in anything but a response that can be written, or a message."""
    for route in (HTTP, HTTP_1, REST):
        try:
            response = response_from(value, route)
        except MalformedAnswerError:
            continue
        assert 200 <= response.status <= 599
        for _, text in response.headers:
            assert "\n" not in text
            text.encode()
