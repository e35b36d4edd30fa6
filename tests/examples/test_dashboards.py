"""The examples' dashboards show what the examples write, and nothing that does not exist."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import yaml
from examples.todos.src import app as todos
from examples.users.src import app as users
from moto import mock_aws

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared_utils.testing import CapturedLogs, CapturedMetrics, ConfigValues, LambdaContext

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
# Lambda developer guide, "Types of metrics for Lambda functions": those with the dimension FunctionName.
LAMBDA_METRICS = {"Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions"}
HTTP = {"version": "2.0", "headers": {}, "isBase64Encoded": False}
SERVICES: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "todos": (todos.handler, {**HTTP, "routeKey": "GET /todos"}),
    "users": (
        users.handler,
        {
            **HTTP,
            "rawPath": "/users",
            "requestContext": {"http": {"method": "GET", "path": "/users"}, "stage": "$default"},
        },
    ),
}


class _Loader(yaml.SafeLoader):
    """Reads !Sub and other short forms as their plain value."""


_Loader.add_multi_constructor("!", lambda loader, tag, node: loader.construct_scalar(node))  # type: ignore[no-untyped-call]


def template(service: str) -> dict[str, Any]:
    """Return a template with its intrinsic functions as text."""
    loaded: dict[str, Any] = yaml.load((EXAMPLES / service / "template.yaml").read_text(), _Loader)
    return loaded


def substituted(text: str, function: str) -> str:
    """Do what Fn::Sub does."""
    values = {"AWS::Region": "eu-central-1", "AWS::StackName": "stack", f"{function}": "deployed-name"}
    return re.sub(r"\$\{([^!}]+)\}", lambda match: values[match[1]], text)


def dashboard(service: str) -> dict[str, Any]:
    """Return the dashboard's body as CloudWatch gets it."""
    resources = template(service)["Resources"]
    function = next(name for name, resource in resources.items() if resource["Type"].endswith("::Function"))
    body: dict[str, Any] = json.loads(substituted(resources["Dashboard"]["Properties"]["DashboardBody"], function))
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
    config_values["env://CURSOR_KEY"] = "key"
    properties = template(service)["Resources"][f"{service.title()}Function"]["Properties"]
    for name in ("POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"):
        monkeypatch.setenv(name, properties["Environment"]["Variables"][name])
    lambda_context.function_name = "deployed-name"
    handler, event = SERVICES[service]
    assert handler(event, lambda_context)["statusCode"] == 200
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
    assert {dimensions for _, _, dimensions in lambdas} == {(("FunctionName", "deployed-name"),)}


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
    timeout = template(service)["Resources"][f"{service.title()}Function"]["Properties"]["Timeout"]
    lines = [
        line["value"]
        for widget in dashboard(service)["widgets"]
        for line in widget["properties"].get("annotations", {}).get("horizontal", [])
    ]
    assert lines == [timeout * 1000]
