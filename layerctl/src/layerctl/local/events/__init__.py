"""Events as AWS's services send them to functions, with content of one's own choosing."""

from layerctl.local.events.requests import alb, function_url, http_api, rest_api
from layerctl.local.events.services import (
    EventSource,
    cloudwatch_logs,
    dynamodb,
    eventbridge,
    kinesis,
    s3,
    schedule,
    sns,
    sqs,
)

__all__ = [
    "EventSource",
    "alb",
    "cloudwatch_logs",
    "dynamodb",
    "eventbridge",
    "function_url",
    "http_api",
    "kinesis",
    "rest_api",
    "s3",
    "schedule",
    "sns",
    "sqs",
]
