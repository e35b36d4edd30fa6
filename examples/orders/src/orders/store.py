"""Orders as items of a DynamoDB table; each write says under which condition it may happen."""

from __future__ import annotations

import os
from functools import cache
from typing import Any, TypedDict

import boto3
from boto3.dynamodb.conditions import Attr
from botocore.exceptions import ClientError

__all__ = ["Order", "OrderStateError", "OrderStore", "UnknownOrderError", "store"]


class Item(TypedDict):
    """So many of one product."""

    sku: str
    quantity: int


class Order(TypedDict, total=False):
    """What somebody ordered, and how far it has got: placed, shipped or cancelled."""

    id: str
    status: str
    items: list[Item]
    tracking: str


class UnknownOrderError(Exception):
    """There is no order of this id."""


class OrderStateError(Exception):
    """The order is not in the state that the step begins at."""

    def __init__(self, order: Order) -> None:
        super().__init__(f"the order is {order['status']} already")
        self.order = order


class OrderStore:
    """The table of orders."""

    def __init__(self, table_name: str) -> None:
        self._table = boto3.resource("dynamodb").Table(table_name)

    def add(self, order: Order) -> None:
        """Write a new order; one that is there already is never overwritten."""
        self._table.put_item(Item=dict(order), ConditionExpression=Attr("id").not_exists())

    def get(self, order_id: str) -> Order:
        """Read an order.

        Raises:
            UnknownOrderError: there is none of this id.
        """
        found = self._table.get_item(Key={"id": order_id}, ConsistentRead=True).get("Item")
        if found is None:
            raise UnknownOrderError(order_id)
        return _plain(found)

    def cancel(self, order_id: str) -> Order:
        """Cancel an order that nobody has shipped.

        Raises:
            UnknownOrderError: there is none of this id.
            OrderStateError: it is shipped or cancelled.
        """
        return self._move(order_id, "SET #status = :to", {":to": "cancelled"})

    def ship(self, order_id: str, tracking: str) -> Order:
        """Note that an order is on its way.

        Raises:
            UnknownOrderError: there is none of this id.
            OrderStateError: it is shipped or cancelled.
        """
        return self._move(
            order_id, "SET #status = :to, tracking = :tracking", {":to": "shipped", ":tracking": tracking}
        )

    def _move(self, order_id: str, update: str, values: dict[str, Any]) -> Order:
        """Change a placed order. Of two changes at once the condition lets one through."""
        try:
            answer = self._table.update_item(
                Key={"id": order_id},
                UpdateExpression=update,
                ConditionExpression="#status = :placed",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":placed": "placed", **values},
                ReturnValues="ALL_NEW",
            )
            return _plain(answer["Attributes"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
        raise OrderStateError(self.get(order_id))


@cache
def store() -> OrderStore:
    """The table that the template names; its client is made once for each environment."""
    return OrderStore(os.environ["ORDERS_TABLE"])


def _plain(item: dict[str, Any]) -> Order:
    """Return an item with numbers that JSON knows: boto3 has Decimal for all of them."""
    items = [Item(sku=entry["sku"], quantity=int(entry["quantity"])) for entry in item["items"]]
    return Order(**{**item, "items": items})  # type: ignore[typeddict-item]
