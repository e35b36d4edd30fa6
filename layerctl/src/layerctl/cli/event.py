"""`layerctl event`: events as AWS's services send them."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import click

from layerctl.cli.groups import Group
from layerctl.cli.options import Pairs, region_option
from layerctl.cli.output import print_json
from layerctl.core.errors import LayerctlError
from layerctl.core.json_text import no_constant

if TYPE_CHECKING:
    from collections.abc import Callable

    from layerctl.local.events import EventSource
    from layerctl.local.http import Request

__all__ = ["command"]


class EventContent(click.ParamType[str]):
    """Text, or what is in a file: ``@FILE``, or ``@-`` for standard input."""

    name = "TEXT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read it."""
        if not str(value).startswith("@"):
            return str(value)
        try:
            return sys.stdin.read() if value == "@-" else Path(value[1:]).read_text("utf-8")
        except OSError as error:
            self.fail(f"{value[1:]} cannot be read: {error.strerror}", param, ctx)
        except UnicodeDecodeError:
            self.fail(f"{value[1:]} is not text in UTF-8", param, ctx)


class JsonObject(EventContent):
    """A JSON object, or a file of one.

    Args:
        exact: make numbers with a fraction `Decimal`, as DynamoDB's are.
    """

    name = "JSON"

    def __init__(self, *, exact: bool = False) -> None:
        self._exact = exact

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read and parse it."""
        if isinstance(value, dict):
            return value
        text = super().convert(value, param, ctx)
        try:
            data = json.loads(text, parse_float=Decimal if self._exact else float, parse_constant=no_constant)
        except (ValueError, RecursionError) as error:
            self.fail(f"it is not JSON: {error}", param, ctx)
        if not isinstance(data, dict):
            self.fail("it is no JSON object", param, ctx)
        return data


_ATTRIBUTES = click.option(
    "--attribute",
    "attributes",
    multiple=True,
    type=Pairs(),
    metavar="NAME=VALUE",
    help="A message attribute. Repeatable.",
)
_REGION = region_option("eu-central-1")


def _source(region: str | None) -> EventSource:
    from layerctl.core.partitions import is_region
    from layerctl.local.events import EventSource

    if region is not None and not is_region(region):
        raise LayerctlError(f"{region!r} is no region")
    return EventSource(region or "eu-central-1")


@click.group(cls=Group)
def command() -> None:
    r"""Write an event as an AWS service sends it, for `invoke`.

    \b
    layerctl event sqs --body '{"id": 1}' | layerctl invoke template.yaml Worker --event -

    Texts may be @FILE, or @- for standard input.
    """


@command.command("eventbridge")
@click.option("--source", default="layerctl.example", show_default=True, help="Who sent it.")
@click.option("--detail-type", default="Something happened", show_default=True, help="What it is.")
@click.option("--detail", type=JsonObject(), default="{}", show_default=True, help="The content.")
@click.option("--resource", "resources", multiple=True, metavar="ARN", help="What it is about. Repeatable.")
@_REGION
def _eventbridge(*, region: str | None, **given: Any) -> None:
    """Write an event of an EventBridge bus."""
    from layerctl.local.events import eventbridge

    print_json(eventbridge(_source(region), **given))


@command.command("schedule")
@click.option("--rule", default="hourly", show_default=True, help="The rule's name.")
@_REGION
def _schedule(*, region: str | None, **given: Any) -> None:
    """Write what an EventBridge rule with a schedule sends."""
    from layerctl.local.events import schedule

    print_json(schedule(_source(region), **given))


@command.command("sqs")
@click.option(
    "--body",
    "bodies",
    type=EventContent(),
    multiple=True,
    default=("{}",),
    help="A message. Repeatable.  [default: {}]",
)
@click.option("--queue", default="queue", show_default=True, help="The queue's name.")
@click.option("--group", help="The message group: it is a FIFO queue.")
@_ATTRIBUTES
@_REGION
def _sqs(*, region: str | None, attributes: tuple[tuple[str, str], ...], **given: Any) -> None:
    """Write a batch of messages of an SQS queue."""
    from layerctl.local.events import sqs

    print_json(sqs(_source(region), attributes=dict(attributes), **given))


@command.command("sns")
@click.option("--message", type=EventContent(), default="{}", show_default=True, help="The message.")
@click.option("--topic", default="topic", show_default=True, help="The topic's name.")
@click.option("--subject", help="The subject.")
@_ATTRIBUTES
@_REGION
def _sns(*, region: str | None, attributes: tuple[tuple[str, str], ...], **given: Any) -> None:
    """Write a notification of an SNS topic."""
    from layerctl.local.events import sns

    print_json(sns(_source(region), attributes=dict(attributes), **given))


@command.command("s3")
@click.option("--bucket", default="bucket", show_default=True, help="The bucket's name.")
@click.option("--key", default="folder/file.txt", show_default=True, help="The object's key, not encoded.")
@click.option("--name", "event", default="ObjectCreated:Put", show_default=True, help="What happened.")
@click.option("--size", default=1024, show_default=True, type=click.IntRange(min=0), help="The object's size in bytes.")
@_REGION
def _s3(*, region: str | None, **given: Any) -> None:
    """Write a notification of an S3 bucket."""
    from layerctl.local.events import s3

    print_json(s3(_source(region), **given))


@command.command("dynamodb")
@click.option("--table", default="table", show_default=True, help="The table's name.")
@click.option(
    "--key", "keys", multiple=True, default=("id",), help="An attribute of the key. Repeatable.  [default: id]"
)
@click.option(
    "--new", type=JsonObject(exact=True), help='The item after the change, in ordinary JSON.  [default: {"id": "1"}]'
)
@click.option("--old", type=JsonObject(exact=True), help="The item before it.")
@_REGION
def _dynamodb(*, region: str | None, new: Any, old: Any, **given: Any) -> None:
    """Write a record of a DynamoDB table's stream.

    With --new alone it is an INSERT, with both a MODIFY, with --old alone a REMOVE.
    """
    from layerctl.local.events import dynamodb

    if new is None and old is None:
        new = {"id": "1"}
    print_json(dynamodb(_source(region), new=new, old=old, **given))


@command.command("kinesis")
@click.option(
    "--data", type=EventContent(), multiple=True, default=("{}",), help="A record's content. Repeatable.  [default: {}]"
)
@click.option("--stream", default="stream", show_default=True, help="The stream's name.")
@click.option("--partition-key", default="1", show_default=True, help="The partition key.")
@_REGION
def _kinesis(*, region: str | None, data: tuple[str, ...], **given: Any) -> None:
    """Write a batch of records of a Kinesis stream."""
    from layerctl.local.events import kinesis

    print_json(kinesis(_source(region), data=[text.encode() for text in data], **given))


@command.command("cloudwatch-logs")
@click.option(
    "--message",
    "messages",
    type=EventContent(),
    multiple=True,
    default=("{}",),
    help="A line. Repeatable.  [default: {}]",
)
@click.option("--log-group", "group", default="/aws/lambda/function", show_default=True, help="The log group.")
@click.option("--log-stream", "stream", default="stream", show_default=True, help="The log stream.")
@_REGION
def _cloudwatch_logs(*, region: str | None, **given: Any) -> None:
    """Write what a subscription of a CloudWatch log group sends."""
    from layerctl.local.events import cloudwatch_logs

    print_json(cloudwatch_logs(_source(region), **given))


def _request_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        _REGION,
        click.option("--cookie", "cookies", multiple=True, type=Pairs(), metavar="NAME=VALUE", help="Repeatable."),
        click.option("--query", "queries", multiple=True, type=Pairs(), metavar="NAME=VALUE", help="Repeatable."),
        click.option("--header", "headers", multiple=True, type=Pairs(), metavar="NAME=VALUE", help="Repeatable."),
        click.option("--body", type=EventContent(), default="", help="The body; JSON unless --header says otherwise."),
        click.option("--path", default="/", show_default=True, help="The request's path, not encoded."),
        click.option("--method", default="GET", show_default=True, help="The request's method."),
    ):
        function = option(function)
    return function


def _request(
    *,
    method: str,
    path: str,
    body: str,
    headers: tuple[tuple[str, str], ...],
    queries: tuple[tuple[str, str], ...],
    cookies: tuple[tuple[str, str], ...],
    host: str,
) -> Request:
    from layerctl.local.http import Request

    given = {name.lower() for name, _ in headers}
    own = [("Host", host), ("User-Agent", "layerctl"), ("Accept", "*/*")]
    if body:
        own.append(("Content-Type", "application/json"))
    all_headers = [*((name, value) for name, value in own if name.lower() not in given), *headers]
    if cookies:
        all_headers.append(("Cookie", "; ".join(f"{name}={value}" for name, value in cookies)))
    target = quote(path if path.startswith("/") else f"/{path}", safe="/%:@!$&'()*+,;=-._~")
    if queries:
        target += f"?{urlencode(queries)}"
    return Request(method.upper(), target, all_headers, body.encode(), source_ip="203.0.113.7")


_ROUTE = click.option("--route", help="The route's path, e.g. /todos/{id}.  [default: the request's path]")


@command.command("apigateway-http")
@_ROUTE
@click.option("--api-stage", "stage", default="$default", show_default=True, help="The stage of the API.")
@click.option(
    "--payload", type=click.Choice(["1.0", "2.0"]), default="2.0", show_default=True, help="The payload format."
)
@_request_options
def _http(*, route: str | None, stage: str, payload: str, region: str | None, **request: Any) -> None:
    """Write a request by an API Gateway HTTP API."""
    from layerctl.local.events import http_api

    host = f"local.execute-api.{_source(region).region}.amazonaws.com"
    print_json(http_api(_request(**request, host=host), path=route, stage=stage, payload=payload))


@command.command("apigateway-rest")
@_ROUTE
@click.option("--api-stage", "stage", default="Prod", show_default=True, help="The stage of the API.")
@_request_options
def _rest(*, route: str | None, stage: str, region: str | None, **request: Any) -> None:
    """Write a request by an API Gateway REST API."""
    from layerctl.local.events import rest_api

    host = f"local.execute-api.{_source(region).region}.amazonaws.com"
    print_json(rest_api(_request(**request, host=host), path=route, stage=stage))


@command.command("function-url")
@_request_options
def _url(*, region: str | None, **request: Any) -> None:
    """Write a request by a function URL."""
    from layerctl.local.events import function_url

    print_json(function_url(_request(**request, host=f"local.lambda-url.{_source(region).region}.on.aws")))


@command.command("alb")
@click.option("--multi-value", is_flag=True, help="The target group has multi-value headers.")
@_request_options
def _alb(*, region: str | None, multi_value: bool, **request: Any) -> None:
    """Write a request by an Application Load Balancer."""
    from layerctl.local.events import alb

    source = _source(region)
    print_json(
        alb(_request(**request, host=f"local.{source.region}.elb.amazonaws.com"), source, multi_value=multi_value)
    )
