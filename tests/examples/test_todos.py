"""The todos service, tested as its author would: the handler, an event, and the fixtures of shared_utils.testing."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from examples.todos.src import app

import shared_utils

if TYPE_CHECKING:
    from shared_utils.testing import CapturedLogs, CapturedMetrics, ConfigValues, LambdaContext


@pytest.fixture(autouse=True)
def todos(monkeypatch: pytest.MonkeyPatch, config_values: ConfigValues) -> list[app.Todo]:
    """Two todos of the test's own, and pages of at most five."""
    own = [app.Todo(id=1, title="one", done=True), app.Todo(id=2, title="two", done=False)]
    monkeypatch.setattr(app, "TODOS", own)
    config_values["env://PAGE_SIZE"] = "5"
    return own


def call(route: str, context: LambdaContext, **event: Any) -> tuple[int, dict[str, Any], str]:
    """Send an event to the handler; status, body and content type of its answer."""
    answer = app.handler({"version": "2.0", "routeKey": route, "isBase64Encoded": False, **event}, context)
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]["content-type"]


def test_todos_are_listed_logged_and_counted(
    lambda_context: LambdaContext, captured_logs: CapturedLogs, captured_metrics: CapturedMetrics
) -> None:
    """The list comes with the layer's version; a line and a metric say how long it is."""
    status, body, content_type = call("GET /todos", lambda_context)
    assert (status, content_type) == (200, "application/json")
    assert [todo["title"] for todo in body["todos"]] == ["one", "two"]
    assert body["version"] == shared_utils.__version__
    assert captured_logs.one(message="todos listed")["count"] == 2
    assert captured_logs.one(message="todos listed")["function_request_id"] == lambda_context.aws_request_id
    assert captured_metrics.values("TodosListed") == [2]


def test_the_page_size_comes_from_the_parameter_store(
    lambda_context: LambdaContext, config_values: ConfigValues
) -> None:
    """The template's variable may refer to a parameter, as it does in examples/todos/template.yaml."""
    config_values["env://PAGE_SIZE"] = "ssm:///todos/dev/page-size"
    config_values["ssm:///todos/dev/page-size"] = 1
    assert len(call("GET /todos", lambda_context)[1]["todos"]) == 1


def test_a_limit_shortens_the_list(lambda_context: LambdaContext) -> None:
    """`limit` takes the first todos."""
    status, body, _ = call("GET /todos", lambda_context, queryStringParameters={"limit": "1"})
    assert (status, len(body["todos"])) == (200, 1)


@pytest.mark.parametrize("limit", ["0", "6", "-1", "x", "", "1.5", "²", "9" * 5000])
def test_a_wrong_limit_is_refused(lambda_context: LambdaContext, limit: str) -> None:
    """A limit that is no number from 1 to the page size is a 400 that says so."""
    status, body, content_type = call("GET /todos", lambda_context, queryStringParameters={"limit": limit})
    assert (status, content_type) == (400, "application/problem+json")
    assert body["detail"] == "limit must be a number from 1 to 5"


def test_a_todo_is_created(lambda_context: LambdaContext, todos: list[app.Todo]) -> None:
    """The new todo has the next id, and can be had back."""
    status, body, _ = call("POST /todos", lambda_context, body='{"title": " three "}')
    assert (status, body["todo"]) == (201, {"id": 3, "title": "three", "done": False})
    assert call("GET /todos/{id}", lambda_context, pathParameters={"id": "3"})[1]["todo"] == body["todo"]
    assert len(todos) == 3


def test_a_body_may_be_in_base64(lambda_context: LambdaContext) -> None:
    """API Gateway encodes bodies whose type it does not know for text."""
    encoded = base64.b64encode('{"title": "größer"}'.encode()).decode()
    status, body, _ = call("POST /todos", lambda_context, body=encoded, isBase64Encoded=True)
    assert (status, body["todo"]["title"]) == (201, "größer")


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        "not json",
        "[]",
        "7",
        "{}",
        '{"title": 5}',
        '{"title": ""}',
        '{"title": "  "}',
        f'{{"title": "{"x" * 201}"}}',
    ],
)
def test_a_wrong_body_is_refused(
    lambda_context: LambdaContext, todos: list[app.Todo], captured_logs: CapturedLogs, body: str | None
) -> None:
    """Anything but a title of reasonable length is a 400 in the form of RFC 9457, and nothing is created."""
    status, answer, content_type = call("POST /todos", lambda_context, body=body)
    assert (status, content_type) == (400, "application/problem+json")
    assert (answer["status"], answer["title"], answer["type"]) == (400, "Bad Request", "about:blank")
    assert captured_logs.one(message="request refused")["level"] == "WARNING"
    assert len(todos) == 2


@pytest.mark.parametrize("broken", ["%%%", "/w=="])
def test_a_broken_encoding_is_refused(lambda_context: LambdaContext, broken: str) -> None:
    """Neither what is no base64 nor what is no UTF-8 in it gets further."""
    assert call("POST /todos", lambda_context, body=broken, isBase64Encoded=True)[0] == 400


@pytest.mark.parametrize("wanted", ["9", "x", "01", "1 "])
def test_a_todo_that_is_not_there(lambda_context: LambdaContext, wanted: str) -> None:
    """Another id is a 404."""
    status, body, content_type = call("GET /todos/{id}", lambda_context, pathParameters={"id": wanted})
    assert (status, content_type) == (404, "application/problem+json")
    assert body["detail"] == f"there is no todo {wanted}"
