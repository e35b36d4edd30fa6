"""The examples' dashboards show what the examples write, and nothing that does not exist."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from examples.orders.src.orders import api as orders
from examples.orders.src.orders import shipments
from examples.orders.src.orders import store as order_store
from examples.todos.src import app as todos
from examples.users.src import app as users
from moto import mock_aws

from shared_utils.invocation import lifecycle
from tests.examples.order_tables import ORDER_SETTINGS, create_order_tables
from tests.examples.plain_templates import read_template

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared_utils.testing import CapturedLogs, CapturedMetrics, ConfigValues, LambdaContext

    Serve = Callable[[str, Callable[..., Any], dict[str, Any]], Any]

# Lambda developer guide, "Types of metrics for Lambda functions": those with the dimension FunctionName.
LAMBDA_METRICS = {"Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions"}
HTTP = {"version": "2.0", "headers": {}, "isBase64Encoded": False}
SERVICES = ("todos", "users", "orders")


def http(method: str, path: str, **more: Any) -> dict[str, Any]:
    """Make an event of an HTTP API."""
    context = {"http": {"method": method, "path": path}, "stage": "$default"}
    return {**HTTP, "routeKey": f"{method} {path}", "rawPath": path, "requestContext": context, **more}


def use_todos(serve: Serve) -> None:
    """Have each metric of todos counted."""
    assert serve("TodosFunction", todos.handler, http("GET", "/todos"))["statusCode"] == 200


def use_users(serve: Serve) -> None:
    """Have each metric of users counted."""
    assert serve("UsersFunction", users.handler, http("GET", "/users"))["statusCode"] == 200


def use_orders(serve: Serve) -> None:
    """Have each metric of orders counted: one order is shipped, another cancelled, and a message fails."""
    for cached in (order_store.store, orders.place_once):
        cached.cache_clear()
    with mock_aws():
        create_order_tables()
        ids = []
        for key in ("k-1", "k-2"):
            body = '{"items": [{"sku": "tea", "quantity": 1}]}'
            event = http("POST", "/orders", headers={"idempotency-key": key}, body=body)
            ids.append(json.loads(serve("OrdersFunction", orders.handler, event)["body"])["order"]["id"])
        event = http("DELETE", f"/orders/{ids[0]}", headers={"x-receipt": orders.receipt(ids[0])})
        assert serve("OrdersFunction", orders.handler, event)["statusCode"] == 200
        records = [
            {"messageId": f"m-{number}", "body": json.dumps({"order_id": order_id, "tracking": "t-1"})}
            for number, order_id in enumerate(ids)
        ]
        assert serve("ShipmentsFunction", shipments.handler, {"Records": records})["batchItemFailures"]
    for cached in (order_store.store, orders.place_once):
        cached.cache_clear()


USES = {"todos": use_todos, "users": use_users, "orders": use_orders}


def functions(service: str) -> dict[str, Any]:
    """The functions of a template, with their properties and those of all."""
    template = read_template(service)
    shared = template.get("Globals", {}).get("Function", {})
    return {
        name: shared | resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def deployed(function: str) -> str:
    """The name that CloudFormation gives a function."""
    return f"stack-{function}"


def dashboard(service: str) -> dict[str, Any]:
    """Return the dashboard's body as CloudWatch gets it: after Fn::Sub."""
    values = {"AWS::Region": "eu-central-1", "AWS::StackName": "stack"}
    values |= {function: deployed(function) for function in functions(service)}
    text = read_template(service)["Resources"]["Dashboard"]["Properties"]["DashboardBody"]
    body: dict[str, Any] = json.loads(re.sub(r"\$\{([^!}]+)\}", lambda match: values[match[1]], text))
    return body


def shown(service: str) -> set[tuple[str, str, tuple[tuple[str, str], ...]]]:
    """Return what the dashboard's widgets name: namespace, metric, dimensions."""
    found = set()
    for widget in dashboard(service)["widgets"]:
        for namespace, name, *rest in widget["properties"].get("metrics", []):
            words = [word for word in rest if isinstance(word, str)]
            found.add((namespace, name, tuple(sorted(zip(words[::2], words[1::2], strict=True)))))
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_a_dashboard_names_only_what_is_written(  # noqa: PLR0917 - fixtures
    service: str,
    lambda_context: LambdaContext,
    captured_logs: CapturedLogs,
    captured_metrics: CapturedMetrics,
    config_values: ConfigValues,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each metric in it is one that the handler wrote, under the same namespace and dimensions, or Lambda's own."""
    config_values["env://PAGE_SIZE"] = "5"
    for name in ("CURSOR_KEY", "RECEIPT_KEY"):
        config_values[f"env://{name}"] = "key of the test"
    settings = dict(ORDER_SETTINGS)
    variables = read_template(service).get("Globals", {}).get("Function", {}).get("Environment", {}).get("Variables")
    variables = variables or next(iter(functions(service).values()))["Environment"]["Variables"]
    for name in ("POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"):
        settings[name] = variables[name]
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    def serve(function: str, handler: Callable[..., Any], event: dict[str, Any]) -> Any:
        if lambda_context.function_name != deployed(function):
            lifecycle.reset()  # each function has environments of its own, whose first invocation is a cold one
        lambda_context.function_name = deployed(function)
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", deployed(function))
        return handler(event, lambda_context)

    USES[service](serve)
    written = {
        (directive["Namespace"], metric["Name"], tuple(sorted((name, document[name]) for name in names)))
        for document in captured_metrics.documents
        for directive in document["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
        for names in directive["Dimensions"]
    }
    own = {entry for entry in shown(service) if entry[0] != "AWS/Lambda"}
    assert own == written
    lambdas = shown(service) - own
    assert {name for _, name, _ in lambdas} == LAMBDA_METRICS
    assert {dimensions for _, _, dimensions in lambdas} == {
        (("FunctionName", deployed(function)),) for function in functions(service)
    }


@pytest.mark.parametrize("service", SERVICES)
def test_cloudwatch_takes_the_dashboard_and_its_widgets_do_not_overlap(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The body is accepted as it is, each widget has its own place on the grid of 24 columns, and all have a title."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    body = dashboard(service)
    with mock_aws():
        client = boto3.client("cloudwatch", region_name="eu-central-1")
        client.put_dashboard(DashboardName="stack", DashboardBody=json.dumps(body))
        assert json.loads(client.get_dashboard(DashboardName="stack")["DashboardBody"]) == body
    cells = [
        (column, row)
        for widget in body["widgets"]
        for column in range(widget["x"], widget["x"] + widget["width"])
        for row in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(column for column, _ in cells) < 24
    assert all(widget["properties"]["title"] for widget in body["widgets"])


@pytest.mark.parametrize("service", SERVICES)
def test_the_time_out_in_the_dashboard_is_the_functions(service: str) -> None:
    """The line across the durations is where Lambda ends the function."""
    (timeout,) = {function["Timeout"] for function in functions(service).values()}
    lines = [
        line["value"]
        for widget in dashboard(service)["widgets"]
        for line in widget["properties"].get("annotations", {}).get("horizontal", [])
    ]
    assert lines == [timeout * 1000]
