"""The users service: routed by Powertools, which comes from the shared-utils layer too."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError, ServiceError

from shared_utils import __version__, config, get_logger, instrument, metrics

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


class User(TypedDict):
    """Somebody who has todos."""

    id: str
    name: str


class Settings(config.Settings):
    """What the service is configured with; the template says where each value comes from."""

    cursor_key: config.Secret = config.env("CURSOR_KEY")


log = get_logger()
app = APIGatewayHttpResolver()
USERS: list[User] = json.loads(Path(__file__).with_name("users.json").read_text("utf-8"))
PAGE_SIZE = 2


@instrument
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a request of the HTTP API (payload format 2.0)."""
    return app.resolve(event, context)


@app.get("/users")
def list_users() -> Response[str]:
    """``GET /users?cursor=…``: a page of users, and the cursor of the next one."""
    key = Settings.load().cursor_key.reveal().encode()
    start = read_cursor(app.current_event.get_query_string_value("cursor"), key)
    page = USERS[start : start + PAGE_SIZE]
    following = start + PAGE_SIZE
    log.info("users listed", count=len(page), start=start)
    metrics.count("UsersListed", len(page))
    return answer(200, {"users": page, "next": write_cursor(following, key) if following < len(USERS) else None})


@app.get("/users/<user_id>")
def get_user(user_id: str) -> Response[str]:
    """``GET /users/{id}``: one user."""
    for user in USERS:
        if user["id"] == user_id:
            log.info("user read", user_id=user_id)
            return answer(200, {"user": user})
    raise NotFoundError(f"there is no user {user_id}")


@app.exception_handler(ServiceError)  # type: ignore[untyped-decorator]
def refuse(error: ServiceError) -> Response[str]:
    """Make an error answer in the form of RFC 9457."""
    log.warning("request refused", status=error.status_code, detail=error.msg)
    title = "Not Found" if error.status_code == 404 else "Bad Request"
    document = {"type": "about:blank", "title": title, "status": error.status_code, "detail": error.msg}
    return answer(error.status_code, document, "application/problem+json")


def write_cursor(start: int | str, key: bytes) -> str:
    """Where the next page starts, signed: clients can hand it back, but not make one up."""
    signature = hmac.digest(key, str(start).encode(), hashlib.sha256)[:12]
    return f"{start}.{base64.urlsafe_b64encode(signature).decode()}"


def read_cursor(cursor: str | None, key: bytes) -> int:
    """Return where a page starts."""
    if not cursor:
        return 0
    start = cursor.partition(".")[0]
    if not hmac.compare_digest(write_cursor(start, key).encode(), cursor.encode()):
        raise BadRequestError("cursor is not one that this service gave")
    return int(start)


def answer(status: int, document: dict[str, Any], content_type: str = "application/json") -> Response[str]:
    """Make a response that says which version of the layer gave it."""
    body = json.dumps({**document, "version": __version__}, ensure_ascii=False)
    return Response(status_code=status, content_type=content_type, body=body)
