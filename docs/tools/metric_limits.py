"""The reference page of what metrics are by default and at most, from the constants that hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared_utils.metrics import emf, limits
from shared_utils.metrics.units import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["pages"]

_DAY_MS, _HOUR_MS = 24 * 3600 * 1000, 3600 * 1000


def pages() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of the page."""
    yield (
        "metrics.md",
        f"""\
<!-- Written by `make reference` from shared_utils.metrics. -->

# Metrics: defaults and limits

| what | default |
|---|---|
| namespace | `SHARED_UTILS_METRICS_NAMESPACE`, `POWERTOOLS_METRICS_NAMESPACE`; else nothing is written |
| dimensions | `service`, where the service has a name; `default_dimensions(...)` adds lasting ones |
| unit | `Count` of `count`, `Milliseconds` of `timer`; `add` is always given one |
| resolution | 60 seconds; 1 for a high-resolution metric |
| `ColdStart` | a count with the dimensions `function_name` and `service`, at the start of a cold invocation |
| when it is written | at the end of an invocation, shortly before its time-out, at the exit of a script, on `flush()` |

| what CloudWatch accepts | at most | what is more |
|---|---|---|
| metrics in a document | {limits.MAX_METRICS} | goes into further documents |
| values of a metric in a document | {limits.MAX_VALUES} | goes into further documents |
| bytes of a document | {emf.MAX_DOCUMENT_BYTES:,} | goes into further documents |
| dimensions in a set | {limits.MAX_DIMENSIONS} | is an error |
| characters of a metric's name | {limits.MAX_NAME} | is an error |
| characters of a dimension's name | {limits.MAX_DIMENSION_NAME} | is an error |
| characters of a dimension's value | {limits.MAX_DIMENSION_VALUE} | is an error |
| a value's size | 2 to the power of 360 | is an error |
| age of a timestamp | {limits.PAST_MS // _DAY_MS} days | is an error |
| a timestamp in the future | {limits.FUTURE_MS // _HOUR_MS} hours | is an error |

## Units

{", ".join(f"`{unit.value}`" for unit in Unit)}
""",
    )
