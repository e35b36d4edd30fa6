"""What of an event is base64, and what its bytes say. Loaded when an event or a response is logged."""

from __future__ import annotations

import re
from binascii import a2b_base64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["BASE64", "SIGNS", "encoded_keys", "is_compressed", "is_text", "raw_of", "text_of_bytes", "unquoted"]

# A text that may be base64, in one line or as mail has it.
BASE64 = re.compile(r"\s*[A-Za-z0-9+/_-]{12,}={0,2}\s*|\s*(?:[A-Za-z0-9+/]{40,76}\r?\n)+[A-Za-z0-9+/]*={0,2}\s*")
# How compressed data begin: gzip, zlib, zip, zstandard.
_COMPRESSED = (b"\x1f\x8b", b"\x78\x01", b"\x78\x9c", b"\x78\xda", b"PK\x03\x04", b"\x28\xb5\x2f\xfd")

# Where AWS puts data in base64 without a flag that says so (Lambda developer guide, a page for each service): Kinesis,
# Firehose, Kafka, Amazon MQ, CloudWatch Logs, binary attributes of DynamoDB, SQS, SNS. Each key with those beside it.
_ENCODED = {
    "data": ({"recordId"}, {"partitionKey"}, {"messageID"}, {"basicProperties"}),
    "value": ({"topic", "offset"},),
    "key": ({"topic", "offset"},),
    "binaryValue": (set(),),
    "binaryListValues": (set(),),
}
_SOURCES = frozenset({"aws:kinesis", "aws:kafka", "SelfManagedKafka", "aws:mq", "aws:amq", "aws:rmq"})
_FLAGS = ("isBase64Encoded", "is_base64_encoded", "encoding", "bodyEncoding")
SIGNS = frozenset((*_ENCODED, *_FLAGS, "eventSource", "awslogs", "B", "BS", "Value"))


def encoded_keys(content: dict[str, Any]) -> set[str]:
    """Return the keys of an object whose texts are base64, as far as its other keys tell."""
    keys = content.keys()
    encoded = {key for key, besides in _ENCODED.items() if key in keys and any(keys >= signs for signs in besides)}
    if any(_is_true(content.get(flag)) for flag in _FLAGS[:2]) or _says_base64(content.get("bodyEncoding")):
        encoded.add("body")
    if _says_base64(content.get("encoding")):
        encoded |= {"data", "body", "content"}
    source = content.get("eventSource")
    if isinstance(source, str) and source in _SOURCES:
        encoded |= {"data", "key", "value"}
    if content.get("Type") == "Binary":
        encoded.add("Value")
    if len(content) == 1:
        encoded |= {"B", "BS", "awslogs"}
    return encoded


def _says_base64(value: Any) -> bool:
    return isinstance(value, str) and value.lower() == "base64"


def _is_true(value: Any) -> bool:
    return value.lower() not in {"false", "0", ""} if isinstance(value, str) else bool(value)


def raw_of(text: str) -> bytes | None:
    """Return the bytes of a text in base64, in the usual or the URL's alphabet, padded or not; None when it is none."""
    compact = re.sub(r"\s", "", text).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return a2b_base64(compact + "=" * (-len(compact) % 4), strict_mode=True) if compact else b""
    except ValueError:
        return None


def text_of_bytes(raw: bytes) -> str | None:
    """Return the text that bytes are, or None."""
    try:
        text = raw.decode()
    except ValueError:
        return None
    return text if is_text(text) else None


def is_text(text: str) -> bool:
    """Whether a text has no control characters but those of layout."""
    return not re.search(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f]", text)


def unquoted(text: str) -> str:
    """Return the text of a form's name or value; importing urllib would cost more than all of this module."""
    if "%" not in text and "+" not in text:
        return text
    raw = text.replace("+", " ").encode("utf-8", "replace")
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda match: bytes.fromhex(match[1].decode()), raw).decode("utf-8", "replace")


def is_compressed(raw: bytes) -> bool:
    """Whether bytes begin as gzip, zlib, zip or zstandard do."""
    return raw.startswith(_COMPRESSED)
