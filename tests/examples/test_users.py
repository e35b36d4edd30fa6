"""The users service, tested as its author would: the handler, an event, and the fixtures of shared_utils.testing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from examples.users.src import app

import shared_utils

if TYPE_CHECKING:
    from shared_utils.testing import CapturedLogs, CapturedMetrics, ConfigValues, LambdaContext

KEY = "key-of-the-test"


@pytest.fixture(autouse=True)
def cursor_key(config_values: ConfigValues) -> None:
    """The secret, as the template refers to it."""
    config_values["env://CURSOR_KEY"] = "secret://users/dev/cursor#key"
    config_values["secret://users/dev/cursor"] = {"key": KEY}


def call(path: str, context: LambdaContext, **query: str) -> tuple[int, dict[str, Any], str]:
    """Send an event to the handler; status, body and content type of its answer."""
    event = {
        "version": "2.0",
        "rawPath": path,
        "headers": {},
        "queryStringParameters": query,
        "requestContext": {"http": {"method": "GET", "path": path}, "stage": "$default"},
    }
    answer = app.handler(event, context)
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]["Content-Type"]


def test_users_are_listed_logged_and_counted(
    lambda_context: LambdaContext, captured_logs: CapturedLogs, captured_metrics: CapturedMetrics
) -> None:
    """A page comes with the layer's version; a line and a metric say how long it is."""
    status, body, content_type = call("/users", lambda_context)
    assert (status, content_type) == (200, "application/json")
    assert [user["id"] for user in body["users"]] == ["ada", "grace"]
    assert body["version"] == shared_utils.__version__
    assert captured_logs.one(message="users listed")["count"] == 2
    assert captured_metrics.values("UsersListed") == [2]


def test_cursors_lead_through_all_pages(lambda_context: LambdaContext) -> None:
    """Following the cursors shows every user once; the last page has none."""
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        _, body, _ = call("/users", lambda_context, **({"cursor": cursor} if cursor else {}))
        seen += [user["id"] for user in body["users"]]
        cursor = body["next"]
    assert seen == [user["id"] for user in app.USERS]


@pytest.mark.parametrize("cursor", ["0.forged", "2", "2.", "x", "-1.x", ".", "²", "2.ü", "9" * 5000])
def test_a_forged_cursor_is_refused(lambda_context: LambdaContext, captured_logs: CapturedLogs, cursor: str) -> None:
    """A cursor that this service has not signed is a 400 in the form of RFC 9457."""
    status, body, content_type = call("/users", lambda_context, cursor=cursor)
    assert (status, content_type) == (400, "application/problem+json")
    assert (body["status"], body["title"], body["type"]) == (400, "Bad Request", "about:blank")
    assert captured_logs.one(message="request refused")["level"] == "WARNING"


def test_the_key_signs_and_is_never_written(lambda_context: LambdaContext, capfd: pytest.CaptureFixture[str]) -> None:
    """Another key makes other cursors, and neither answers nor lines have the key in them."""
    assert app.write_cursor(2, b"a") != app.write_cursor(2, b"b")
    _, body, _ = call("/users", lambda_context)
    output = capfd.readouterr()
    assert KEY not in json.dumps(body) + output.out + output.err


def test_one_user(lambda_context: LambdaContext) -> None:
    """A user is found by id; another id is a 404 in the form of RFC 9457."""
    assert call("/users/ada", lambda_context)[1]["user"] == {"id": "ada", "name": "Ada Lovelace"}
    status, body, content_type = call("/users/nobody", lambda_context)
    assert (status, content_type) == (404, "application/problem+json")
    assert body["detail"] == "there is no user nobody"


def test_another_path_is_not_found(lambda_context: LambdaContext) -> None:
    """What API Gateway would not let through is a 404 all the same."""
    assert call("/nowhere", lambda_context)[0] == 404
