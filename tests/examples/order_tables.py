"""The tables of the orders service in moto, as its template describes them."""

from __future__ import annotations

from typing import Any

import boto3

from tests.examples.plain_templates import read_template

__all__ = ["ORDER_SETTINGS", "create_order_tables"]

# What the handlers find in their environment, beside what is configured.
ORDER_SETTINGS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "ORDERS_TABLE": "orders-dev",
    "REQUESTS_TABLE": "orders-requests-dev",
}


def create_order_tables() -> Any:
    """Create them for the stage dev; returns the client."""
    client = boto3.client("dynamodb", region_name="eu-central-1")
    for resource in read_template("orders")["Resources"].values():
        if resource["Type"] == "AWS::DynamoDB::Table":
            told = resource["Properties"]
            client.create_table(
                TableName=told["TableName"].replace("${Stage}", "dev"),
                **{name: told[name] for name in ("BillingMode", "AttributeDefinitions", "KeySchema")},
            )
    return client
