"""A property's value as JSON: redacted like a value in a log line, because it stands in the log too."""

from __future__ import annotations

import json

from shared_utils._json import JSONConverter
from shared_utils.metrics.emf import MAX_DOCUMENT_BYTES

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from typing import Any

__all__ = ["encode"]


def encode(name: str, value: Any) -> str:
    """Return any value as strict JSON in ASCII; what does not fit into half a document is cut."""
    record: dict[str, Any] = {}
    JSONConverter(MAX_DOCUMENT_BYTES // 2).items([(name, value)], record)
    text = json.dumps(next(iter(record.values())), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # A lone surrogate is no character: UTF-8 cannot carry it, nor would every parser take its escape.
    return text if text.isascii() else json.dumps(json.loads(text.encode("utf-8", "replace")), separators=(",", ":"))
