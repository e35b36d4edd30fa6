"""The API: orders are placed, read and cancelled. A POST that comes twice places one order.

Powertools routes and remembers what was answered; both parts are in the shared-utils layer, boto3 is in the runtime.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import uuid
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError, ServiceError
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyValidationError,
)

from shared_utils import __version__, config, get_logger, instrument, logging, metrics

from .store import Item, Order, OrderStateError, UnknownOrderError, store

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent
    from aws_lambda_powertools.utilities.typing import LambdaContext


class Settings(config.Settings):
    """What the service is configured with; the template says where each value comes from."""

    receipt_key: config.Secret = config.env("RECEIPT_KEY")


log = get_logger()
logging.configure(levels={"botocore": "WARNING"})  # which tells at INFO where its credentials come from
app = APIGatewayHttpResolver()
# The client's key says which request it is, and the items what it asked for: the same key for other items is refused.
ONCE = IdempotencyConfig(
    event_key_jmespath="key",
    payload_validation_jmespath="items",
    expires_after_seconds=24 * 3600,
    hash_function="sha256",
)
MAX_ITEMS, MAX_QUANTITY, MAX_TEXT = 50, 99, 50


@instrument
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a request of the HTTP API (payload format 2.0)."""
    Settings.load()  # a wrong setting fails the request before anything is written
    ONCE.register_lambda_context(context)  # how long a request that never ended is taken for one that goes on
    return app.resolve(event, context)


@app.post("/orders")
def create_order() -> Response[str]:
    """``POST /orders`` with ``{"items": [{"sku": "tea", "quantity": 2}]}`` and an Idempotency-Key: a new order."""
    key = app.current_event.headers.get("idempotency-key", "")
    if not 1 <= len(key) <= MAX_TEXT:
        raise BadRequestError(f"the header Idempotency-Key must be a text of 1 to {MAX_TEXT} characters")
    order = place_once()(request={"key": key, "items": parse_items(app.current_event)})
    return answer(201, {"order": order, "receipt": receipt(order["id"])})


def place(request: dict[str, Any]) -> Order:
    """Write a new order. What it returns is kept, and given again for the same key."""
    order = Order(id=uuid.uuid4().hex, status="placed", items=request["items"])
    store().add(order)
    log.info("order placed", order_id=order["id"], items=len(order["items"]))
    metrics.count("OrdersPlaced")
    return order


@cache
def place_once() -> Callable[..., Order]:
    """`place`, behind Powertools' idempotency; its client is made once for each environment."""
    kept = DynamoDBPersistenceLayer(table_name=os.environ["REQUESTS_TABLE"])
    return idempotent_function(place, data_keyword_argument="request", persistence_store=kept, config=ONCE)  # type: ignore[no-any-return]


@app.get("/orders/<order_id>")
def get_order(order_id: str) -> Response[str]:
    """``GET /orders/{id}`` with the receipt: one order."""
    check_receipt(order_id)
    order = store().get(order_id)
    log.info("order read", order_id=order_id)
    return answer(200, {"order": order})


@app.delete("/orders/<order_id>")
def cancel_order(order_id: str) -> Response[str]:
    """``DELETE /orders/{id}`` with the receipt: cancel it, unless it is on its way."""
    check_receipt(order_id)
    order = store().cancel(order_id)
    log.info("order cancelled", order_id=order_id)
    metrics.count("OrdersCancelled")
    return answer(200, {"order": order})


@app.exception_handler(ServiceError)  # type: ignore[untyped-decorator]
def refuse(error: ServiceError) -> Response[str]:
    """Make an error answer in the form of RFC 9457."""
    return problem(error.status_code, str(error.msg))


@app.exception_handler(UnknownOrderError)  # type: ignore[untyped-decorator]
def unknown(error: UnknownOrderError) -> Response[str]:
    """Say that there is no such order."""
    return problem(404, f"there is no order {error}")


@app.exception_handler(OrderStateError)  # type: ignore[untyped-decorator]
def too_late(error: OrderStateError) -> Response[str]:
    """Say what has become of the order meanwhile."""
    return problem(409, str(error))


@app.exception_handler(IdempotencyAlreadyInProgressError)  # type: ignore[untyped-decorator]
def in_progress(error: IdempotencyAlreadyInProgressError) -> Response[str]:  # noqa: ARG001 - its text is not for clients
    """Say that the first request with this key has not ended."""
    return problem(409, "a request with this Idempotency-Key is in progress; repeat it later")


@app.exception_handler(IdempotencyValidationError)  # type: ignore[untyped-decorator]
def other_request(error: IdempotencyValidationError) -> Response[str]:  # noqa: ARG001 - its text is not for clients
    """Say that the key belongs to another request."""
    return problem(422, "this Idempotency-Key was used for other items")


def parse_items(event: BaseProxyEvent) -> list[Item]:
    """Return the items that a request's body asks for."""
    try:
        document = event.json_body  # decoded: API Gateway encodes what it does not know for text
    except (ValueError, RecursionError):
        raise BadRequestError("the body is not JSON") from None
    entries = document.get("items") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_ITEMS:
        raise BadRequestError(f"items must be a list of 1 to {MAX_ITEMS} items")
    return [parse_item(entry) for entry in entries]


def parse_item(entry: Any) -> Item:
    """Return one item of a request."""
    sku, quantity = (entry.get("sku"), entry.get("quantity")) if isinstance(entry, dict) else (None, None)
    if not isinstance(sku, str) or not 1 <= len(sku) <= MAX_TEXT:
        raise BadRequestError(f"the sku of an item must be a text of 1 to {MAX_TEXT} characters")
    if type(quantity) is not int or not 1 <= quantity <= MAX_QUANTITY:
        raise BadRequestError(f"the quantity of an item must be a number from 1 to {MAX_QUANTITY}")
    return Item(sku=sku, quantity=quantity)


def receipt(order_id: str) -> str:
    """What shows that somebody placed this order: signed, so that nobody can make one up."""
    key = Settings.load().receipt_key.reveal().encode()
    return hmac.digest(key, order_id.encode(), hashlib.sha256)[:16].hex()


def check_receipt(order_id: str) -> None:
    """Refuse a request without the order's receipt, just as one for an order that does not exist."""
    given = app.current_event.headers.get("x-receipt", "")
    if not hmac.compare_digest(given.encode(), receipt(order_id).encode()):
        raise NotFoundError(f"there is no order {order_id} with this receipt")


def problem(status: int, detail: str) -> Response[str]:
    """Make an error answer in the form of RFC 9457."""
    log.warning("request refused", status=status, detail=detail)
    titles = {400: "Bad Request", 404: "Not Found", 409: "Conflict", 422: "Unprocessable Content"}
    document = {"type": "about:blank", "title": titles.get(status, "Error"), "status": status, "detail": detail}
    return answer(status, document, "application/problem+json")


def answer(status: int, document: dict[str, Any], content_type: str = "application/json") -> Response[str]:
    """Make a response that says which version of the layer gave it."""
    body = json.dumps({**document, "version": __version__}, ensure_ascii=False)
    return Response(status_code=status, content_type=content_type, body=body)
