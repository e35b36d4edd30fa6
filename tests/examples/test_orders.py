"""The orders service, tested as its author would: events, moto for the tables, the fixtures of shared_utils.testing."""

from __future__ import annotations

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from examples.orders.src.orders import api, shipments
from examples.orders.src.orders import store as stores
from moto import mock_aws

import shared_utils
from tests.examples.order_tables import ORDER_SETTINGS, create_order_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared_utils.testing import CapturedLogs, CapturedMetrics, ConfigValues, LambdaContext

KEY = "key-of-the-test-that-signs"
TABLES = (ORDER_SETTINGS["ORDERS_TABLE"], ORDER_SETTINGS["REQUESTS_TABLE"])
TEA = {"items": [{"sku": "tea", "quantity": 2}]}


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Any]:
    """Both tables, in moto; clients take longer to make than what most tests ask of them."""
    with mock_aws(), pytest.MonkeyPatch.context() as environment:  # moto's own variables end last
        for name, value in ORDER_SETTINGS.items():
            environment.setenv(name, value)
        environment.setenv(
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"
        )  # a local AWS that is served beside is another one
        yield create_order_tables()
    for cached in (stores.store, api.place_once):
        cached.cache_clear()


@pytest.fixture(autouse=True)
def tables(dynamodb: Any, config_values: ConfigValues) -> Any:
    """The tables, empty, and the secret, as the template refers to it."""
    config_values["env://RECEIPT_KEY"] = "secret://orders/dev/receipt#key"
    config_values["secret://orders/dev/receipt"] = {"key": KEY}
    for table in TABLES:
        for item in dynamodb.scan(TableName=table)["Items"]:
            dynamodb.delete_item(TableName=table, Key={"id": item["id"]})
    return dynamodb


def call(
    method: str, path: str, context: LambdaContext, body: Any = None, *, encoded: bool = False, **headers: str
) -> tuple[int, dict[str, Any], str]:
    """Send an event to the API; status, body and content type of its answer."""
    event = {
        "version": "2.0",
        "rawPath": path,
        "headers": {name.replace("_", "-"): value for name, value in headers.items()},
        "requestContext": {"http": {"method": method, "path": path}, "stage": "$default"},
        "body": body if isinstance(body, str | None) else json.dumps(body),
        "isBase64Encoded": encoded,
    }
    answer = api.handler(event, context)
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]["Content-Type"]


def placed(context: LambdaContext, key: str = "k-1") -> tuple[str, str]:
    """Place an order; its id and receipt."""
    status, body, _ = call("POST", "/orders", context, TEA, idempotency_key=key)
    assert status == 201
    return body["order"]["id"], body["receipt"]


def message(number: int, body: Any) -> dict[str, Any]:
    """One message of a batch."""
    text = body if isinstance(body, str) else json.dumps(body)
    arn = "arn:aws:sqs:eu-central-1:123456789012:orders-shipments-dev"
    return {"messageId": f"m-{number}", "body": text, "eventSource": "aws:sqs", "eventSourceARN": arn}


def work(context: LambdaContext, *bodies: Any) -> list[str]:
    """Give a batch to the consumer; the messages that come again."""
    event = {"Records": [message(number, body) for number, body in enumerate(bodies)]}
    return [failure["itemIdentifier"] for failure in shipments.handler(event, context)["batchItemFailures"]]


def test_an_order_is_placed_logged_and_counted(
    lambda_context: LambdaContext, captured_logs: CapturedLogs, captured_metrics: CapturedMetrics
) -> None:
    """The answer has the order, its receipt and the layer's version; with the receipt it can be had back."""
    status, body, content_type = call("POST", "/orders", lambda_context, TEA, idempotency_key="k-1")
    assert (status, content_type) == (201, "application/json")
    assert (body["order"]["status"], body["order"]["items"]) == ("placed", TEA["items"])
    assert body["version"] == shared_utils.__version__
    order_id = body["order"]["id"]
    line = captured_logs.one(message="order placed")
    assert (line["order_id"], line["function_request_id"]) == (order_id, lambda_context.aws_request_id)
    assert captured_metrics.values("OrdersPlaced") == [1]
    status, read, _ = call("GET", f"/orders/{order_id}", lambda_context, x_receipt=body["receipt"])
    assert (status, read["order"]) == (200, body["order"])


