"""The reference page of what a log line has, from log_keys.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["keys", "pages"]

_FILE = Path(__file__).with_name("log_keys.toml")
_INTRODUCTION = """\
<!-- Written by `make reference` from docs/tools/log_keys.toml. -->

# Keys of a log line

What is bound and what is given as keywords stands beside these. A keyword that has the name of one of them gets an
underscore (`level_`). `logging.configure(keys={"message": "msg", "function_arn": None})` renames or leaves out.

| key | type | when it is there |
|---|---|---|
"""
_END = """
Within a span of OpenTelemetry there are `trace_id` and `span_id` too, in its hexadecimal form; in a durable execution
`durable_execution_arn`. [Powertools' keys side by side](../powertools.md).
"""


def pages() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of the page."""
    rows = [f"| `{key}` | {kind} | {when} |" for key, (kind, when) in _read().items()]
    yield "log-keys.md", _INTRODUCTION + "\n".join(rows) + "\n" + _END


def keys() -> set[str]:
    """Return the keys."""
    return set(_read())


def _read() -> dict[str, list[str]]:
    return tomllib.loads(_FILE.read_text("utf-8"))
