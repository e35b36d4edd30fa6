"""`layerctl run --start-lambda`: functions that are called by the real SDK, from tests and from each other."""

from __future__ import annotations

import base64
import json
import sys
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.running import Running, write_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.emulator

SOURCE = """
import json, os
def handler(event, context):
    print("got", json.dumps(event))
    match event.get("do"):
        case "raise": raise ValueError("on purpose")
        case "exit": os._exit(3)
        case "sleep": __import__("time").sleep(30)
        case "touch": open(event["path"], "w").close()
        case "context": return context.client_context.custom
    return {"got": event, "name": context.function_name}

def caller(event, context):
    import boto3
    answer = boto3.client("lambda").invoke(FunctionName=os.environ["CALLEE"], Payload=json.dumps({"from": "caller"}))
    return json.loads(answer["Payload"].read())
"""
TEMPLATE = f"""
Globals: {{Function: {{Runtime: python{sys.version_info.major}.{sys.version_info.minor}, CodeUri: ., Timeout: 20}}}}
Resources:
  Callee:
    Type: AWS::Serverless::Function
    Properties: {{Handler: app.handler, FunctionName: orders-api, AutoPublishAlias: live}}
  Hasty: {{Type: AWS::Serverless::Function, Properties: {{Handler: app.handler, Timeout: 5}}}}
  Caller:
    Type: AWS::Serverless::Function
    Properties: {{Handler: app.caller, Environment: {{Variables: {{CALLEE: orders-api}}}}}}
"""
ARN = "arn:aws:lambda:eu-central-1:123456789012:function:orders-api"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Functions without any route, served by the Lambda API alone."""
    app = write_app(tmp_path_factory.mktemp("lambda") / "app", SOURCE, template=TEMPLATE)
    served = Running(app, "--start-lambda", "--lambda-port", "0")
    yield served
    served.end()


@pytest.fixture(scope="module")
def sdk(running: Running) -> Any:
    """The real client, which finds the functions here."""
    url = running.wait_for(lambda event: event["event"] == "ready")["lambda_url"]
    config = Config(retries={"total_max_attempts": 1}, read_timeout=60)
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client("lambda", endpoint_url=url, region_name="eu-central-1", config=config, **keys)


def called(sdk: Any, event: Any = None, name: str = "orders-api", **more: Any) -> tuple[Any, Any]:
    """What a call came to: the response, and its payload."""
    response = sdk.invoke(FunctionName=name, Payload=json.dumps(event or {}), **more)
    payload = response["Payload"].read()
    return response, json.loads(payload) if payload else None


@pytest.mark.parametrize(
    ("name", "qualifier"),
    [
        ("orders-api", None),
        ("Callee", None),
        ("orders-api", "live"),
        ("orders-api", "$LATEST"),
        ("orders-api:live", None),
        ("orders-api:live", "live"),
        (ARN, None),
        (f"{ARN}:live", None),
        ("123456789012:function:orders-api", None),
        ("function:orders-api", None),
    ],
)
def test_every_form_of_a_name(sdk: Any, name: str, qualifier: str | None) -> None:
    """Logical id, name, partial ARN, ARN, each with a qualifier or without one, lead to the function."""
    response, payload = called(sdk, {"a": "ü"}, name, **({"Qualifier": qualifier} if qualifier else {}))
    assert (response["StatusCode"], response["ExecutedVersion"]) == (200, "$LATEST")
    assert payload == {"got": {"a": "ü"}, "name": "orders-api"}
    assert "FunctionError" not in response


@pytest.mark.parametrize(
    ("name", "more", "code"),
    [
        ("nothing", {}, "ResourceNotFoundException"),
        (f"{ARN}-2", {}, "ResourceNotFoundException"),
        ("orders-api", {"Qualifier": "prod"}, "ResourceNotFoundException"),
        ("orders-api", {"Qualifier": "7"}, "ResourceNotFoundException"),
        ("orders-api:live", {"Qualifier": "$LATEST"}, "InvalidParameterValueException"),
        ("orders-api", {"InvocationType": "Nonsense"}, "InvalidParameterValueException"),
        ("orders-api", {"Payload": "{"}, "InvalidRequestContentException"),
        ("orders-api", {"Payload": b"1" * 1_048_577, "InvocationType": "Event"}, "RequestTooLargeException"),
        ("or ders", {}, "ValidationException"),
    ],
)
def test_what_aws_refuses_is_refused_in_its_words(sdk: Any, name: str, more: dict[str, Any], code: str) -> None:
    """Each error is the exception that callers catch from AWS."""
    with pytest.raises(ClientError) as caught:
        sdk.invoke(FunctionName=name, **{"Payload": "{}", **more})
    assert caught.value.response["Error"]["Code"] == code
    if hasattr(sdk.exceptions, code):
        assert isinstance(caught.value, getattr(sdk.exceptions, code))
    assert caught.value.response["ResponseMetadata"]["RequestId"]


def test_another_operation_is_refused(sdk: Any) -> None:
    """What is not played says so, instead of anything that looks like an answer."""
    with pytest.raises(ClientError) as caught:
        sdk.list_functions()
    assert caught.value.response["Error"]["Code"] == "UnknownOperationException"
    assert "only Invoke" in caught.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("event", "name", "kind"),
    [
        ({"do": "raise"}, "orders-api", "ValueError"),
        ({"do": "exit"}, "orders-api", "Runtime.ExitError"),
        ({"do": "sleep"}, "Hasty", "Sandbox.Timedout"),
    ],
)
def test_a_function_that_fails(sdk: Any, event: Any, name: str, kind: str) -> None:
    """The call succeeds, and the answer says that the function did not."""
    response, payload = called(sdk, event, name)
    assert (response["StatusCode"], response["FunctionError"], payload["errorType"]) == (200, "Unhandled", kind)


def test_the_log_comes_along(sdk: Any) -> None:
    """LogType=Tail brings the lines of the invocation, with Lambda's own; without it there are none."""
    response, _ = called(sdk, {"x": 1}, LogType="Tail")
    lines = base64.b64decode(response["LogResult"]).decode().splitlines()
    assert lines[0].startswith("START RequestId: ")
    assert 'got {"x": 1}' in lines
    assert any(line.startswith("REPORT RequestId: ") for line in lines)
    assert "LogResult" not in called(sdk)[0]
    tail, _ = called(sdk, {"x": "y" * 10_000}, LogType="Tail")
    assert len(base64.b64decode(tail["LogResult"])) == 4096


def test_a_call_that_nobody_waits_for(sdk: Any, tmp_path: Path) -> None:
    """InvocationType=Event is answered at once, and the function runs; DryRun runs nothing."""
    path = tmp_path / "touched"
    event = {"do": "touch", "path": str(path)}
    assert called(sdk, event, InvocationType="DryRun")[0]["StatusCode"] == 204
    assert not path.exists()
    response, payload = called(sdk, event, InvocationType="Event")
    assert (response["StatusCode"], payload) == (202, None)
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_client_context(sdk: Any) -> None:
    """What a caller hands on beside the event arrives in the function's context."""
    context = base64.b64encode(json.dumps({"custom": {"a": "b"}}).encode()).decode()
    assert called(sdk, {"do": "context"}, ClientContext=context)[1] == {"a": "b"}


def test_functions_call_functions(sdk: Any) -> None:
    """A function's own SDK reaches the other one here, without any setting."""
    response, payload = called(sdk, {}, "Caller")
    assert "FunctionError" not in response, payload
    assert payload == {"got": {"from": "caller"}, "name": "orders-api"}
