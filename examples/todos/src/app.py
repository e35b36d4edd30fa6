"""The todos service: plain Python on the shared-utils layer."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from shared_utils import __version__, config, instrument, logging, metrics

if TYPE_CHECKING:
    from collections.abc import Callable


class Todo(TypedDict):
    """One thing to do."""

    id: int
    title: str
    done: bool


class Settings(config.Settings):
    """What the service is configured with; the template says where each value comes from."""

    page_size: int = config.env("PAGE_SIZE", default=20)


class Problem(Exception):  # noqa: N818 - the standard's word
    """An error answer in the form of RFC 9457."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.document = {"type": "about:blank", "title": title, "status": status, "detail": detail}


# In memory, so that the example needs no table: each of Lambda's execution environments has todos of its own.
TODOS: list[Todo] = json.loads(Path(__file__).with_name("todos.json").read_text("utf-8"))
MAX_TITLE = 200


@instrument
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - how Lambda calls it
    """Answer a request of the HTTP API (payload format 2.0)."""
    try:
        status, document = ROUTES[event["routeKey"]](event)
    except Problem as problem:
        logging.warning("request refused", status=problem.status, detail=str(problem))
        return answer(problem.status, problem.document, "application/problem+json")
    return answer(status, document)


def list_todos(event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """``GET /todos?limit=10``: the first todos."""
    most = Settings.load().page_size
    todos = TODOS[: parse_limit(event, most)]
    logging.info("todos listed", count=len(todos))
    metrics.count("TodosListed", len(todos))
    return 200, {"todos": todos}


def create_todo(event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """``POST /todos`` with ``{"title": "…"}``: a new todo."""
    title = parse_title(event)
    todo = Todo(id=max((todo["id"] for todo in TODOS), default=0) + 1, title=title, done=False)
    TODOS.append(todo)
    logging.info("todo created", todo_id=todo["id"])
    return 201, {"todo": todo}


def get_todo(event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """``GET /todos/{id}``: one todo."""
    wanted = event["pathParameters"]["id"]
    for todo in TODOS:
        if str(todo["id"]) == wanted:
            logging.info("todo read", todo_id=todo["id"])
            return 200, {"todo": todo}
    raise Problem(404, "Not Found", f"there is no todo {wanted}")


def parse_limit(event: dict[str, Any], most: int) -> int:
    """Return how many todos the request asks for."""
    text = (event.get("queryStringParameters") or {}).get("limit", str(most))
    try:
        limit = int(text)
    except ValueError:
        limit = 0
    if not 1 <= limit <= most:
        raise Problem(400, "Bad Request", f"limit must be a number from 1 to {most}")
    return limit


def parse_title(event: dict[str, Any]) -> str:
    """Return the title that the request's body asks for."""
    body = event.get("body") or ""
    try:
        document = json.loads(base64.b64decode(body) if event.get("isBase64Encoded") else body)
    except (ValueError, RecursionError):
        raise Problem(400, "Bad Request", "the body is not JSON") from None
    title = document.get("title") if isinstance(document, dict) else None
    if not isinstance(title, str) or not 1 <= len(title.strip()) <= MAX_TITLE:
        raise Problem(400, "Bad Request", f"title must be a text of 1 to {MAX_TITLE} characters")
    return title.strip()


def answer(status: int, document: dict[str, Any], content_type: str = "application/json") -> dict[str, Any]:
    """Make a response that says which version of the layer gave it."""
    body = json.dumps({**document, "version": __version__}, ensure_ascii=False)
    return {"statusCode": status, "headers": {"content-type": content_type}, "body": body}


ROUTES: dict[str, Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]] = {
    "GET /todos": list_todos,
    "POST /todos": create_todo,
    "GET /todos/{id}": get_todo,
}