def test_a_request_that_comes_twice_places_one_order(
    lambda_context: LambdaContext, captured_logs: CapturedLogs, captured_metrics: CapturedMetrics, tables: Any
) -> None:
    """The second answer is the first one: one item, one line, one count. Another key is another order."""
    assert placed(lambda_context) == placed(lambda_context)
    assert len(tables.scan(TableName="orders-dev")["Items"]) == 1
    assert len(captured_logs.find(message="order placed")) == 1
    assert captured_metrics.total("OrdersPlaced") == 1
    assert placed(lambda_context, "k-2") != placed(lambda_context)


def test_the_same_key_for_other_items_is_refused(lambda_context: LambdaContext) -> None:
    """A key that belongs to another request is a 422."""
    placed(lambda_context)
    other = {"items": [{"sku": "coffee", "quantity": 1}]}
    status, body, content_type = call("POST", "/orders", lambda_context, other, idempotency_key="k-1")
    assert (status, content_type) == (422, "application/problem+json")
    assert body["title"] == "Unprocessable Content"


def test_a_request_while_the_first_goes_on_is_refused(
    lambda_context: LambdaContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two at once the second is a 409, and the first ends as ever."""
    entered, leave = threading.Event(), threading.Event()
    add = stores.OrderStore.add

    def slow_add(self: stores.OrderStore, order: stores.Order) -> None:
        entered.set()
        assert leave.wait(10)
        add(self, order)

    monkeypatch.setattr(stores.OrderStore, "add", slow_add)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(placed, lambda_context)
        assert entered.wait(10)
        try:
            assert call("POST", "/orders", lambda_context, TEA, idempotency_key="k-1")[0] == 409
        finally:
            leave.set()
        assert first.result(10)


def test_a_request_that_failed_may_come_again(lambda_context: LambdaContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered of a request that raised: the next one with its key places the order."""
    with monkeypatch.context() as patched:
        patched.setattr(stores.OrderStore, "add", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            placed(lambda_context)
    assert placed(lambda_context)


@pytest.mark.parametrize("key", [None, "", "x" * 51])
def test_a_request_without_a_key_is_refused(lambda_context: LambdaContext, key: str | None) -> None:
    """A POST needs a key of reasonable length."""
    headers = {} if key is None else {"idempotency_key": key}
    status, body, _ = call("POST", "/orders", lambda_context, TEA, **headers)
    assert (status, body["title"]) == (400, "Bad Request")


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        "not json",
        "[]",
        {},
        {"items": []},
        {"items": "tea"},
        {"items": [7]},
        {"items": [{"sku": "tea"}]},
        {"items": [{"sku": "", "quantity": 1}]},
        {"items": [{"sku": "x" * 51, "quantity": 1}]},
        {"items": [{"sku": "tea", "quantity": 0}]},
        {"items": [{"sku": "tea", "quantity": 100}]},
        {"items": [{"sku": "tea", "quantity": True}]},
        {"items": [{"sku": "tea", "quantity": 1.5}]},
        {"items": [{"sku": "tea", "quantity": 1}] * 51},
    ],
)
def test_a_wrong_body_is_refused(
    lambda_context: LambdaContext, captured_logs: CapturedLogs, tables: Any, body: Any
) -> None:
    """Anything but a list of items is a 400 in the form of RFC 9457, and nothing is written."""
    status, answer, content_type = call("POST", "/orders", lambda_context, body, idempotency_key="k-1")
    assert (status, content_type) == (400, "application/problem+json")
    assert (answer["status"], answer["type"]) == (400, "about:blank")
    assert captured_logs.one(message="request refused")["level"] == "WARNING"
    assert not tables.scan(TableName="orders-dev")["Items"]


def test_a_body_may_be_in_base64(lambda_context: LambdaContext) -> None:
    """API Gateway encodes bodies whose type it does not know for text; what is no base64, or no text, is refused."""
    body = base64.b64encode(json.dumps(TEA).encode()).decode()
    assert call("POST", "/orders", lambda_context, body, encoded=True, idempotency_key="k-1")[0] == 201
    for broken in ("%%%", "/w=="):
        assert call("POST", "/orders", lambda_context, broken, encoded=True, idempotency_key="k-2")[0] == 400


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("receipt", ["", "00" * 16, "ü"])
def test_without_the_receipt_there_is_no_order(lambda_context: LambdaContext, method: str, receipt: str) -> None:
    """A forged receipt, or none, is answered as if there were no such order."""
    order_id, _ = placed(lambda_context)
    status, body, _ = call(method, f"/orders/{order_id}", lambda_context, x_receipt=receipt)
    assert (status, body["title"]) == (404, "Not Found")


