"""DynamoDB: one item of a table with one GetItem. References to several attributes of one item share it.

``dynamodb://table/key#attribute``; the table's key attribute is ``id``, as in Powertools' provider, or what ``?key=``
says.
Source: Amazon DynamoDB API Reference, "GetItem" and "AttributeValue".
"""

from __future__ import annotations

from shared_utils.config.aws.endpoints import arn_prefix
from shared_utils.config.outcomes import INVALID, MISSING, UNAVAILABLE, Failure, Value
from shared_utils.config.references import quote
from shared_utils.config.sources.base import Reading, Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from shared_utils.config.references import Reference

__all__ = ["SOURCE"]


class _DynamoDB(Source):
    options = frozenset({"key", "region"})
    service = "dynamodb"

    def normalise(self, name: str, key: str | None, options: dict[str, str]) -> str:
        table, item = _parts(name)
        if not table or not item or not table.replace("_", "").replace("-", "").replace(".", "").isalnum():
            hint = "write dynamodb://table/key#attribute (a ? or # inside the key as %3F or %23)"
            raise Failure(INVALID, "a DynamoDB reference has a table and a key", hint=hint)
        if options.get("key") == "id":  # the default
            del options["key"]
        return f"{table}/{quote(item, b'/:')}"

    def read(self, reading: Reading, reference: Reference) -> None:
        transport = reading.transport
        if not transport.supports("dynamodb:GetItem"):
            what = f"the {transport.name} transport cannot read DynamoDB"
            raise Failure(UNAVAILABLE, what, hint="set SHARED_UTILS_CONFIG_TRANSPORT=signed")
        table, item = _parts(reference.name)
        key = {reference.options.get("key", "id"): {"S": item}}
        # Consistent, because an eventual read may give an older answer than one before it.
        request = {"TableName": table, "Key": key, "ConsistentRead": True}
        answer = reading.ask("dynamodb:GetItem", request, reference.region)
        if not answer.get("Item"):
            raise Failure(MISSING, "there is no such item in the table", code="ItemNotFound")
        reading.deliver(reference.base, Value({name: _plain(value) for name, value in answer["Item"].items()}))

    def actions(self, reference: Reference) -> list[str]:
        return ["dynamodb:GetItem"]

    def resources(self, reference: Reference, region: str, account: str) -> list[str]:
        return [f"{arn_prefix('dynamodb', region, account)}:table/{_parts(reference.name)[0]}"]


SOURCE = _DynamoDB()


def _parts(name: str) -> tuple[str, str]:
    """Return the table and the key."""
    table, _, item = name.partition("/")
    if "%" in item:
        from urllib.parse import unquote

        item = unquote(item)
    return table, item


def _plain(value: dict[str, Any]) -> Any:
    """Return an AttributeValue as the tree that it describes: numbers as int or float, binary values as bytes."""
    ((kind, content),) = value.items()
    if kind == "N":
        return int(content) if content.lstrip("-").isdigit() else float(content)
    if kind == "B":
        return _bytes(content)
    if kind == "M":
        return {name: _plain(item) for name, item in content.items()}
    if kind == "L":
        return [_plain(item) for item in content]
    if kind in {"NS", "BS"}:
        return [_plain({kind[0]: item}) for item in content]
    return None if kind == "NULL" else content  # S, BOOL, SS


def _bytes(content: str | bytes) -> bytes:
    """Return a binary value: base64 on the wire, bytes from boto3."""
    if isinstance(content, str):
        from base64 import b64decode

        return b64decode(content, validate=True)
    return bytes(content)
