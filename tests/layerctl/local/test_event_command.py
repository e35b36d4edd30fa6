"""`layerctl event`: events as AWS's services send them, held against Powertools' models and the SAM CLI's samples."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parser import models

from layerctl.__main__ import main
from tests.support.running import write_app

ROOT = Path(__file__).parents[3]
SAMPLES = "lib/python3*/site-packages/samcli/lib/generated_sample_events/events"

# Kind -> the model that Powertools has of it, and the sample that the SAM CLI has of it.
KINDS: dict[str, tuple[Any, str | None]] = {
    "eventbridge": (models.EventBridgeModel, None),
    "schedule": (models.EventBridgeModel, "cloudwatch/ScheduledEvent.json"),
    "sqs": (models.SqsModel, "sqs/Sqs.json"),
    "sns": (models.SnsModel, "sns/Sns.json"),
    "s3": (models.S3Model, "s3/S3Put.json"),
    "dynamodb": (models.DynamoDBStreamModel, "dynamodb/DynamoDBUpdate.json"),
    "kinesis": (models.KinesisDataStreamModel, "kinesis/Kinesis.json"),
    "cloudwatch-logs": (models.CloudWatchLogsModel, "cloudwatch/CloudwatchLogs.json"),
    "apigateway-http": (models.APIGatewayProxyEventV2Model, None),
    "apigateway-rest": (models.APIGatewayProxyEventModel, "apigateway/AwsProxy.json"),
    "function-url": (models.LambdaFunctionUrlModel, None),
    "alb": (models.AlbModel, "alb/ALBRequest.json"),
}
# What depends on the content, or what the samples have beyond what AWS documents.
FREE = {"headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters", "pathParameters",
        "stageVariables", "MessageAttributes", "messageAttributes", "detail", "NewImage", "OldImage", "Keys",
        "identity"}  # fmt: skip


@pytest.fixture
def written(capfd: pytest.CaptureFixture[str]) -> Any:
    """Run the command, and return the event."""

    def run(*arguments: str) -> Any:
        assert main(["event", *arguments]) == 0
        return json.loads(capfd.readouterr().out)

    return run


def keys(value: Any, path: str = "") -> set[str]:
    """The paths of all keys; of a list those of its first item."""
    if isinstance(value, list):
        return keys(value[0], path) if value else set()
    if not isinstance(value, dict):
        return set()
    found = {f"{path}.{key}" for key in value}
    return found.union(*(keys(item, f"{path}.{key}") for key, item in value.items() if key not in FREE))


@pytest.mark.parametrize("kind", KINDS)
def test_powertools_models_take_each(written: Any, kind: str) -> None:
    """Each event is what Powertools' model, written from AWS's own, expects."""
    KINDS[kind][0].model_validate(written(kind))


@pytest.mark.parametrize("kind", [kind for kind, (_, sample) in KINDS.items() if sample])
def test_nothing_is_missing_that_sams_samples_have(written: Any, kind: str) -> None:
    """Every key of the sample that the SAM CLI ships is in the event."""
    (sample,) = (ROOT / ".venv-sam").glob(f"{SAMPLES}/{KINDS[kind][1]}")
    document = json.loads(sample.read_text())
    assert keys(document) - keys(written(kind)) == set()


CONTENT: dict[str, tuple[list[str], str, Any]] = {
    "eventbridge": (["--detail", '{"id": 1.5}', "--source", "shop"], "detail", {"id": 1.5}),
    "eventbridge resources": (["--resource", "a", "--resource", "b"], "resources", ["a", "b"]),
    "schedule": (["--rule", "nightly", "--region", "us-gov-west-1"], "resources.0",
                 "arn:aws-us-gov:events:us-gov-west-1:123456789012:rule/nightly"),
    "sqs body": (["--body", "ü"], "Records.0.body", "ü"),
    "sqs digest": (["--body", "ü"], "Records.0.md5OfBody", hashlib.md5("ü".encode()).hexdigest()),
    "sqs batch": (["--body", "1", "--body", "2"], "Records.1.body", "2"),
    "sqs queue": (["--queue", "jobs", "--region", "us-east-1"], "Records.0.eventSourceARN",
                  "arn:aws:sqs:us-east-1:123456789012:jobs"),
    "sqs fifo": (["--queue", "jobs", "--group", "g"], "Records.0.attributes.MessageGroupId", "g"),
    "sqs fifo name": (["--queue", "jobs", "--group", "g"], "Records.0.eventSourceARN",
                      "arn:aws:sqs:eu-central-1:123456789012:jobs.fifo"),
    "sqs attribute": (["--attribute", "a=b=c"], "Records.0.messageAttributes.a.stringValue", "b=c"),
    "sns": (["--message", "hi", "--subject", "s"], "Records.0.Sns.Subject", "s"),
    "sns attribute": (["--attribute", "a=b"], "Records.0.Sns.MessageAttributes.a", {"Type": "String", "Value": "b"}),
    "s3 key": (["--key", "a b/ü.txt"], "Records.0.s3.object.key", "a+b/%C3%BC.txt"),
    "s3 bucket": (["--bucket", "mine", "--region", "cn-north-1"], "Records.0.s3.bucket.arn", "arn:aws-cn:s3:::mine"),
    "s3 removed": (["--name", "ObjectRemoved:Delete"], "Records.0.s3.object.size", None),
    "dynamodb insert": (["--new", '{"id": 1, "price": 1.50}'], "Records.0.dynamodb.NewImage",
                        {"id": {"N": "1"}, "price": {"N": "1.50"}}),
    "dynamodb modify": (["--new", '{"id": "1"}', "--old", '{"id": "1", "x": [true, null]}'], "Records.0.eventName",
                        "MODIFY"),
    "dynamodb remove": (["--old", '{"id": "1"}'], "Records.0.eventName", "REMOVE"),
    "dynamodb keys": (["--new", '{"a": "1", "b": "2", "c": "3"}', "--key", "a", "--key", "b"],
                      "Records.0.dynamodb.Keys", {"a": {"S": "1"}, "b": {"S": "2"}}),
    "kinesis": (["--data", "ü"], "Records.0.kinesis.data", base64.b64encode("ü".encode()).decode()),
    "apigateway-http": (["--method", "post", "--path", "/todos/a b", "--route", "/todos/{id}", "--body", "{}"],
                        "pathParameters", {"id": "a b"}),
    "apigateway-http stage": (["--path", "/x", "--api-stage", "dev"], "rawPath", "/dev/x"),
    "apigateway-http payload": (["--path", "/x", "--payload", "1.0"], "version", "1.0"),
    "apigateway-http query": (["--query", "a=1", "--query", "a=2"], "queryStringParameters", {"a": "1,2"}),
    "apigateway-rest": (["--path", "/todos/a b", "--route", "/todos/{id}"], "pathParameters", {"id": "a%20b"}),
    "apigateway-rest stage": (["--path", "/x", "--api-stage", "dev"], "requestContext.path", "/dev/x"),
    "function-url": (["--cookie", "a=1", "--cookie", "b=2"], "cookies", ["a=1", "b=2"]),
    "alb": (["--query", "a=1", "--query", "a=/"], "queryStringParameters", {"a": "%2F"}),
    "alb multi": (["--multi-value", "--query", "a=1", "--query", "a=2"], "multiValueQueryStringParameters",
                  {"a": ["1", "2"]}),
}  # fmt: skip


@pytest.mark.parametrize("case", CONTENT)
def test_content(written: Any, case: str) -> None:
    """What the options say is where AWS has it, encoded as AWS has it."""
    arguments, path, expected = CONTENT[case]
    value = written(case.split(maxsplit=1)[0], *arguments)
    for key in path.split("."):
        value = value[int(key)] if isinstance(value, list) else value.get(key)
    assert value == expected


def test_log_lines_are_compressed(written: Any) -> None:
    """A subscription sends its lines in gzip and base64."""
    data = base64.b64decode(written("cloudwatch-logs", "--message", "one", "--message", "two")["awslogs"]["data"])
    content = json.loads(gzip.decompress(data))
    assert [event["message"] for event in content["logEvents"]] == ["one", "two"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sqs", "--body", "@nowhere.json"], "nowhere.json cannot be read"),
        (["eventbridge", "--detail", "{"], "it is not JSON"),
        (["eventbridge", "--detail", "[]"], "it is no JSON object"),
        (["eventbridge", "--detail", '{"a": NaN}'], "it is not JSON: NaN is no JSON value"),
        (["dynamodb", "--new", '{"x": "1"}'], "the item has no 'id'"),
        (["sns", "--attribute", "x"], "is not NAME=VALUE"),
        (["schedule", "--region", "Europe"], "'Europe' is no region"),
        (["apigateway-http", "--path", "/a", "--route", "/b"], "/a does not take the route GET /b"),
        (["sqq"], "Did you mean 'sqs'"),
    ],
)
def test_mistakes_are_told(
    arguments: list[str],
    message: str,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Exit code 2, one line that says what is wrong, and nothing on standard output."""
    monkeypatch.chdir(tmp_path)
    assert main(["event", *arguments]) == 2
    output = capfd.readouterr()
    assert message in output.err.splitlines()[-1]
    assert output.out == ""


@pytest.mark.emulator
def test_an_event_is_piped_into_a_function(tmp_path: Path) -> None:
    """`layerctl event … | layerctl invoke … --event -` runs the function on it; the content may come from a file."""
    source = "def handler(event, context): return event['Records'][0]['body']"
    app = write_app(tmp_path / "app", source)
    (tmp_path / "body.json").write_text('{"grün": true}', "utf-8")
    layerctl = f"{sys.executable} -m layerctl"
    line = f"{layerctl} event sqs --body @{tmp_path}/body.json | {layerctl} invoke {app} Echo --event -"
    answer = subprocess.run(line, shell=True, capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout) == '{"grün": true}'
