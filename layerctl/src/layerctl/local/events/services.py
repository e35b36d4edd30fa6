"""Events of services: queues, topics, streams, buckets, buses.

The shapes are those of the Lambda developer guide, page "Using AWS Lambda with …" (or "… with Amazon …") of each
service, and of the pages named at each function. Ids and times are made anew; digests are right for the content.
"""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import md5, sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus
from uuid import uuid4

from layerctl.core.errors import LayerctlError
from layerctl.core.partitions import partition_of
from layerctl.templates.sam import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["EventSource", "cloudwatch_logs", "dynamodb", "eventbridge", "kinesis", "s3", "schedule", "sns", "sqs"]


@dataclass(frozen=True, slots=True)
class EventSource:
    """Where and when an event comes about."""

    region: str = "eu-central-1"
    account: str = ACCOUNT
    time: datetime = field(default_factory=lambda: datetime.now(UTC))

    def arn(self, service: str, resource: str, *, place: str | None = None) -> str:
        """An ARN of ours. Names of some services belong to no region or account: `place` is what stands for both."""
        place = f"{self.region}:{self.account}" if place is None else place
        return f"arn:{partition_of(self.region)}:{service}:{place}:{resource}"

    @property
    def millis(self) -> int:
        """The time in milliseconds since 1970."""
        return int(self.time.timestamp() * 1000)

    @property
    def iso_seconds(self) -> str:
        """``2026-11-26T12:00:00Z``."""
        return self.time.strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def iso_millis(self) -> str:
        """``2026-11-26T12:00:00.000Z``."""
        return self.time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{self.millis % 1000:03}Z"


def eventbridge(
    at: EventSource, *, source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str]
) -> dict[str, Any]:
    """An event of a bus (EventBridge user guide, "Event structure")."""
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": at.account,
        "time": at.iso_seconds,
        "region": at.region,
        "resources": list(resources),
        "detail": dict(detail),
    }


def schedule(at: EventSource, *, rule: str) -> dict[str, Any]:
    """What a rule with a schedule sends (EventBridge user guide, "Scheduled event")."""
    return eventbridge(
        at, source="aws.events", detail_type="Scheduled Event", detail={}, resources=[at.arn("events", f"rule/{rule}")]
    )


def sqs(
    at: EventSource, *, bodies: Sequence[str], queue: str, attributes: Mapping[str, str], group: str | None
) -> dict[str, Any]:
    """A batch of a queue's messages; of a FIFO queue with a group ("Using Lambda with Amazon SQS")."""
    fifo = group is not None or queue.endswith(".fifo")
    name = f"{queue}.fifo" if fifo and not queue.endswith(".fifo") else queue
    records = []
    for number, body in enumerate(bodies):
        system = {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": str(at.millis),
            "SenderId": "AIDAEXAMPLESENDER",
            "ApproximateFirstReceiveTimestamp": str(at.millis + 1),
        }
        if fifo:
            system |= {
                "SequenceNumber": f"{18849496460467696128 + number}",
                "MessageGroupId": group or "default",
                "MessageDeduplicationId": sha256(body.encode()).hexdigest(),
            }
        values = {name: {"stringValue": value, "stringListValues": [], "binaryListValues": [], "dataType": "String"}
                  for name, value in attributes.items()}  # fmt: skip
        records.append(
            {
                "messageId": str(uuid4()),
                "receiptHandle": base64.b64encode(uuid4().bytes).decode(),
                "body": body,
                "attributes": system,
                "messageAttributes": values,
                "md5OfBody": md5(body.encode(), usedforsecurity=False).hexdigest(),
                "eventSource": "aws:sqs",
                "eventSourceARN": at.arn("sqs", name),
                "awsRegion": at.region,
            }
        )
    return {"Records": records}


def sns(
    at: EventSource, *, message: str, topic: str, subject: str | None, attributes: Mapping[str, str]
) -> dict[str, Any]:
    """A topic's notification ("Invoking Lambda functions with Amazon SNS notifications")."""
    arn = at.arn("sns", topic)
    notification = {
        "Type": "Notification",
        "MessageId": str(uuid4()),
        "TopicArn": arn,
        "Subject": subject,
        "Message": message,
        "Timestamp": at.iso_millis,
        "SignatureVersion": "1",
        "Signature": base64.b64encode(b"layerctl signs nothing").decode(),
        "SigningCertUrl": f"https://sns.{at.region}.amazonaws.com/SimpleNotificationService-layerctl.pem",
        "UnsubscribeUrl": f"https://sns.{at.region}.amazonaws.com/?Action=Unsubscribe",
        "MessageAttributes": {name: {"Type": "String", "Value": value} for name, value in attributes.items()},
    }
    record = {"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": f"{arn}:{uuid4()}"}
    return {"Records": [{**record, "Sns": notification}]}