def test_the_key_signs_and_is_never_written(lambda_context: LambdaContext, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither answers nor lines have the key in them."""
    _, body, _ = call("POST", "/orders", lambda_context, TEA, idempotency_key="k-1")
    output = capfd.readouterr()
    assert KEY not in json.dumps(body) + output.out + output.err


def test_an_order_is_cancelled_once(lambda_context: LambdaContext, captured_metrics: CapturedMetrics) -> None:
    """The condition lets one change through; the second one is a 409 that says why."""
    order_id, receipt = placed(lambda_context)
    status, body, _ = call("DELETE", f"/orders/{order_id}", lambda_context, x_receipt=receipt)
    assert (status, body["order"]["status"]) == (200, "cancelled")
    status, body, _ = call("DELETE", f"/orders/{order_id}", lambda_context, x_receipt=receipt)
    assert (status, body["detail"]) == (409, "the order is cancelled already")
    assert captured_metrics.total("OrdersCancelled") == 1


def test_a_receipt_of_an_order_that_is_gone(lambda_context: LambdaContext, tables: Any) -> None:
    """An order that was deleted is a 404 for its receipt too."""
    order_id, receipt = placed(lambda_context)
    tables.delete_item(TableName="orders-dev", Key={"id": {"S": order_id}})
    for method in ("GET", "DELETE"):
        assert call(method, f"/orders/{order_id}", lambda_context, x_receipt=receipt)[0] == 404


def test_an_order_is_never_overwritten(lambda_context: LambdaContext) -> None:
    """A second order under one id is refused by the table itself."""
    order_id, _ = placed(lambda_context)
    with pytest.raises(Exception, match="ConditionalCheckFailed"):
        stores.store().add(stores.Order(id=order_id, status="placed", items=[]))


def test_failed_messages_come_again_and_are_logged(
    lambda_context: LambdaContext, captured_logs: CapturedLogs, captured_metrics: CapturedMetrics
) -> None:
    """Of a batch only what failed is given back; each of those has one line with its message and its order."""
    good, _ = placed(lambda_context)
    gone, receipt = placed(lambda_context, "k-2")
    call("DELETE", f"/orders/{gone}", lambda_context, x_receipt=receipt)
    again = work(
        lambda_context,
        {"order_id": good, "tracking": "t-1"},
        "no JSON",
        {"order_id": gone, "tracking": "t-2"},
        {"order_id": "unknown", "tracking": "t-3"},
        {"order_id": good},
    )
    assert again == ["m-1", "m-2", "m-3", "m-4"]
    failed = {line["message_id"]: line for line in captured_logs.find(message="message failed")}
    assert sorted(failed) == again
    assert failed["m-2"]["order_id"] == gone
    assert failed["m-2"]["exception_name"] == "OrderStateError"
    shipped = captured_logs.one(message="order shipped")
    assert (shipped["order_id"], shipped["message_id"]) == (good, "m-0")
    assert captured_metrics.total("OrdersShipped") == 1
    assert captured_metrics.total("ShipmentsFailed") == 4


def test_a_message_that_comes_twice_ships_once(
    lambda_context: LambdaContext, captured_metrics: CapturedMetrics
) -> None:
    """The same shipment is known already, as a queue delivers at least once; another one of the order is a failure."""
    order_id, _ = placed(lambda_context)
    shipment = {"order_id": order_id, "tracking": "t-1"}
    assert work(lambda_context, shipment, shipment) == []
    assert captured_metrics.total("OrdersShipped") == 1
    assert work(lambda_context, {"order_id": order_id, "tracking": "t-2"}) == ["m-0"]


def test_a_shipped_order_cannot_be_cancelled(lambda_context: LambdaContext) -> None:
    """What the warehouse sent is a 409."""
    order_id, receipt = placed(lambda_context)
    work(lambda_context, {"order_id": order_id, "tracking": "t-1"})
    assert call("DELETE", f"/orders/{order_id}", lambda_context, x_receipt=receipt)[0] == 409
    assert call("GET", f"/orders/{order_id}", lambda_context, x_receipt=receipt)[1]["order"]["tracking"] == "t-1"