def s3(at: EventSource, *, bucket: str, key: str, event: str, size: int) -> dict[str, Any]:
    """A bucket's notification (S3 user guide, "Event message structure"). Keys are encoded there as in a form."""
    thing: dict[str, Any] = {"key": quote_plus(key, safe="/")}
    if not event.startswith("ObjectRemoved:"):
        thing |= {"size": size, "eTag": md5(key.encode(), usedforsecurity=False).hexdigest()}
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": at.region,
                "eventTime": at.iso_millis,
                "eventName": event,
                "userIdentity": {"principalId": "AWS:AIDAEXAMPLEUSER"},
                "requestParameters": {"sourceIPAddress": "127.0.0.1"},
                "responseElements": {
                    "x-amz-request-id": uuid4().hex[:16].upper(),
                    "x-amz-id-2": base64.b64encode(uuid4().bytes * 3).decode(),
                },
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": "layerctl",
                    "bucket": {
                        "name": bucket,
                        "ownerIdentity": {"principalId": "A1EXAMPLEOWNER"},
                        "arn": at.arn("s3", bucket, place=":"),
                    },
                    "object": {**thing, "sequencer": f"{at.millis:016X}"},
                },
            }
        ]
    }


def dynamodb(
    at: EventSource,
    *,
    table: str,
    keys: Sequence[str],
    new: Mapping[str, Any] | None,
    old: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """A record of a table's stream ("Using AWS Lambda with Amazon DynamoDB"), from items in ordinary JSON.

    Args:
        at: where and when.
        table: its name.
        keys: the attributes of the key.
        new: the item after the change; None: it was removed.
        old: the item before it; None: it was inserted.

    Raises:
        LayerctlError: there is no item, a key is in none, or a value is none of DynamoDB's.
    """
    name = "REMOVE" if new is None else "INSERT" if old is None else "MODIFY"
    images = {"NewImage": _attributes(new), "OldImage": _attributes(old)}
    item = images["NewImage"] or images["OldImage"]
    if item is None:
        raise LayerctlError("a record needs an item", hint="give one with --new, --old, or both")
    if missing := [key for key in keys if key not in item]:
        raise LayerctlError(f"the item has no {missing[0]!r}, which --key names")
    change = {
        "ApproximateCreationDateTime": at.millis // 1000,
        "Keys": {key: item[key] for key in keys},
        **{image: value for image, value in images.items() if value is not None},
        "SequenceNumber": f"{at.millis:021}",
        "SizeBytes": len(json.dumps(images)),
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    stream = at.time.strftime("%Y-%m-%dT%H:%M:%S.000")
    return {
        "Records": [
            {
                "eventID": uuid4().hex,
                "eventName": name,
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": at.region,
                "dynamodb": change,
                "eventSourceARN": at.arn("dynamodb", f"table/{table}/stream/{stream}"),
            }
        ]
    }


def kinesis(at: EventSource, *, data: Sequence[bytes], stream: str, partition_key: str) -> dict[str, Any]:
    """A batch of a stream's records ("Using AWS Lambda to process Amazon Kinesis Data Streams records")."""
    records = []
    for number, content in enumerate(data):
        sequence = f"{49590338271490256608559692538361571095921575989136588898 + number}"
        records.append(
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": partition_key,
                    "sequenceNumber": sequence,
                    "data": base64.b64encode(content).decode(),
                    "approximateArrivalTimestamp": at.millis / 1000,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"shardId-000000000000:{sequence}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": at.arn("iam", "role/layerctl", place=f":{at.account}"),
                "awsRegion": at.region,
                "eventSourceARN": at.arn("kinesis", f"stream/{stream}"),
            }
        )
    return {"Records": records}


def cloudwatch_logs(at: EventSource, *, messages: Sequence[str], group: str, stream: str) -> dict[str, Any]:
    """What a subscription filter sends (CloudWatch Logs user guide, "Log group-level subscription filters")."""
    content = {
        "messageType": "DATA_MESSAGE",
        "owner": at.account,
        "logGroup": group,
        "logStream": stream,
        "subscriptionFilters": ["layerctl"],
        "logEvents": [
            {"id": f"{at.millis}{number:043}", "timestamp": at.millis, "message": message}
            for number, message in enumerate(messages)
        ],
    }
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(content).encode(), mtime=0)).decode()}}


def _attributes(item: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """An item with DynamoDB's types, ``{"N": "1"}`` (DynamoDB API reference, "AttributeValue")."""
    if item is None:
        return None
    from boto3.dynamodb.types import TypeSerializer

    serializer = TypeSerializer()
    try:
        return {name: serializer.serialize(value) for name, value in item.items()}
    except (TypeError, ArithmeticError) as error:
        raise LayerctlError(f"DynamoDB has no such value: {error}") from None
